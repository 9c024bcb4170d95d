"""What a charger's page shows of the messages that passed: the chart, the table, and both anew while somebody looks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import Request

from reconciler.adapters.console.message_chart import message_chart
from reconciler.adapters.console.pages import Pages
from reconciler.adapters.console.streams import Fragments
from reconciler.app.message_counts import MessageCounts
from reconciler.app.status import ChargerStatus

EVERY: Final = timedelta(seconds=10)
"""How often a page that is watched gets a new chart."""


class PassedMessages:
    """Draws what `counts` have."""

    def __init__(self, counts: MessageCounts, pages: Pages) -> None:
        self._counts = counts
        self._pages = pages

    def context(self, status: ChargerStatus) -> dict[str, Any]:
        """Return what the templates are given; another node counts where the charger is connected there."""
        live, chart = status.live, message_chart(self._counts.of(status.name), "the charger")
        return {"messages_chart": chart, "counted_at": live.node if live is not None and not chart else ""}

    def follow(self, request: Request) -> Callable[[ChargerStatus], Fragments]:
        """Return what gives a stream its fragments: none at most times."""
        last = datetime.min.replace(tzinfo=UTC)

        def fragments(status: ChargerStatus) -> Fragments:
            nonlocal last
            now = self._pages.now()
            if now - last < EVERY:
                return {}
            last, context = now, self.context(status)
            return {
                "counts": self._pages.fragment(request, "message_chart.html", **context),
                "counted": self._pages.fragment(request, "message_table.html", **context),
            }

        return fragments

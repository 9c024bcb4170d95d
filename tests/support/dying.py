"""A process that dies: every call that it makes to the world is counted, and from one on none of them gets through."""

import inspect
from collections.abc import Callable
from typing import Any, Literal, cast

from reconciler.app.ports import RelayPort, Store

Moment = Literal["before", "after"]


class Died(BaseException):
    """Raised in the process that is dead; no handler of errors may catch it, as none runs after a power cut."""


class Life:
    """Counts calls, and ends at call number `last`: before it had its effect, or after it, unheard."""

    def __init__(self, last: int | None = None, moment: Moment = "before") -> None:
        self.calls: list[str] = []
        self.over = False
        self._last = last
        self._moment = moment

    async def step(self, name: str, call: Callable[[], Any]) -> Any:
        """Make a call, unless life is over by then."""
        if self.over:
            raise Died
        self.calls.append(name)
        due = len(self.calls) == self._last
        if due and self._moment == "before":
            self.over = True
            raise Died
        result = await call()
        if due or self.over:
            self.over = True
            raise Died
        return result


class _Mortal:
    """Passes on what is asked of the other one for as long as life lasts."""

    def __init__(self, real: object, life: Life) -> None:
        self._real = real
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def mortal(*arguments: Any, **named: Any) -> Any:
            return await self._life.step(name, lambda: found(*arguments, **named))

        return mortal


def mortal_store(store: Store, life: Life) -> Store:
    """Return a store as a process has it that will die."""
    return cast(Store, _Mortal(store, life))


def mortal_relay(relay: RelayPort, life: Life) -> RelayPort:
    """Return a relay as a process has it that will die."""
    return cast(RelayPort, _Mortal(relay, life))

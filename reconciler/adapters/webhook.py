"""Webhooks: notices posted as JSON, signed so that the receiver knows who posted them and when.

Fwdctl-Signature: t=<seconds since the epoch>,v1=<hex HMAC-SHA256 of "<t>.<body>" under the contact's secret>
Idempotency-Key:  the same for every attempt to deliver the same notice
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from reconciler import __version__
from reconciler.app.delivering import Message, NotDelivered
from reconciler.app.ports import Clock, Secrets
from reconciler.app.signed_post import SIGNATURE as SIGNATURE
from reconciler.app.signed_post import signature as signature
from reconciler.errors import SecretUnavailable
from reconciler.local.notification_text import event_name
from reconciler.model.notices import OutageNotice
from reconciler.model.notifications import Notification

FORMAT_VERSION: Final = "1.0"
_TIMEOUT_S: Final = 10.0


class WebhookCourier:
    """Carries notices to HTTP endpoints."""

    def __init__(self, secrets: Secrets, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock

    async def deliver(self, message: Message) -> None:
        """Post the message; raises NotDelivered for any answer but 2xx, redirects included."""
        notice = message.notice
        content = json.dumps(payload(message), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"fwdctl/{__version__}",
            "Idempotency-Key": hashlib.sha256(notice.key.encode()).hexdigest(),
        }
        if notice.recipient.secret is not None:
            headers[SIGNATURE] = signature(self._secret(notice), int(self._clock.now().timestamp()), content)
        import httpx  # here, as it takes a while to load, and few sites have webhooks

        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client:
                response = await client.post(notice.recipient.to, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise NotDelivered(f"the webhook can't be reached: {type(error).__name__}") from error
        if not response.is_success:
            raise NotDelivered(f"the webhook answered HTTP {response.status_code}")

    def _secret(self, notice: OutageNotice | Notification) -> bytes:
        assert notice.recipient.secret is not None
        try:
            return self._secrets.resolve(notice.recipient.secret)
        except SecretUnavailable as error:
            raise NotDelivered(error.summary) from error


def payload(message: Message) -> dict[str, Any]:
    """Return what is posted, as JSON data."""
    if isinstance(message.notice, Notification):
        return _notification(message.notice, message)
    return _outage(message.notice, message)


def _notification(told: Notification, message: Message) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "kind": "notification",
        "event": event_name(told),
        "rule": told.rule,
        "trouble": told.trouble,
        "edge": told.edge.value,
        "charger": told.charger or None,
        "at": _time(told.at),
        "contact": message.contact,
        "subject": message.subject,
        "text": message.text,
    }


def _outage(notice: OutageNotice, message: Message) -> dict[str, Any]:
    told = notice.announcement
    return {
        "format_version": FORMAT_VERSION,
        "kind": notice.kind.value,
        "occurrence": notice.occurrence,
        "edge": notice.edge,
        "sequence": notice.sequence,
        "late": notice.late,
        "backend": notice.recipient.backend,
        "outage": told.outage,
        "opening": _time(told.opening),
        "until": _time(told.until),
        "time_zone": told.zone,
        "chargers": list(told.chargers),
        "reason": told.reason,
        "contact": message.contact,
        "subject": message.subject,
        "text": message.text,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

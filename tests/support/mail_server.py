"""A real SMTP server for tests: takes mail on loopback, and rings for each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP
from icalendar import Calendar

from reconciler.testing.waiting import Bell


@dataclass
class MailServer:
    """What arrived; `refuse` is the answer to every mail while it is not empty."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""
    bell: Bell = field(default_factory=Bell)

    @property
    def url(self) -> str:
        """Return how to reach it."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Take a mail, or refuse it."""
        if not self.refuse:
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        self.bell.ring()
        return self.refuse or "250 taken"


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """Run one for the block."""
    found = MailServer()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(found, loop=loop, hostname="mail.test"), "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        listening.close()
        await listening.wait_closed()


def calendar_of(mail: EmailMessage) -> tuple[str, Any]:
    """Return the method of the mail's calendar entry, and the entry."""
    (attached,) = [part for part in mail.iter_attachments() if part.get_content_type() == "text/calendar"]
    found = Calendar.from_ical(attached.get_content())
    (entry,) = found.walk("VEVENT")
    return str(found["method"]), entry

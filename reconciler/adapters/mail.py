"""Mail: notices by SMTP, each with an iCalendar entry that later ones update or remove."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
from icalendar import Calendar, Event, vCalAddress, vText

from reconciler import __version__
from reconciler.app.delivering import Message, NotDelivered
from reconciler.errors import FwdctlError
from reconciler.model.notices import NoticeKind, OutageNotice
from reconciler.model.notifications import Edge, Notification

_TIMEOUT_S: Final = 10.0
_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_FORMS: Final = "write smtp://HOST:25, smtp+starttls://USER@HOST:587 or smtps://USER@HOST:465"


@dataclass(frozen=True, slots=True)
class MailServer:
    """How to reach the SMTP server."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, password: str = "") -> Self:
        """Return the server that `url` names; raises FwdctlError, which never repeats the URL, where it names none."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
            parts = urlsplit("")
        if parts.scheme not in _PORTS or not host or parts.path.strip("/"):
            raise FwdctlError("--smtp is no URL of a mail server", hint=_FORMS)
        if parts.password is not None:
            raise FwdctlError(
                "--smtp holds a password", hint="put it into FWDCTL_SMTP_PASSWORD, or a file: FWDCTL_SMTP_PASSWORD_FILE"
            )
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], unquote(parts.username or ""), password)


def smtp_password(environ: Mapping[str, str]) -> str:
    """Return the password of the mail server: FWDCTL_SMTP_PASSWORD, or what FWDCTL_SMTP_PASSWORD_FILE holds; else "".

    Raises FwdctlError where the file can't be read.
    """
    file = environ.get("FWDCTL_SMTP_PASSWORD_FILE")
    if not file:
        return environ.get("FWDCTL_SMTP_PASSWORD", "")
    try:
        return Path(file).read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FwdctlError(f"FWDCTL_SMTP_PASSWORD_FILE can't be read: {type(error).__name__}") from error


class MailCourier:
    """Carries notices to mail addresses; `sender` is who they come from."""

    def __init__(self, server: MailServer, sender: str) -> None:
        if "@" not in parseaddr(sender)[1]:
            raise FwdctlError(
                "--smtp needs --mail-from: whom notices come from", hint='--mail-from "Operations <noc@you.example>"'
            )
        self._server = server
        self._sender = sender

    async def deliver(self, message: Message) -> None:
        """Hand the message to the SMTP server, or raise NotDelivered."""
        server = self._server
        try:
            await aiosmtplib.send(
                compose(message, self._sender),
                hostname=server.host,
                port=server.port,
                username=server.user or None,
                password=server.password or None,
                use_tls=server.scheme == "smtps",
                start_tls=True if server.scheme == "smtp+starttls" else None if server.scheme == "smtp" else False,
                timeout=_TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotDelivered(f"the mail server {server.host} did not take it: {_told(error)}") from error


def compose(message: Message, sender: str) -> EmailMessage:
    """Return the mail; the same notice always has the same Message-ID.

    With an outage's notice goes its calendar entry; what says that a trouble is over is an answer to what told of it.
    """
    notice = message.notice
    domain = parseaddr(sender)[1].rpartition("@")[2] or "fwdctl.invalid"
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = notice.recipient.to
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(notice.claimed_at)
    mail["Message-ID"] = _message_id(notice.key, domain)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if isinstance(notice, Notification):
        if notice.edge is Edge.OVER:
            mail["In-Reply-To"] = mail["References"] = _message_id(notice.begun_key, domain)
        return mail
    method = "CANCEL" if notice.kind is NoticeKind.CANCELLED else "REQUEST"
    entry = calendar(notice, message, sender, domain, method)
    mail.add_attachment(entry.decode(), subtype="calendar", filename="outage.ics", params={"method": method})
    return mail


def _message_id(key: str, domain: str) -> str:
    return f"<{sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def calendar(notice: OutageNotice, message: Message, sender: str, domain: str, method: str) -> bytes:
    """Return the iCalendar object of a notice; its UID stays the same for as long as the opening is the same."""
    told = notice.announcement
    event = Event()
    event.add("uid", f"{notice.occurrence}@{domain}")
    event.add("sequence", notice.sequence)
    event.add("dtstamp", notice.claimed_at)
    event.add("dtstart", told.opening)
    event.add("dtend", told.until)
    event.add("summary", message.subject)
    event.add("description", message.text)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("organizer", vCalAddress(f"mailto:{parseaddr(sender)[1]}"))
    attendee = vCalAddress(f"mailto:{notice.recipient.to}")
    attendee.params["rsvp"] = vText("FALSE")
    event.add("attendee", attendee)
    found = Calendar()
    found.add("prodid", f"-//fwdctl//{__version__}//EN")
    found.add("version", "2.0")
    found.add("method", method)
    found.add_component(event)
    return bytes(found.to_ical())


def _told(error: BaseException) -> str:
    text = next(iter(str(error).splitlines()), "")
    return text[:200] or type(error).__name__

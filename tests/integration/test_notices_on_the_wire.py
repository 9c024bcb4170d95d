"""Notices as partners get them: real mail with a calendar entry, real posts with a signature."""

import hashlib
import hmac
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.adapters.mail import MailCourier, MailServer, compose, smtp_password
from reconciler.adapters.secrets import ServerSecrets
from reconciler.adapters.webhook import WebhookCourier
from reconciler.app.delivering import Message, NotDelivered
from reconciler.errors import FwdctlError
from reconciler.model.desired import SecretRef
from reconciler.model.notices import Announcement, NoticeKind, OutageNotice, Recipient
from tests.support.clock import EPOCH, FakeClock
from tests.support.mail_server import calendar_of, mail_server
from tests.support.web_server import web_server

TOLD = Announcement("scheduled-outage.x", EPOCH, EPOCH.replace(hour=4), "Europe/Rome", ("cp1", "caffè"), "firmware")
NOTICE = OutageNotice(
    "x/1", "before-1h", Recipient("p", "email", "noc@p.example"), NoticeKind.BEFORE, TOLD, EPOCH, EPOCH
)
SENDER = "Relay <noc@relay.example>"


def message(**fields: object) -> Message:
    return Message(replace(NOTICE, **fields), "Planned outage", "Text with caffè\n", SENDER)  # type: ignore[arg-type]


async def test_a_mail_arrives_with_text_and_a_calendar_entry() -> None:
    async with mail_server() as server:
        await MailCourier(MailServer.parse(server.url), SENDER).deliver(message())
    (mail,) = server.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == ("noc@p.example", SENDER, "Planned outage")
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == ["Text with caffè"]
    method, entry = calendar_of(mail)
    assert (method, str(entry["uid"]), int(entry["sequence"])) == ("REQUEST", "x/1@relay.example", 0)
    assert (entry.decoded("dtstart"), entry.decoded("dtend")) == (TOLD.opening, TOLD.until)


def test_a_change_updates_the_entry_and_a_cancellation_removes_it() -> None:
    entries = [
        calendar_of(compose(message(**fields), SENDER))
        for fields in ({}, {"sequence": 1, "kind": NoticeKind.CHANGED}, {"sequence": 2, "kind": NoticeKind.CANCELLED})
    ]
    assert [(method, str(entry["uid"]), int(entry["sequence"]), str(entry["status"])) for method, entry in entries] == [
        ("REQUEST", "x/1@relay.example", 0, "CONFIRMED"),
        ("REQUEST", "x/1@relay.example", 1, "CONFIRMED"),
        ("CANCEL", "x/1@relay.example", 2, "CANCELLED"),
    ]


def test_the_same_notice_has_the_same_message_id_whenever_it_is_sent() -> None:
    first, again, other = (compose(message(**f), SENDER) for f in ({}, {"attempts": 3}, {"edge": "start"}))
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]


async def test_a_mail_server_that_refuses_or_is_away_is_named_with_its_words() -> None:
    async with mail_server() as server:
        server.refuse = "451 greylisted"
        courier = MailCourier(MailServer.parse(server.url), SENDER)
        with pytest.raises(NotDelivered, match=r"127\.0\.0\.1 did not take it.*greylisted"):
            await courier.deliver(message())
    with pytest.raises(NotDelivered, match=r"127\.0\.0\.1 did not take it"):
        await courier.deliver(message())


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp://u:hunter2@mail.example", "smtp://x:y"]
)
def test_what_is_no_mail_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(FwdctlError) as refused:
        MailServer.parse(url)
    assert "hunter2" not in refused.value.summary + refused.value.hint


def test_the_mail_servers_password_comes_from_a_variable_or_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    assert smtp_password({"FWDCTL_SMTP_PASSWORD_FILE": str(tmp_path / "password")}) == "hunter2"
    assert smtp_password({"FWDCTL_SMTP_PASSWORD": "hunter2"}) == "hunter2"
    assert smtp_password({}) == ""
    server = MailServer.parse("smtps://noc%40relay@mail.example", "hunter2")
    assert (server.user, server.port) == ("noc@relay", 465)
    assert "hunter2" not in repr(server)
    with pytest.raises(FwdctlError, match="can't be read"):
        smtp_password({"FWDCTL_SMTP_PASSWORD_FILE": str(tmp_path / "none")})


def test_mail_needs_a_sender() -> None:
    with pytest.raises(FwdctlError, match="--mail-from"):
        MailCourier(MailServer.parse("smtp://mail.example"), "")


async def test_a_webhook_is_signed_dated_and_says_which_notice_it_is(tmp_path: Path) -> None:
    secrets = ServerSecrets(tmp_path, {"FWDCTL_SECRET_HOOK": "s3cret"})
    async with web_server() as server:
        to = Recipient("p", "webhook", server.url, SecretRef("env", "FWDCTL_SECRET_HOOK"))
        courier = WebhookCourier(secrets, FakeClock())
        await courier.deliver(message(recipient=to))
        await courier.deliver(message(recipient=to, attempts=2))
        await courier.deliver(message(recipient=replace(to, secret=None)))
    first, again, unsigned = server.posted
    moment, _, given = first.headers["fwdctl-signature"].partition(",v1=")
    assert moment == f"t={int(EPOCH.timestamp())}"
    signed = f"{int(EPOCH.timestamp())}.".encode() + first.content
    assert hmac.compare_digest(given, hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest())
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert "fwdctl-signature" not in unsigned.headers
    assert first.json["chargers"] == ["cp1", "caffè"]
    assert (first.json["kind"], first.json["opening"]) == ("before", "2026-12-01T02:00:00Z")
    assert b"s3cret" not in first.content


async def test_a_webhook_that_says_no_or_is_away_is_not_delivered(tmp_path: Path) -> None:
    courier = WebhookCourier(ServerSecrets(tmp_path, {}), FakeClock())
    async with web_server() as server:
        to = Recipient("p", "webhook", server.url)
        for status in (302, 404, 500):
            server.status = status
            with pytest.raises(NotDelivered, match=f"HTTP {status}"):
                await courier.deliver(message(recipient=to))
    with pytest.raises(NotDelivered, match="can't be reached: ConnectError"):
        await courier.deliver(message(recipient=to))
    missing = replace(to, secret=SecretRef("env", "FWDCTL_SECRET_NONE"))
    with pytest.raises(NotDelivered, match="FWDCTL_SECRET_NONE"):
        await courier.deliver(message(recipient=missing))

"""Notifications on real sockets: told by mail and webhook where local is in charge, counted where a partner is."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.app import notifications
from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from tests.support.fleet_of_nodes import let_in
from tests.support.mail_server import MailServer, mail_server
from tests.support.server import Server, running_server
from tests.support.web_server import WebServer, web_server

SITE = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: open}}
spec: {{profile: 0}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {{name: partner-pay}}
spec: {{url: "{partner}", versions: [ocpp2.0.1, ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp1, labels: {{of: us}}}}
spec: {{identity: CP-1, versions: [ocpp1.6], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp2, labels: {{of: partner}}}}
spec: {{identity: CP-2, versions: [ocpp2.0.1], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp3, labels: {{of: local}}}}
spec: {{identity: CP-3, versions: [ocpp2.1], securityProfile: open}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: alone}}
spec: {{chargers: {{labels: {{of: local}}}}, backends: [{{backend: local, role: primary}}]}}
---
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {{name: word}}
spec: {{profile: 1, password: {{fromFile: word}}}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {{name: cp4, labels: {{of: us}}}}
spec: {{identity: CP-4, versions: [ocpp1.6], securityProfile: word}}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: ours}}
spec:
  chargers: {{labels: {{of: us}}}}
  backends: [{{backend: local, role: primary}}, {{backend: partner-pay, role: passive}}]
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {{name: theirs}}
spec:
  chargers: {{labels: {{of: partner}}}}
  backends: [{{backend: partner-pay, role: primary}}, {{backend: local, role: passive}}]
---
apiVersion: fwdctl/v1
kind: NotificationRule
metadata: {{name: faults}}
spec:
  chargers: {{names: ["*"]}}
  on: [connector-faulted, security-event, flip]
  to: [{{email: ops@depot.example}}, {{webhook: {{url: "{hook}", secret: {{fromFile: hook}}}}}}]
  after: 0s
---
apiVersion: fwdctl/v1
kind: NotificationRule
metadata: {{name: watchman}}
spec: {{on: [relay-security-event], to: [{{email: night@depot.example}}]}}
"""


@dataclass
class Depot:
    """One charger of ours and one of a partner's, and the people on duty."""

    server: Server
    ours: SimulatedStation
    theirs: SimulatedStation
    newest: SimulatedStation
    """OCPP 2.1, and status by NotifyEvent."""
    mails: MailServer
    posts: WebServer

    async def mail(self, number: int) -> tuple[str, str]:
        """Return the subject and the text of the mail of that number, once it is there."""
        await self.mails.bell.until(lambda: len(self.mails.mails) >= number, 20.0)
        mail = self.mails.mails[number - 1]
        text = mail.get_body(("plain",))
        assert text is not None
        return str(mail["Subject"]), str(text.get_content())

    async def status(self) -> str:
        """Return what `fwdctl status` says."""
        return (await self.server.fwdctl("status")).out


@asynccontextmanager
async def running_depot(folder: Path, store: str | None = None) -> AsyncIterator[Depot]:
    """Run it; over a `store` that two nodes share all stations are connected to the one that does not act."""
    for name in ("data", "there"):
        (folder / name / "secrets").mkdir(parents=True)
        (folder / name / "secrets" / "hook").write_text("s3cret")
        (folder / name / "secrets" / "word").write_text("the right one, long enough")
    async with AsyncExitStack() as stack:
        mails = await stack.enter_async_context(mail_server())
        posts = await stack.enter_async_context(web_server())
        partner = await stack.enter_async_context(SimulatedCsms("partner-pay"))
        settings = {"smtp": mails.url, "mail_from": "Operations <noc@relay.example>"}
        server = there = await stack.enter_async_context(running_server(folder / "data", store=store, **settings))
        if store is not None:
            there = await stack.enter_async_context(running_server(folder / "there", store=store))
        file = folder / "site.yaml"
        file.write_text(SITE.format(partner=partner.url, hook=posts.url))
        await server.apply("-f", file)
        ours = SimulatedStation("CP-1", there.stations_url, "ocpp1.6")
        theirs = SimulatedStation("CP-2", there.stations_url, "ocpp2.0.1")
        newest = SimulatedStation("CP-3", there.stations_url, "ocpp2.1", status_events=True)
        for station in (ours, theirs, newest):
            await stack.enter_async_context(let_in(station))
            await station.boot()
        yield Depot(server, ours, theirs, newest, mails, posts)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look ten times as often whether there is something to tell."""
    monkeypatch.setattr(notifications, "TICK_S", 0.3)


@pytest.fixture
async def depot(tmp_path: Path) -> AsyncIterator[Depot]:
    """The depot at work, at one node."""
    async with running_depot(tmp_path) as depot:
        yield depot


@pytest.mark.slow
async def test_what_happens_at_another_node_is_told_by_the_one_that_acts_once(
    tmp_path: Path, postgres_url: str
) -> None:
    async with running_depot(tmp_path, postgres_url) as depot:
        await depot.ours.status(1, "Faulted", error="GroundFailure")
        assert (await depot.mail(1))[0] == "cp1 has a faulted connector: connector 1, GroundFailure"
        toggled = await depot.server.fwdctl("toggle", "cp2", "--primary", "local", "--reason", "visit")
        assert toggled.code == 0, toggled.err
        assert (await depot.mail(2))[0] == "cp2 changed hands: every feature: partner-pay -> local"
        await depot.ours.status(1, "Available")
        assert (await depot.mail(3))[0] == "cp1 has no faulted connector any more"
        await depot.ours.call(
            "SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": depot.ours.now()}
        )
        assert (await depot.mail(4))[0] == "cp1 reports a security event: TamperDetectionActivated"
        assert len(depot.mails.mails) == 4


@pytest.mark.slow
async def test_a_faulted_connector_is_told_where_local_is_in_charge_and_counted_where_it_is_not(depot: Depot) -> None:
    await depot.theirs.status(1, "Faulted")
    await depot.ours.status(1, "Faulted", error="GroundFailure")
    subject, text = await depot.mail(1)
    assert subject == "cp1 has a faulted connector: connector 1, GroundFailure"
    assert "fwdctl status charger.cp1" in text
    assert "notification-rule.faults" in text
    await depot.posts.bell.until(lambda: len(depot.posts.posted) > 0, 20.0)
    (posted,) = depot.posts.posted
    assert (posted.json["event"], posted.json["charger"], posted.json["edge"]) == ("connector-faulted", "cp1", "begun")
    moment, _, given = posted.headers["fwdctl-signature"].partition(",v1=")
    signed = moment.removeprefix("t=").encode() + b"." + posted.content
    assert hmac.compare_digest(given, hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest())
    assert "1 not sent: partner-pay is in charge (connector-faulted" in await depot.status()

    # The same again is nothing new; that it is over is an answer to the mail that told of it.
    await depot.ours.status(1, "Faulted", error="GroundFailure")
    await depot.ours.status(1, "Available")
    subject, _ = await depot.mail(2)
    assert subject == "cp1 has no faulted connector any more"
    assert depot.mails.mails[1]["In-Reply-To"] == depot.mails.mails[0]["Message-ID"]

    # The partner's charger is taken over while its connector is faulted: now it is local's to tell.
    toggled = await depot.server.fwdctl("toggle", "cp2", "--primary", "local", "--reason", "visit")
    assert toggled.code == 0, toggled.err
    told = {(await depot.mail(3))[0], (await depot.mail(4))[0]}
    assert told == {
        "cp2 has a faulted connector: EVSE 1, connector 1",
        "cp2 changed hands: every feature: partner-pay -> local",
    }

    await depot.ours.call(
        "SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": depot.ours.now()}
    )
    assert (await depot.mail(5))[0] == "cp1 reports a security event: TamperDetectionActivated"

    # A station that comes in another's name, without its password: the relay notices that by itself.
    with pytest.raises(HandshakeRefused, match="401"):
        await SimulatedStation("CP-4", depot.server.stations_url, "ocpp1.6", password="a wrong guess").connect()
    assert (await depot.mail(6))[0].startswith("fwdctl reports a security event: failed-login on cp4: ")
    events = (await depot.server.fwdctl("history", "--kind", "notification", "--json")).json["events"]
    assert len(events) >= 5


@pytest.mark.slow
async def test_a_stranger_at_the_door_is_told_to_who_watches_the_relay(depot: Depot) -> None:
    await depot.ours.status(1, "Faulted", error="GroundFailure")
    await depot.mail(1)  # from here on the rules are known
    with pytest.raises(HandshakeRefused, match="404"):
        await SimulatedStation("CP-99", depot.server.stations_url, "ocpp1.6").connect()
    subject, text = await depot.mail(2)
    assert subject.startswith("fwdctl noticed a security event: unknown-station from 127.0.0.1:")
    assert "Look:    fwdctl history --kind security-event" in text
    assert "Rule:    notification-rule.watchman" in text
    assert depot.mails.mails[1]["To"] == "night@depot.example"
    listed = (await depot.server.fwdctl("status", "notification-rule.watchman")).out
    assert listed.startswith("Notification rule watchman: 1 sent in the last hour."), listed


@pytest.mark.slow
async def test_faults_that_come_as_events_are_told_as_well(depot: Depot) -> None:
    await depot.newest.status(1, "Faulted")
    assert (await depot.mail(1))[0] == "cp3 has a faulted connector: EVSE 1, connector 1"
    await depot.newest.status(1, "Available")
    assert (await depot.mail(2))[0] == "cp3 has no faulted connector any more"
    problem = {
        "eventId": 900,
        "timestamp": depot.newest.now(),
        "trigger": "Alerting",
        "actualValue": "true",
        "techInfo": "no cooling",
        "eventNotificationType": "HardWiredMonitor",
        "component": {"name": "CoolingSystem"},
        "variable": {"name": "Problem"},
    }
    notified = {"generatedAt": depot.newest.now(), "seqNo": 0, "eventData": [problem]}
    await depot.newest.call("NotifyEvent", notified)
    told = "cp3 has a faulted connector: the whole station, CoolingSystem has a problem, no cooling"
    assert (await depot.mail(3))[0] == told

    await depot.theirs.call("NotifyEvent", notified)  # a partner's: counted, not told
    async with asyncio.timeout(20):
        while "1 not sent: partner-pay is in charge (connector-faulted" not in await depot.status():
            pass
    assert len(depot.mails.mails) == 3

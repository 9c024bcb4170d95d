"""A relay node without sockets whose chargers are local's or a partner's, for tests of what `local` does by itself."""

import asyncio
import itertools
import json
from collections.abc import Mapping
from typing import Any

from reconciler.app.csms_connection import RedialPolicy
from reconciler.app.legs import Admit, Knock
from reconciler.app.node import RelayNode, World
from reconciler.model.desired import LOCAL, DesiredCharger
from reconciler.model.local_rules import LoadPolicy, NotificationRule
from reconciler.model.site import Site
from reconciler.planning.planner import Applied
from tests.support.clock import FakeClock
from tests.support.fake_legs import FakeDialer, FakeLeg
from tests.support.relay import PASSIVE, PRIMARY, KnownSecrets, ListRecorder, Tally, backend, charger

LOCAL_BACKEND = backend(LOCAL, "")
PARTNER = backend("partner", "ws://partner")
OURS, THEIRS = (PRIMARY, PASSIVE), (PASSIVE, PRIMARY)


class StationLeg(FakeLeg):
    """A 1.6 station that answers the relay's calls; `status` is what it says to charging profiles, "" for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.status = "Accepted"
        self.profiles: dict[int, float] = {}
        """Profile id -> limit in W."""
        self.asked: list[str] = []
        self._ids = itertools.count(1)

    def send(self, frame: bytes) -> None:
        """Take a frame of the relay and answer it soon."""
        super().send(frame)
        kind, message_id, *rest = json.loads(frame)
        if kind == 2:
            self.asked.append(rest[0])
            asyncio.get_running_loop().call_soon(self._answer, message_id, rest[0], rest[1])

    def say(self, action: str, payload: Mapping[str, Any]) -> None:
        """Send a CALL."""
        self.peer_says(json.dumps([2, f"s-{next(self._ids)}", action, payload]).encode())

    def _answer(self, message_id: str, action: str, payload: Any) -> None:
        if not self.status:
            return
        if action == "SetChargingProfile" and self.status == "Accepted":
            profile = payload["csChargingProfiles"]
            limit = profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
            self.profiles[profile["chargingProfileId"]] = limit
        elif action == "ClearChargingProfile":
            self.profiles.pop(payload.get("id", -1), None)
            if "id" not in payload:
                self.profiles.clear()
        self.peer_says(json.dumps([3, message_id, {"status": self.status}]).encode())


class Specs:
    """Stands in for AppliedSpecs: a site of policies and rules, which a test may change."""

    def __init__(self, policies: tuple[LoadPolicy, ...], rules: tuple[NotificationRule, ...]) -> None:
        self.policies = policies
        self.rules = rules

    async def newest(self) -> Applied:
        """Return what is applied now."""
        site = Site({}, {}, {}, {}, {}, load_policies=self.policies, notification_rules=self.rules)
        return Applied(1, site, {})


class LocalDepot:
    """A node, its chargers and their stations."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.clock, self.tally, self.recorder = FakeClock(), Tally(), ListRecorder()
        self.stations: dict[str, StationLeg] = {}
        self._dialer = FakeDialer()
        self._generations = itertools.count(1)
        self.node = RelayNode(
            World(
                dialer=self._dialer,
                secrets=KnownSecrets({}),
                clock=self.clock,
                metrics=self.tally,
                log=self.tally.log,
                recorder=self.recorder,  # type: ignore[arg-type]  # the same methods
                new_id=lambda: f"fresh-{next(numbers)}",
                token_key=b"key",
                redial=RedialPolicy(first_s=60, longest_s=60),
            )
        )

    async def declare(self, name: str, roles: Any = OURS) -> DesiredCharger:
        """Declare a charger, or let it change hands."""
        desired = charger(name, [(LOCAL_BACKEND, roles[0]), (PARTNER, roles[1])], confirm_within_s=0.01)
        await self.node.set_desired(name, next(self._generations), desired)
        return desired

    async def connect(self, name: str) -> StationLeg:
        """Let a charger's station in, and boot it."""
        admit = await self.node.admit(Knock(name.upper(), ("ocpp1.6",), None, "10.0.0.1:5000", f"/{name}"))
        assert isinstance(admit, Admit), admit
        leg = self.stations[name] = StationLeg()
        leg.sink = self.node.opened(admit, leg)
        await self.settle()
        leg.say("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
        await self.settle()
        for partner in self._dialer.legs:  # whoever was asked accepts it
            for frame in partner.sent:
                message_id = json.loads(frame)[1]
                answer = {"status": "Accepted", "currentTime": "2026-12-01T02:00:00Z", "interval": 0}
                partner.peer_says(json.dumps([3, message_id, answer]).encode())
            partner.sent.clear()
        await self.settle()
        return leg

    async def leave(self, name: str) -> None:
        """Let a charger's station go."""
        self.stations.pop(name).peer_leaves()
        await self.settle()

    async def settle(self) -> None:
        """Let everything that is under way happen."""
        for _ in range(30):
            await asyncio.sleep(0)

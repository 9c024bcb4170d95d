"""Telling partners: once, however many nodes; again and again until it arrives; and given up in the end."""

import asyncio

import pytest

from reconciler.app.delivering import Message, NotDelivered
from reconciler.app.notifying import Notifier
from reconciler.model.notices import Delivery
from tests.support.outages import outage_document
from tests.support.specs import World, a_site, backend, without

CONTACTS = [{"email": "noc@partner.example"}]


class Letterbox:
    """A courier into a list; `trouble` is why it can't deliver."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.trouble = ""

    async def deliver(self, message: Message) -> None:
        if self.trouble:
            raise NotDelivered(self.trouble)
        self.messages.append(message)

    def edges(self) -> list[str]:
        return [message.notice.edge for message in self.messages]


async def world_of() -> World:
    """Return a world with an outage in an hour, of which partner hears an hour ahead."""
    world = World()
    spec = outage_document(notice={"before": ["1h"], "to": ["partner"]})
    await world.apply([*without(a_site(1), "partner"), backend("partner", contacts=CONTACTS), spec])
    return world


def notifier(world: World, box: Letterbox) -> Notifier:
    return world.reconciler.notifier({"email": box}, contact="noc@relay.example")


async def tick(world: World, *nodes: Notifier, after_s: float = 0) -> None:
    world.clock.advance(after_s)
    for node in nodes:
        await node.tick(world.clock.now())


async def test_a_notice_is_sent_once_and_written_down() -> None:
    world, box = await world_of(), Letterbox()
    here, there = notifier(world, box), notifier(World(world.store), box)
    for _ in range(3):
        await tick(world, here, there)
    assert box.edges() == ["before-1h"]
    assert box.messages[0].subject.startswith("Planned outage: 2026-12-01 04:00 to 06:00 CET")
    event = world.store.events[-1]
    assert (event.kind, event.summary) == ("notice", "scheduled-outage.firmware before-1h: told noc@partner.example")
    assert await world.reconciler.undelivered() == ()


async def test_what_can_not_be_delivered_is_shown_and_tried_again_later_and_later() -> None:
    world, box = await world_of(), Letterbox()
    box.trouble = "the mail server is away"
    node = notifier(world, box)
    await tick(world, node)
    (waiting,) = await world.reconciler.undelivered()
    assert (waiting.attempts, waiting.error) == (1, "the mail server is away")
    assert (await world.reconciler.outages.outages())[0].notices == (waiting,)
    await tick(world, node, after_s=29)
    assert (await world.reconciler.undelivered())[0].attempts == 1
    box.trouble = ""
    await tick(world, node, after_s=1)
    assert box.edges() == ["before-1h"]


async def test_it_is_given_up_after_many_attempts_and_said() -> None:
    world, box = await world_of(), Letterbox()
    box.trouble = "no such user"
    node = notifier(world, box)
    for _ in range(12):
        await tick(world, node, after_s=3600)
    failed = [notice for notice in await world.reconciler.undelivered() if notice.status is Delivery.FAILED]
    assert {notice.attempts for notice in failed} == {10}
    assert "notice-failed" in world.kinds()


async def test_a_node_that_dies_while_it_sends_is_followed_by_one_that_sends() -> None:
    world, box = await world_of(), Letterbox()

    class Dies(Letterbox):
        async def deliver(self, message: Message) -> None:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await tick(world, notifier(world, Dies()))
    survivor = notifier(world, box)
    await tick(world, survivor, after_s=29)
    assert box.edges() == []
    await tick(world, survivor, after_s=1)
    assert box.edges() == ["before-1h"]


async def test_without_a_mail_server_the_notice_waits_and_says_why() -> None:
    world = await world_of()
    await tick(world, world.reconciler.notifier({}, contact=""))
    (waiting,) = await world.reconciler.undelivered()
    assert waiting.error == "this server can't send email: fwdctl serve --smtp URL"

"""Delivering messages: each is taken by one node at a time, and tried again until it has arrived or is given up.

waiting ──> take (compare and swap in the store) ──> courier ──> sent, or later again, or failed
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from reconciler.app.ports import Clock
from reconciler.model.notices import Delivery, OutageNotice
from reconciler.model.notifications import Notification

DELIVERY_S: Final = 25.0
"""What one delivery may take."""
_TAKEN: Final = timedelta(seconds=30)
"""For so long nobody else tries the same message: longer than DELIVERY_S."""
_BACK_OFF_FIRST: Final = timedelta(seconds=30)
_BACK_OFF_LAST: Final = timedelta(hours=1)
_ATTEMPTS_MAX: Final = 10
_AT_ONCE: Final = 10

Parcel = TypeVar("Parcel", OutageNotice, Notification)
_Taken = TypeVar("_Taken", OutageNotice, Notification, contravariant=True)


class NotDelivered(Exception):
    """Raised by a courier; `reason` is one sentence that may be shown, never with a secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Message(msgspec.Struct, frozen=True):
    """A notice or notification in words; `contact` is whom to ask."""

    notice: OutageNotice | Notification
    subject: str
    text: str
    contact: str


class Courier(Protocol):
    """Carries messages to one kind of recipient."""

    async def deliver(self, message: Message) -> None:
        """Deliver the message, or raise NotDelivered; a message with the same `notice.key` is the same message."""


class Outbox(Protocol[_Taken]):
    """Where messages of one kind are kept, what they say, and who hears what became of them."""

    async def update(self, parcel: _Taken, seen: _Taken) -> bool:
        """Store how far a message has come; False where it is not as it was `seen`."""

    def message(self, parcel: _Taken) -> Message:
        """Return it in words."""

    async def concluded(self, parcel: _Taken, failure: str) -> None:
        """Hear that it has arrived, or ("" otherwise) why it was given up."""


class Delivering(Generic[Parcel]):
    """Delivers what is in one outbox."""

    def __init__(self, outbox: Outbox[Parcel], couriers: Mapping[str, Courier], clock: Clock) -> None:
        self._outbox: Outbox[Parcel] = outbox
        self._couriers = couriers
        self._clock = clock

    async def deliver(self, parcels: Iterable[Parcel]) -> None:
        """Try to deliver those that are pending and whose time has come."""
        now = self._clock.now()
        slots = asyncio.Semaphore(_AT_ONCE)
        due = [parcel for parcel in parcels if parcel.status is Delivery.PENDING and parcel.next_at <= now]
        await asyncio.gather(*(self._try(parcel, slots) for parcel in due))

    async def _try(self, parcel: Parcel, slots: asyncio.Semaphore) -> None:
        async with slots:
            now = self._clock.now()
            taken = replace(parcel, next_at=now + _TAKEN, attempts=parcel.attempts + 1)
            if not await self._outbox.update(taken, parcel):
                return  # another node has it
            await self._outbox.update(await self._delivered(taken), taken)

    async def _delivered(self, parcel: Parcel) -> Parcel:
        """Deliver a message and return what became of it."""
        courier = self._couriers.get(parcel.recipient.kind)
        try:
            if courier is None:
                raise NotDelivered(f"this server can't send {parcel.recipient.kind}: fwdctl serve --smtp URL")
            async with asyncio.timeout(DELIVERY_S):
                await courier.deliver(self._outbox.message(parcel))
        except (NotDelivered, TimeoutError) as error:
            reason = error.reason if isinstance(error, NotDelivered) else f"no answer within {DELIVERY_S:g} s"
            return await self._put_off(parcel, reason)
        await self._outbox.concluded(parcel, "")
        return replace(parcel, status=Delivery.SENT, error="")

    async def _put_off(self, parcel: Parcel, reason: str) -> Parcel:
        if parcel.attempts >= _ATTEMPTS_MAX:
            await self._outbox.concluded(parcel, reason)
            return replace(parcel, status=Delivery.FAILED, error=reason)
        pause = min(_BACK_OFF_LAST, _BACK_OFF_FIRST * 2 ** (parcel.attempts - 1))
        return replace(parcel, next_at=self._clock.now() + pause, error=reason)

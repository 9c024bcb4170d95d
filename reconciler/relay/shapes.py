"""The shapes that msgspec reads frames and payloads into: the few fields a decision needs, and no other.

They have a module of their own because msgspec makes these classes itself: where the core is compiled, they are not.
"""

import msgspec


class Elements(msgspec.Struct, array_like=True, gc=False):
    """A frame's elements, unread; what is missing is empty."""

    kind: msgspec.Raw
    id: msgspec.Raw
    third: msgspec.Raw = msgspec.Raw(b"")
    fourth: msgspec.Raw = msgspec.Raw(b"")
    fifth: msgspec.Raw = msgspec.Raw(b"")


class BootAnswer(msgspec.Struct, gc=False):
    """A BootNotification's answer."""

    status: str = ""
    interval: float | str | None = 0

    @property
    def interval_s(self) -> float:
        """The interval, also where it was sent as text."""
        try:
            return max(0.0, float(self.interval or 0))
        except ValueError:
            return 0.0


class StatusAnswer(msgspec.Struct, gc=False):
    """A station's answer of which only the status matters."""

    status: str = ""


class Vendor(msgspec.Struct, gc=False):
    """What routes a DataTransfer."""

    vendorId: str = ""  # as OCPP writes it
    messageId: str = ""


class Evse(msgspec.Struct, frozen=True, gc=False):
    """Where a component is; 0 is all of what is above it."""

    id: int = 0
    connectorId: int = 0  # as OCPP writes it


class Named(msgspec.Struct, frozen=True, gc=False):
    """A component or a variable of OCPP 2.x."""

    name: str = ""
    instance: str = ""
    evse: Evse = Evse()


class PlacedEvent(msgspec.Struct, gc=False):
    """One event of a NotifyEvent: what it is about, and where."""

    component: Named = Named()
    variable: Named = Named()


class EventReport(msgspec.Struct, gc=False):
    """A NotifyEvent, its events unread."""

    generatedAt: msgspec.Raw = msgspec.Raw(b'""')
    eventData: list[msgspec.Raw] = []

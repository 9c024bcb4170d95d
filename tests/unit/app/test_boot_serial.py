"""A station boots with the serial number of its certificate, or not at all."""

import pytest

from reconciler.app.boot_serial import BootSerialCheck
from tests.support.fake_legs import FakeLeg


class Session:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def frame_received(self, frame: bytes) -> None:
        """Remember a frame."""
        self.told.append(frame)

    def leg_closed(self, code: int, reason: str) -> None:
        """Remember the end."""
        self.told.append((code, reason))


def boot16(serial: str) -> bytes:
    """Return a boot of OCPP 1.6."""
    return f'[2,"1","BootNotification",{{"chargePointVendor":"v","chargePointSerialNumber":{serial}}}]'.encode()


def boot2(serial: str) -> bytes:
    """Return a boot of OCPP 2.x."""
    station = f'{{"serialNumber":{serial},"model":"m","vendorName":"v"}}'
    return f'[ 2, "1", "BootNotification", {{"reason":"PowerUp","chargingStation":{station}}}]'.encode()


@pytest.mark.parametrize(
    "frame",
    [
        boot16('"SN-1"'),
        boot2('"SN-1"'),
        boot16("null"),
        b'[2,"1","BootNotification",{"chargePointVendor":"v"}]',
        b'[2,"1","BootNotification",{"chargingStation":{"model":"m"}}]',
        b'[2,"1","Heartbeat",{}]',
        b'[2,"1","DataTransfer",{"vendorId":"BootNotification","chargePointSerialNumber":"SN-2"}]',
        b'[2,"1","BootNotification"',
        b'[2,"1","BootNotification",{"chargePointSerialNumber":2}]',
        b'[3,"BootNotification",{"chargePointSerialNumber":"SN-2"}]',
        b"\xff",
    ],
)
def test_everything_but_a_boot_of_somebody_else_is_passed_on(frame: bytes) -> None:
    session, station, mismatches = Session(), FakeLeg(), []
    check = BootSerialCheck(session, station, "SN-1", lambda: mismatches.append(1))
    check.frame_received(frame)
    check.leg_closed(1000, "bye")
    assert session.told == [frame, (1000, "bye")]
    assert (station.closed, mismatches) == (None, [])


@pytest.mark.parametrize("frame", [boot16('"SN-2"'), boot2('"SN-2"'), boot16('""'), boot2('"sn-1"')])
def test_a_boot_of_somebody_else_ends_the_leg_and_goes_nowhere(frame: bytes) -> None:
    session, station, mismatches = Session(), FakeLeg(), []
    station.holds_close = True
    BootSerialCheck(session, station, "SN-1", lambda: mismatches.append(1)).frame_received(frame)
    assert session.told == []
    assert station.closed == (1008, "the serial number is not that of the certificate")
    assert mismatches == [1]

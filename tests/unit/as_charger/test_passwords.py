"""Which passwords a charger takes, and how they are read."""

import pytest

from reconciler.as_charger.passwords import readings

HEX = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("version", "value", "expected"),
    [
        ("ocpp1.6", HEX, (bytes.fromhex(HEX), HEX.encode())),
        ("ocpp1.6", HEX + "0a0b0c0d", (bytes.fromhex(HEX + "0a0b0c0d"), (HEX + "0a0b0c0d").encode())),
        ("ocpp1.6", HEX + "0", ((HEX + "0").encode(),)),
        ("ocpp1.6", "sixteen letters!", (b"sixteen letters!",)),
        ("ocpp1.6", "x" * 15, ()),
        ("ocpp1.6", "x" * 41, ()),
        ("ocpp1.6", "a line\nbreak in it all", ()),
        ("ocpp1.6", 1234567890123456, ()),
        ("ocpp2.0.1", HEX, (HEX.encode(),)),
        ("ocpp2.0.1", "a:colon_is=+|@.*-", (b"a:colon_is=+|@.*-",)),
        ("ocpp2.0.1", "no spaces in here please", ()),
        ("ocpp2.1", "x" * 64, (b"x" * 64,)),
        ("ocpp2.1", "x" * 65, ()),
        ("ocpp2.1", None, ()),
    ],
)
def test_readings(version: str, value: object, expected: tuple[bytes, ...]) -> None:
    assert readings(version, value) == expected

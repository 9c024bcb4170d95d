"""What msgspec reads of frames and payloads: missing fields have their defaults, foreign ones are passed over."""

import msgspec
import pytest

from reconciler.relay.shapes import BootAnswer, Elements, Vendor


def test_elements_stay_unread_and_missing_ones_are_empty() -> None:
    elements = msgspec.json.decode(b'[3, "id", {"a" : [1.50]}]', type=Elements)
    assert [bytes(each) for each in (elements.kind, elements.id, elements.third)] == [b"3", b'"id"', b'{"a" : [1.50]}']
    assert bytes(elements.fourth) == bytes(elements.fifth) == b""


def test_a_frame_without_a_message_id_has_no_shape() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"[3]", type=Elements)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("300", 300.0), ('"300"', 300.0), ("12.5", 12.5), ("-5", 0.0), ('"soon"', 0.0), ("null", 0.0)],
)
def test_an_interval_is_read_as_stations_find_it(written: str, seconds: float) -> None:
    answer = msgspec.json.decode(f'{{"status":"Accepted","interval":{written},"other":1}}', type=BootAnswer)
    assert (answer.status, answer.interval_s) == ("Accepted", seconds)


def test_a_vendor_message_without_a_message_id_has_an_empty_one() -> None:
    assert msgspec.json.decode(b'{"vendorId":"com.acme","data":"x"}', type=Vendor) == Vendor("com.acme", "")

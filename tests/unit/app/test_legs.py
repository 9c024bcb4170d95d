"""What a leg is to the relay: requests and knocks never show a credential."""

from reconciler.app.legs import DialFailed, DialRequest, Knock
from tests.support.fake_legs import leg_to


def test_a_knock_shows_who_it_is_and_no_credential() -> None:
    knock = Knock("CP1", ("ocpp1.6",), "Basic c2VjcmV0", "10.0.0.1:5000", "/ocpp/CP1?token=secret")
    assert repr(knock) == "Knock(identity='CP1', subprotocols=('ocpp1.6',), remote='10.0.0.1:5000')"


def test_a_dial_request_shows_where_to_and_no_credential() -> None:
    request = DialRequest("CP1", leg_to("partner"), "ocpp1.6", "Basic c2VjcmV0")
    assert repr(request) == "DialRequest(identity='CP1', backend='partner', version='ocpp1.6')"


def test_a_failed_dial_says_why_and_with_which_status_where_there_was_one() -> None:
    failed = DialFailed("partner refused the connection", 404)
    assert (str(failed), failed.reason, failed.status) == ("partner refused the connection",) * 2 + (404,)
    assert DialFailed("connection refused").status is None

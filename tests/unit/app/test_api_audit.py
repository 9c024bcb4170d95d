"""What is written down of a call: who was proven to make it, what they say of themselves, how it ended."""

from reconciler.app.api_audit import API_CALL, ApiAudit, ApiCall
from reconciler.model.access import Access, Caller
from reconciler.model.history import HistoryEvent
from tests.support.clock import FakeClock


def test_a_call_is_an_event_that_names_the_proven_caller_and_keeps_the_claim_beside() -> None:
    events: list[HistoryEvent] = []
    clock = FakeClock()
    call = ApiCall(Caller("ci", Access.OPERATOR, "1f2e"), "POST", "/v1/applies", "10.0.0.7:4000")
    assert call.acting("ann@laptop\n") == "ci (says ann@laptop)"
    ApiAudit(events.append, clock).answered(call, 202)
    (event,) = events
    assert (event.at, event.kind, event.actor) == (clock.now(), API_CALL, "ci (says ann@laptop)")
    assert event.summary == "POST /v1/applies was answered 202"
    assert event.details == {
        "caller": "ci",
        "token": "1f2e",
        "proven": True,
        "claim": "ann@laptop",
        "access": "operator",
        "remote": "10.0.0.7:4000",
        "status": 202,
    }


def test_a_path_that_would_break_the_line_does_not() -> None:
    events: list[HistoryEvent] = []
    call = ApiCall(Caller("ci", Access.OPERATOR), "POST", "/v1/\r\nx" + "y" * 1000, "10.0.0.7:4000")
    ApiAudit(events.append, FakeClock()).answered(call, 404)
    assert "\n" not in events[0].summary
    assert len(events[0].summary) < 300

"""The console's answers: who may what, forms that are ours, nothing hostile comes through, errors that help."""

import re
from datetime import UTC, datetime

import pytest

from reconciler.adapters.console import pages
from reconciler.app.message_tap import Message
from reconciler.app.toggling import ToggleRequest
from reconciler.model.access import Access
from reconciler.model.history import HistoryEvent
from reconciler.model.operations import OperationRecord, ProgressLine
from reconciler.model.operations import State as OperationState
from tests.support.specs import World, a_site, binding, charger
from tests.unit.adapters.console.console_world import Seat

NASTY = "<script>alert(1)</script>\"'&"


async def seat(access: Access = Access.ADMIN, name: str = "") -> Seat:
    world = World()
    await world.apply(a_site(3, {"partner": "primary", "grid": "passive"}))
    world.relay.connect("cp000", "cp001")
    await world.reconciler.controller.tick(world.clock.now())
    return Seat(world, access, name)


async def test_every_answer_has_the_headers_that_keep_it_safe() -> None:
    here = await seat()
    for path in ("/", "/chargers/cp000", "/nowhere", "/chargers/cp000/toggle"):
        answer = await here.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?! src=)|\son\w+=|style=", answer.text), path


async def test_the_visit_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    cookie = (await (await seat()).get("/")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


@pytest.mark.parametrize("path", ["/chargers/cp000/toggle", "/chargers/cp000/toggle/end", "/theme"])
@pytest.mark.parametrize("proof", ["", "0" * 64])
async def test_a_form_that_is_not_ours_changes_nothing(path: str, proof: str) -> None:
    here = await seat(name="alice")
    await here.get("/")
    fields = {"proof": proof, "primary": "local", "lasts": "1h", "reason": "x", "confirmed": "yes"}
    answer = await here.http.post(path, data=fields)
    assert answer.status_code == 403
    assert "nothing was changed" in answer.text
    assert not await here.world.reconciler.toggles()


async def test_a_proof_is_worth_nothing_in_another_visit() -> None:
    here = await seat(name="alice")
    proof = re.search(r'name="proof" value="(\w+)"', (await here.get("/")).text)
    assert proof is not None
    here.http.cookies.clear()
    await here.get("/")
    answer = await here.http.post("/chargers/cp000/toggle/end", data={"proof": proof[1]})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["/chargers/cp000/toggle", "/chargers/cp000/toggle/end", "/chargers/cp000/toggle/extend"]
)
async def test_a_viewer_changes_nothing_and_is_told_what_it_takes(path: str) -> None:
    here = await seat(Access.VIEWER, "vic")
    fields = {"primary": "local", "lasts": "1h", "reason": "x", "by": "30m", "confirmed": "yes"}
    answer = await here.send("/", path, **fields)
    assert answer.status_code == 403
    assert "fwdctl token create --access technician" in answer.text
    assert not await here.world.reconciler.toggles()


async def test_a_viewer_sees_the_control_and_why_it_is_not_theirs() -> None:
    text = (await (await seat(Access.VIEWER, "vic")).get("/chargers/cp000")).text
    assert re.search(r"<button disabled title=\"Your token is for a viewer[^>]*>.*Take over", text)


async def test_nothing_hostile_in_what_people_wrote_becomes_part_of_a_page() -> None:
    here = await seat(name=NASTY)
    world = here.world
    await world.reconciler.toggle(ToggleRequest(["cp000"], "local", f"why {NASTY}", NASTY, 600))
    for path in ("/", "/chargers/cp000", "/chargers/cp000/toggle", f"/?q={NASTY}&owner={NASTY}&label={NASTY}"):
        text = (await here.get(path)).text
        assert "<script>alert" not in text, path
        assert "&lt;script&gt;alert" in text, path
    answer = await here.send("/", "/chargers/cp001/toggle", primary=NASTY, lasts=NASTY, reason=NASTY)
    assert "<script>alert" not in answer.text
    answer = await here.get(f"/chargers/{NASTY.replace('/', '%2F')}")
    assert "<script>alert" not in answer.text


async def test_a_toggle_is_shown_before_it_is_done() -> None:
    here = await seat(name="alice")
    form = {"primary": "local", "lasts": "1h", "reason": "visit"}
    shown = await here.send("/chargers/cp000/toggle", "/chargers/cp000/toggle", **form)
    assert "the charger stays connected" in shown.text
    assert not await here.world.reconciler.toggles()
    done = await here.send("/", "/chargers/cp000/toggle", **form, confirmed="yes")
    assert done.headers["location"] == "/chargers/cp000?done=toggled"
    (override,) = await here.world.reconciler.toggles()
    assert (override.actor, override.reason, override.roles["local"]) == ("alice", "visit", "primary")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": ""}, "Say why"),
        ({"lasts": "soon"}, "is not a duration"),
        ({"lasts": "0s"}, "longer than nothing"),
        ({"primary": "nobody"}, "There is no backend nobody"),
        ({"reason": "x" * 301}, "longer than 300 characters"),
    ],
)
async def test_a_form_with_a_fault_comes_back_with_what_was_typed(fields: dict[str, str], said: str) -> None:
    here = await seat(name="alice")
    given = {"primary": "local", "lasts": "1h", "reason": "ticket 4711", **fields}
    answer = await here.send("/", "/chargers/cp000/toggle", **given, confirmed="yes")
    assert answer.status_code == 422
    assert said in answer.text
    assert 'role="alert"' in answer.text
    assert f'name="reason" value="{given["reason"]}"' in answer.text
    assert not await here.world.reconciler.toggles()


async def test_a_name_is_asked_for_where_nothing_says_it() -> None:
    here = await seat()
    answer = await here.send("/", "/chargers/cp000/toggle", primary="local", lasts="1h", reason="x", confirmed="yes")
    assert answer.status_code == 422
    assert "Your name is missing" in answer.text


async def test_what_is_not_there_is_said_with_a_way_on() -> None:
    here = await seat()
    for path, said in (("/chargers/cp00", "did you mean cp00"), ("/no/such", "There is no page /no/such")):
        answer = await here.get(path)
        assert answer.status_code == 404
        assert said in answer.text
        assert 'href="/"' in answer.text


async def test_a_failure_that_nobody_expected_names_a_reference_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = await seat()

    async def broken(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(here.world.reconciler, "strangers", broken)
    answer = await here.get("/")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert re.search(r"reference [0-9a-f]{8}", answer.text)


async def test_words_of_an_address_are_not_put_into_a_page() -> None:
    text = (await (await seat()).get("/chargers/cp000?done=Pay+at+evil.example")).text
    main = text[text.index("<main") :]
    assert "evil.example" not in main


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_the_choice_of_colours_leads_back_to_this_server_only(back: str) -> None:
    answer = await (await seat()).send("/", "/theme", theme="dark", back=back)
    assert answer.headers["location"] == "/"


async def test_a_token_becomes_a_session_and_a_wrong_one_does_not() -> None:
    here = await seat()
    wrong = await here.send("/login", "/login", token="guess")
    assert wrong.status_code == 401
    assert "does not hold" in wrong.text
    assert "guess" not in wrong.text
    right = await here.send("/login", "/login", token=" sesame ")
    assert right.headers["location"] == "/"
    assert "fwdctl=session" in right.headers["set-cookie"]
    out = await here.send("/", "/logout")
    assert "Max-Age=0" in out.headers["set-cookie"]


async def test_a_token_for_some_chargers_sees_and_touches_no_other() -> None:
    here = await seat(name="tess")
    await here.world.apply([charger("far", {"site": "b"}), binding("b")])
    here.select = {"site": "a"}
    text = (await here.get("/")).text
    assert "cp000" in text
    assert "far" not in text[text.index("<main") :]
    assert (await here.get("/chargers/cp000")).status_code == 200
    for path in ("/chargers/far", "/chargers/far/toggle", "/chargers/far/stream"):
        assert (await here.get(path)).status_code == 403, path
    fields = {"primary": "local", "lasts": "1h", "reason": "x", "confirmed": "yes"}
    assert (await here.send("/", "/chargers/far/toggle", **fields)).status_code == 403
    assert not await here.world.reconciler.toggles()


async def test_outages_changes_and_history_have_their_pages() -> None:
    here = await seat(name="olga")
    assert "No load policy is kept here" in (await here.get("/load")).text
    fields = {
        "chargers": "cp000 cp001",
        "primary": "local",
        "lasts": "1h",
        "reason": "partner is down",
        "tell": "partner",
    }
    begun = await here.send("/outages/begin", "/outages/begin", **fields)
    assert begun.headers["location"] == "/outages"
    text = (await here.get("/outages")).text
    assert "partner is down" in text
    name = re.search(r"by-hand-[\w-]+", text)
    assert name is not None
    ended = await here.send("/outages", f"/outages/{name[0]}/cancel", reason="it is back")
    assert ended.status_code == 303
    assert "No outage is open" in (await here.get("/outages")).text
    assert "ended early" in (await here.get("/history?kind=outage-cancelled")).text
    changes = (await here.get("/changes")).text
    assert "Revision 1" in changes
    assert "runs what is applied" in changes
    assert (await here.get("/changes/1")).status_code == 200
    for path in ("/changes/99", "/changes/x", "/applies/none"):
        assert (await here.get(path)).status_code == 404, path


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"chargers": ""}, "no charger is named"),
        ({"chargers": "nobody"}, "there is no charger nobody"),
        ({"lasts": "soon"}, "is not a duration"),
        ({"reason": " "}, "needs a reason"),
    ],
)
async def test_an_outage_that_can_t_begin_says_why(fields: dict[str, str], said: str) -> None:
    given = {"chargers": "cp000", "primary": "local", "lasts": "1h", "reason": "x", **fields}
    answer = await (await seat(name="olga")).send("/outages/begin", "/outages/begin", **given)
    assert answer.status_code == 422
    assert said in answer.text


async def test_operators_matters_are_not_technicians() -> None:
    here = await seat(Access.TECHNICIAN, "tess")
    for path in ("/outages/begin", "/outages/x/cancel", "/outages/x/extend"):
        assert (
            await here.send("/", path, chargers="cp000", primary="local", lasts="1h", reason="x")
        ).status_code == 403


async def test_pages_about_everything_are_not_for_tokens_with_labels() -> None:
    here = await seat(name="tess")
    here.select = {"site": "a"}
    for path in ("/outages", "/changes", "/history", "/load", "/applies/x"):
        assert (await here.get(path)).status_code == 403, path


async def test_nothing_hostile_in_what_a_charger_sends_becomes_part_of_a_page() -> None:
    environment = pages.environment()
    message = Message(datetime(2026, 12, 1, tzinfo=UTC), NASTY, True, "call", NASTY, NASTY, f'{{"a":"{NASTY}"}}')
    told = environment.get_template("fragments/messages.html").render(messages=[message], dropped=0)
    record = OperationRecord(
        *("id", NASTY, "reset", "provisioning", {NASTY: NASTY}, NASTY, NASTY, datetime(2026, 12, 1, tzinfo=UTC)),
        state=OperationState.FAILED,
        problem=NASTY,
        result={NASTY: [NASTY], "b": {NASTY: NASTY}, "upload": NASTY},
        progress=(ProgressLine(datetime(2026, 12, 1, tzinfo=UTC), NASTY),),
    )
    told += environment.get_template("fragments/run.html").render(record=record, name=NASTY)
    event = HistoryEvent(datetime(2026, 12, 1, tzinfo=UTC), NASTY, NASTY, NASTY, NASTY, NASTY)
    told += environment.get_template("fragments/events.html").render(events=[event], with_charger=True)
    assert "<script" not in told
    assert told.count("&lt;script&gt;") > 10

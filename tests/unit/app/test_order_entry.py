"""From a session to the leg desk and back."""

import asyncio

from reconciler.app.order_entry import bring
from reconciler.relay.commands import AnswerOrder, LegRegistered
from tests.support.relay import PASSIVE, PRIMARY, backend, charger
from tests.unit.app.legs_kept import PARTNER, Kept
from tests.unit.app.test_station_session import Owner, registered, session

CP1 = charger("cp1", [(backend("home", "ws://a"), PRIMARY), (PARTNER, PASSIVE)])
ORDER = b'[2,"7","ChangeConfiguration",{"key":"AuthorizationKey","value":"sixteen letters!"}]'


async def test_an_order_is_answered_on_its_leg_which_is_dialled_anew() -> None:
    kept, owner = Kept(), Owner()
    live, station = session(owner, CP1)
    _, partner = await registered(owner, station, 2)
    partner.peer_says(ORDER)
    (order,) = [each for each in owner.reported if isinstance(each, AnswerOrder)]
    bring(kept.desk, live, order)
    await kept.done()
    assert partner.sent[-1] == b'[3,"7",{"status":"Accepted"}]'
    assert partner.closed == (1000, "dialled anew")
    bring(kept.desk, live, LegRegistered("partner"))
    assert "not confirmed" in kept.desk.credential("cp1", "partner")
    live.end("bye")


async def test_without_a_desk_every_order_is_refused() -> None:
    owner = Owner()
    live, station = session(owner, CP1)
    _, partner = await registered(owner, station, 2)
    partner.peer_says(ORDER)
    (order,) = [each for each in owner.reported if isinstance(each, AnswerOrder)]
    bring(None, live, order)
    bring(None, live, LegRegistered("partner"))
    assert partner.sent[-1] == b'[3,"7",{"status":"Rejected"}]'
    live.end("bye")
    await asyncio.sleep(0)

"""From a session to the leg desk and back."""

import asyncio
import json

from reconciler.app.order_entry import bring, opening
from reconciler.relay.commands import AnswerOrder, LegRegistered
from reconciler.relay.leg_values import LegValues
from tests.support.relay import PASSIVE, PRIMARY, backend, charger
from tests.unit.app.legs_kept import PARTNER, Kept
from tests.unit.app.test_station_session import Owner, registered, session

CP1 = charger("cp1", [(backend("home", "ws://a"), PRIMARY), (PARTNER, PASSIVE)])
NETWORK = {"securityProfile": 2, "ocppCsmsUrl": "wss://csms/ocpp", "ocppTransport": "JSON"}
PRIORITY = {
    "component": {"name": "OCPPCommCtrlr"},
    "variable": {"name": "NetworkConfigurationPriority"},
    "attributeValue": "1",
}
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


async def test_a_later_session_knows_what_waits_for_a_reset() -> None:
    kept, owner = Kept(), Owner()
    await kept.order(json.dumps({"configurationSlot": 1, "connectionData": NETWORK}), "SetNetworkProfile", "ocpp2.0.1")
    await kept.order(json.dumps({"setVariableData": [PRIORITY]}), "SetVariables", "ocpp2.0.1")
    assert kept.changes[-1].restart_due
    live, station = session(owner, CP1)
    await registered(owner, station, 2)
    opening(kept.desk, live, "partner")
    opening(kept.desk, live, "home")
    opening(None, live, "home")
    assert [live.core.state.legs[name].restart_due for name in ("partner", "home")] == [True, False]
    values = [live.core.state.legs[name].values for name in ("partner", "home")]
    assert values == [LegValues("CP1", 1, priority=(1,)), None]
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

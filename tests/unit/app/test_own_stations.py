"""The stations of one process, as operations see them."""

from reconciler.app.own_stations import OwnStations
from tests.support.local_depot import LocalDepot


async def test_a_charger_is_live_or_unknown_and_its_transactions_are_named_as_local_knows_them() -> None:
    depot = LocalDepot()
    await depot.declare("cp001")
    stations = OwnStations(depot.node, depot.clock)
    assert stations.live_charger("nobody") is None
    for connected in (False, True):
        if connected:
            await depot.connect("cp001")
        live = stations.live_charger("cp001")
        assert live is not None
        assert live.connected is connected
    assert await stations.transaction_for_local("nobody", "7") == "7"
    assert await stations.transaction_for_local("cp001", "7") != ""
    assert stations.local_line is depot.node.local_line
    await stations.catch_up("cp001")
    await stations.attend("cp001")
    await stations.turn_away("cp001")

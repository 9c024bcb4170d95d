"""What operations are given: the fakes of the tests and the real parts fit the same ports."""

from reconciler.app.fleet_stations import FleetStations
from reconciler.app.operation_ports import OperationStore, Stations
from reconciler.app.own_stations import OwnStations
from tests.support.operations import MemoryOperations, QuietStations


def test_real_and_faked_parts_fit() -> None:
    stations: tuple[type[Stations], ...] = (OwnStations, FleetStations, QuietStations)
    stores: tuple[type[OperationStore], ...] = (MemoryOperations,)
    for part, port in (*((one, Stations) for one in stations), *((one, OperationStore) for one in stores)):
        wanted = {name for name in vars(port) if not name.startswith("_")}
        assert wanted <= {name for base in part.__mro__ for name in vars(base)} | {"local_line"}

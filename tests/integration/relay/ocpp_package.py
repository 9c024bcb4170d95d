"""A station and a CSMS written with the `ocpp` package and `websockets` as the package's README shows; nothing of ours.

Every version's station lives the same story: boot, status, heartbeat, authorize, a transaction with meter values.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import ocpp.messages
import ocpp.v16
import ocpp.v16.call
import ocpp.v16.call_result
import ocpp.v21
import ocpp.v21.call
import ocpp.v21.call_result
import ocpp.v201
import ocpp.v201.call
import ocpp.v201.call_result
from ocpp.routing import on
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PACKAGES: dict[str, Any] = {"ocpp1.6": ocpp.v16, "ocpp2.0.1": ocpp.v201, "ocpp2.1": ocpp.v21}
NOW = "2026-12-01T02:00:00Z"
logging.getLogger("ocpp").setLevel(logging.WARNING)


class Station16(ocpp.v16.ChargePoint):  # type: ignore[misc]
    """A 1.6 station."""

    async def live(self, tag: str) -> list[Any]:
        """Go through the story and return every answer."""
        call = ocpp.v16.call
        said = [
            await self.call(call.BootNotification(charge_point_model="m", charge_point_vendor="v")),
            await self.call(call.StatusNotification(connector_id=1, error_code="NoError", status="Available")),
            await self.call(call.Heartbeat()),
            await self.call(call.Authorize(id_tag=tag)),
        ]
        started = await self.call(
            call.StartTransaction(connector_id=1, id_tag=tag, meter_start=10, timestamp=NOW), suppress=False
        )
        for wh in (100, 200):
            sample = {"timestamp": NOW, "sampled_value": [{"value": f"{wh}", "unit": "Wh"}]}
            metered = call.MeterValues(connector_id=1, transaction_id=started.transaction_id, meter_value=[sample])
            said.append(await self.call(metered))
        stop = call.StopTransaction(meter_stop=300, timestamp=NOW, transaction_id=started.transaction_id, id_tag=tag)
        said += [started, await self.call(stop, suppress=False), await self.call(call.Heartbeat())]
        return said

    @on("ChangeAvailability")
    def on_change_availability(self, **_: Any) -> Any:
        """Obey."""
        return ocpp.v16.call_result.ChangeAvailability(status="Accepted")

    @on("GetConfiguration")
    def on_get_configuration(self, **_: Any) -> Any:
        """Tell one key."""
        key = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
        return ocpp.v16.call_result.GetConfiguration(configuration_key=[key])


class Csms16(ocpp.v16.ChargePoint):  # type: ignore[misc]
    """A 1.6 CSMS's end of one connection; `seen` are the actions it answered."""

    first_transaction_id = 1

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seen: list[tuple[str, Any]] = []

    @on("BootNotification")
    def on_boot(self, **payload: Any) -> Any:
        """Accept."""
        self.seen.append(("BootNotification", payload))
        return ocpp.v16.call_result.BootNotification(current_time=NOW, interval=300, status="Accepted")

    @on("StatusNotification")
    def on_status(self, **payload: Any) -> Any:
        """Acknowledge."""
        self.seen.append(("StatusNotification", payload))
        return ocpp.v16.call_result.StatusNotification()

    @on("Heartbeat")
    def on_heartbeat(self) -> Any:
        """Tell the time."""
        self.seen.append(("Heartbeat", {}))
        return ocpp.v16.call_result.Heartbeat(current_time=NOW)

    @on("Authorize")
    def on_authorize(self, **payload: Any) -> Any:
        """Accept."""
        self.seen.append(("Authorize", payload))
        return ocpp.v16.call_result.Authorize(id_tag_info={"status": "Accepted"})

    @on("StartTransaction")
    def on_start(self, **payload: Any) -> Any:
        """Mint an id."""
        self.seen.append(("StartTransaction", payload))
        return ocpp.v16.call_result.StartTransaction(
            transaction_id=self.first_transaction_id, id_tag_info={"status": "Accepted"}
        )

    @on("MeterValues")
    def on_meter_values(self, **payload: Any) -> Any:
        """Acknowledge."""
        self.seen.append(("MeterValues", payload))
        return ocpp.v16.call_result.MeterValues()

    @on("StopTransaction")
    def on_stop(self, **payload: Any) -> Any:
        """Acknowledge."""
        self.seen.append(("StopTransaction", payload))
        return ocpp.v16.call_result.StopTransaction(id_tag_info={"status": "Accepted"})

    @on("SignCertificate")
    def on_sign(self, **payload: Any) -> Any:
        """Promise to sign."""
        self.seen.append(("SignCertificate", payload))
        return ocpp.v16.call_result.SignCertificate(status="Accepted")

    async def command(self) -> list[Any]:
        """Give two commands and return the answers."""
        call = ocpp.v16.call
        return [
            await self.call(call.ChangeAvailability(connector_id=1, type="Operative")),
            await self.call(call.GetConfiguration(key=["HeartbeatInterval"])),
        ]


def _station2(package: Any) -> type[Any]:
    """Return the station of OCPP 2.0.1 or 2.1, which differ in nothing that this story needs."""
    call, call_result = package.call, package.call_result

    class Station2(package.ChargePoint):  # type: ignore[misc]
        async def live(self, tag: str) -> list[Any]:
            token = {"id_token": tag, "type": "ISO14443"}
            station = {"vendor_name": "v", "model": "m"}
            said = [
                await self.call(call.BootNotification(charging_station=station, reason="PowerUp")),
                await self.call(
                    call.StatusNotification(timestamp=NOW, connector_status="Available", evse_id=1, connector_id=1)
                ),
                await self.call(call.Heartbeat()),
                await self.call(call.Authorize(id_token=token)),
            ]
            for number, kind in enumerate(("Started", "Updated", "Updated", "Ended")):
                event = call.TransactionEvent(
                    event_type=kind,
                    timestamp=NOW,
                    trigger_reason="Authorized" if kind == "Started" else "MeterValuePeriodic",
                    seq_no=number,
                    transaction_info={"transaction_id": "b1946ac9"},
                    evse={"id": 1, "connector_id": 1},
                    meter_value=[{"timestamp": NOW, "sampled_value": [{"value": 100.0 * number}]}],
                    id_token=token if kind == "Started" else None,
                )
                said.append(await self.call(event, suppress=False))
            meter = [{"timestamp": NOW, "sampled_value": [{"value": 1.5}]}]
            said += [
                await self.call(call.MeterValues(evse_id=1, meter_value=meter)),
                await self.call(call.Heartbeat()),
            ]
            return said

        @on("ChangeAvailability")
        def on_change_availability(self, **_: Any) -> Any:
            return call_result.ChangeAvailability(status="Accepted")

        @on("GetVariables")
        def on_get_variables(self, get_variable_data: Any, **_: Any) -> Any:
            results = [{"attribute_status": "Accepted", "attribute_value": "300"} | data for data in get_variable_data]
            return call_result.GetVariables(get_variable_result=results)

    return Station2


def _csms2(package: Any) -> type[Any]:
    """Return the CSMS of OCPP 2.0.1 or 2.1."""
    call, call_result = package.call, package.call_result

    class Csms2(package.ChargePoint):  # type: ignore[misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.seen: list[tuple[str, Any]] = []

        @on("BootNotification")
        def on_boot(self, **payload: Any) -> Any:
            self.seen.append(("BootNotification", payload))
            return call_result.BootNotification(current_time=NOW, interval=300, status="Accepted")

        @on("StatusNotification")
        def on_status(self, **payload: Any) -> Any:
            self.seen.append(("StatusNotification", payload))
            return call_result.StatusNotification()

        @on("Heartbeat")
        def on_heartbeat(self) -> Any:
            self.seen.append(("Heartbeat", {}))
            return call_result.Heartbeat(current_time=NOW)

        @on("Authorize")
        def on_authorize(self, **payload: Any) -> Any:
            self.seen.append(("Authorize", payload))
            return call_result.Authorize(id_token_info={"status": "Accepted"})

        @on("TransactionEvent")
        def on_transaction_event(self, **payload: Any) -> Any:
            self.seen.append(("TransactionEvent", payload))
            info = {"status": "Accepted"} if "id_token" in payload else None
            return call_result.TransactionEvent(id_token_info=info)

        @on("MeterValues")
        def on_meter_values(self, **payload: Any) -> Any:
            self.seen.append(("MeterValues", payload))
            return call_result.MeterValues()

        @on("SignCertificate")
        def on_sign(self, **payload: Any) -> Any:
            self.seen.append(("SignCertificate", payload))
            return call_result.SignCertificate(status="Accepted")

        async def command(self) -> list[Any]:
            variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
            return [
                await self.call(call.ChangeAvailability(operational_status="Operative", evse={"id": 1})),
                await self.call(call.GetVariables(get_variable_data=[variable])),
            ]

    return Csms2


STATIONS = {"ocpp1.6": Station16, "ocpp2.0.1": _station2(ocpp.v201), "ocpp2.1": _station2(ocpp.v21)}
CSMSS = {"ocpp1.6": Csms16, "ocpp2.0.1": _csms2(ocpp.v201), "ocpp2.1": _csms2(ocpp.v21)}


@asynccontextmanager
async def package_csms(
    version: str, configure: Callable[[Any], None] = lambda point: None, **served: Any
) -> AsyncIterator[tuple[str, list[Any]]]:
    """Run a CSMS of the package; give its URL and the list of its connections' ChargePoints.

    `served` is more for websockets' `serve`, such as who may come in.
    """
    points: list[Any] = []

    async def on_connect(socket: ServerConnection) -> None:
        assert socket.request is not None
        point = CSMSS[version](socket.request.path.strip("/"), socket)
        configure(point)
        points.append(point)
        try:
            await point.start()
        except ConnectionClosed:
            pass

    async with serve(on_connect, "127.0.0.1", 0, subprotocols=[Subprotocol(version)], **served) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", points


@asynccontextmanager
async def package_station(version: str, url: str, identity: str) -> AsyncIterator[Any]:
    """Connect a station of the package."""
    async with connect(f"{url}/{identity}", subprotocols=[Subprotocol(version)], proxy=None) as socket:
        point = STATIONS[version](identity, socket)
        reader = asyncio.get_running_loop().create_task(point.start())
        yield point
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)

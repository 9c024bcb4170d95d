"""Vendor messages go to the role that owns them, both ways, untouched (M9)."""

import pytest

from reconciler.model.desired import Role, VendorMessage
from reconciler.testing import Manners, SimulatedCsms, SimulatedStation
from tests.support.relay import PRIMARY, backend, charger, relay

V2X = Role("v2x", frozenset(), frozenset(), vendor_messages=(VendorMessage("com.grid-co.*", "V2X*"),))
BATTERY = Role("battery", frozenset(), frozenset(), vendor_messages=(VendorMessage("com.storage-co.battery"),))


def transfer(vendor: str, message: str, data: str) -> str:
    return f'{{ "vendorId":"{vendor}", "messageId" : "{message}", "data":{data} }}'


@pytest.mark.parametrize(
    ("version", "data"),
    [
        ("ocpp1.6", r'"{\"soc\": 81.50, \"unit\":\"%\"}"'),
        ("ocpp2.0.1", '{"soc": 81.50, "u":"é", "n":1e2, "deep":[{"a":[1,2,3]}]}'),
    ],
)
async def test_each_vendors_messages_reach_their_owner_and_nobody_else_byte_for_byte(version: str, data: str) -> None:
    accept = Manners(answers={"DataTransfer": {"status": "Accepted"}})
    async with (
        SimulatedCsms("pay", [version], validate=False) as pay,
        SimulatedCsms("grid", [version], validate=False) as grid,
        SimulatedCsms("storage", [version], validate=False) as storage,
        relay() as running,
    ):
        by_name = {"pay": pay, "grid": grid, "storage": storage}
        roles = {"pay": PRIMARY, "grid": V2X, "storage": BATTERY}
        legs = [(backend(name, csms.url), roles[name]) for name, csms in by_name.items()]
        await running.run(charger("cp1", legs, versions=[version]))
        async with SimulatedStation("CP1", running.url, version, validate=False, manners=accept) as station:
            await station.boot()
            for csms in by_name.values():
                await csms.wait_for("BootNotification", identity="CP1")
            sent = {
                "grid": ("com.grid-co.eu", "V2XSchedule"),
                "storage": ("com.storage-co.battery", "StateOfCharge"),
                "pay": ("com.grid-co.eu", "Tariff"),
            }
            for number, (owner, (vendor, message)) in enumerate(sent.items()):
                payload = transfer(vendor, message, data)
                frame = f'[2,"m{number}","DataTransfer",{payload}]'
                await station.send_raw(frame)
                await by_name[owner].wait_for("DataTransfer", identity="CP1")
                assert frame.encode() in by_name[owner].raw("received", "CP1")
            for csms in by_name.values():
                assert [call.action for call in csms.calls].count("DataTransfer") == 1
            with_data = {"vendorId": "com.storage-co.battery", "messageId": "SetPoint", "data": "5"}
            assert (await storage.call("CP1", "DataTransfer", with_data))["status"] == "Accepted"
            assert (await grid.call("CP1", "DataTransfer", with_data))["status"] == "Rejected"
            assert [command.action for command in station.commands] == ["DataTransfer"]


async def test_custom_data_is_never_touched() -> None:
    async with SimulatedCsms("pay", ["ocpp2.0.1"], validate=False) as pay, relay() as running:
        await running.run(charger("cp1", [(backend("pay", pay.url), PRIMARY)]))
        async with SimulatedStation("CP1", running.url, "ocpp2.0.1", validate=False) as station:
            await station.boot()
            frame = '[2,"7","Heartbeat",{"customData":{"vendorId":"x", "price": 0.10, "transactionId" : 9 }}]'
            await station.send_raw(frame)
            await pay.wait_for("Heartbeat", identity="CP1")
            assert frame.encode() in pay.raw("received", "CP1")

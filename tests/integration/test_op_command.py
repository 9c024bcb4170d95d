"""`fwdctl op`: typed options, exit codes, offers, results for people and for machines."""

import json
from pathlib import Path

from tests.support.service import depot


async def test_the_command_line_in_proxy_mode_leaves_with_9_and_names_the_way_out(tmp_path: Path) -> None:
    async with depot(tmp_path, partner="primary", local="passive") as here:
        refused = await here.server.fwdctl("op", "cp001", "unlock", "--connector", "1")
        assert refused.code == 9
        assert refused.err == (
            "error: partner-pay owns remote-control on charger.cp001 (proxy mode)\n"
            'hint: fwdctl toggle cp001 --primary local --for 1h --reason "..."\n'
        )
        machine = await here.server.fwdctl("op", "cp001", "unlock", "--json")
        assert machine.code == 9
        error = json.loads(machine.err)["error"]
        assert (error["owner"], error["feature"], error["charger"]) == ("partner-pay", "remote-control", "cp001")
        offers = await here.server.fwdctl("op", "cp001")
        assert "reset                no   partner-pay owns provisioning on charger.cp001 (proxy mode)" in offers.out
        assert "hint: fwdctl toggle cp001" in offers.err


async def test_what_is_done_is_told_and_what_is_wrong_is_told_before(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:
        done = await here.server.fwdctl("op", "cp001", "reset", "--type=soft", "--within", "1m", "--reason", "visit")
        assert done.code == 0, done.err
        assert done.err.splitlines()[0] == "  accepted: it restarts"
        assert done.out.splitlines() == ["status: Accepted", "restarted: yes", "firmware: 1.0.0"]
        read = await here.server.fwdctl("op", "cp001", "get-config", "--keys", "HeartbeatInterval", "--json")
        assert json.loads(read.out)["result"]["keys"] == [{"key": "HeartbeatInterval", "value": "300"}]
        table = await here.server.fwdctl("op", "cp001", "get-config", "--param", "keys=HeartbeatInterval")
        assert table.out.splitlines() == ["KEY                VALUE", "HeartbeatInterval  300"]
        begun = await here.server.fwdctl("op", "cp001", "clear-cache", "--no-wait")
        followed = await here.server.fwdctl("op", "--follow", begun.out.strip())
        assert (followed.code, followed.out) == (0, "status: Accepted\n")
        for words, told in (
            (("reset", "--kind", "soft"), "reset has no option --kind"),
            (("reset", "--type", "odd"), "reset: type:"),
            (("reset", "--type"), "--type needs a value"),
            (("reboot",), "there is no operation reboot"),
            (("reset", "unlock"), "one charger and one operation"),
            (("reset", "--within", "soon"), "--within:"),
            (("reset", "--param", "soon"), "write it as NAME=VALUE"),
            (("set-config", "--key", "A", "--value", "@/nowhere/x"), "can't be read"),
        ):
            wrong = await here.server.fwdctl("op", "cp001", *words)
            assert (wrong.code, told in wrong.err) == (1, True), wrong.err
        declined = await here.server.fwdctl("op", "cp001", "set-config", "--key", "Nothing", "--value", "1")
        assert declined.code == 1
        assert "answered ChangeConfiguration with NotSupported" in declined.err
        described = await here.server.fwdctl("op", "cp001", "reset", "--help")
        assert "--type soft|hard|on-idle" in described.out
        assert "--within DURATION" in described.out
        assert "local-list-send" in (await here.server.fwdctl("op")).out
        shelf = await here.server.fwdctl("firmware", "list")
        assert (shelf.code, shelf.out) == (0, "The shelf is empty.\n")
        assert "serve --files" in shelf.err
        assert (await here.server.fwdctl("upload", "list")).out == "No upload is kept.\n"


async def test_many_chargers_are_meant_by_label_or_glob_and_it_stops_where_too_many_fail(tmp_path: Path) -> None:
    async with depot(tmp_path) as here:  # cp002 is offline
        some = await here.server.fwdctl("op", "unlock", "--select", "site=a", "--max-failures", "1", "--json")
        assert some.code == 7
        states = {one["charger"]: one["state"] for one in json.loads(some.out)["members"]}
        assert states == {"cp001": "succeeded", "cp002": "refused"}
        assert "cp002: refused, cp002 is offline" in some.err
        one = await here.server.fwdctl("op", "cp*1", "unlock")
        assert one.code == 0, one.err
        none = await here.server.fwdctl("op", "unlock", "--select", "site=b")
        assert (none.code, "no charger has the labels site=b" in none.err) == (1, True)
        await here.roles("primary", "passive")
        refused = await here.server.fwdctl("op", "cp*", "unlock", "--max-failures", "9")
        assert refused.code == 9
        odd = await here.server.fwdctl("op", "unlock", "--select", "site")
        assert "write it as LABEL=VALUE" in odd.err

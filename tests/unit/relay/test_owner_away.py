"""The owner is away: `close` and `buffer`, as dialogues (R11)."""

from collections.abc import Iterable

from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger
from reconciler.relay import commands
from reconciler.relay.memory import SessionMemory
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger, hybrid

METER = '[2,"{}","MeterValues",{{"connectorId":1,"transactionId":7,"meterValue":[]}}]'
STOP = '[2,"{}","StopTransaction",{{"transactionId":7,"meterStop":9,"timestamp":"x"}}]'
MAPPED = METER.replace('"transactionId":7', '"transactionId":900')
BOOT_OF_HOME = '[2,"r1","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]'
START = '[2,"s","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"x"}]'


def buffering() -> DesiredCharger:
    return replace(charger({"home": PRIMARY, "eye": PASSIVE}), when_owner_is_down="buffer")


def begun(desired: DesiredCharger, memory: SessionMemory | None = None) -> Dialogue:
    d = Dialogue(desired, memory=memory)
    d.begins(interval_s=0)
    return d


def in_transaction(desired: DesiredCharger) -> Dialogue:
    d = begun(desired)
    d.station_sends(START)
    d.csms_sends("home", '[3,"s",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]')
    d.csms_sends("eye", '[3,"s",{"transactionId":900,"idTagInfo":{"status":"Accepted"}}]')
    d.expect(
        to_station='[3,"s",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]', to={"home": START, "eye": START}
    )
    return d


def away(d: Dialogue) -> None:
    """The owner's connection is lost for longer than `downAfter`."""
    d.csms_drops("home")
    d.waits(31)


def kept(d: Dialogue) -> list[commands.KeepCall]:
    return d.took(commands.KeepCall)


def test_close_sends_the_station_off_once_the_owner_of_transactions_was_away_for_long() -> None:
    d = begun(charger({"home": PRIMARY, "eye": PASSIVE}))
    d.csms_drops("home")
    d.waits(29)
    assert d.took(commands.CloseStation) == []
    d.waits(2)
    (closing,) = d.took(commands.CloseStation)
    assert closing.code == 1013
    assert closing.reason.startswith("home is away")
    assert "owner-away home" in d.notes()


def test_an_observer_that_is_away_sends_nobody_off() -> None:
    d = begun(charger({"home": PRIMARY, "eye": PASSIVE}))
    d.csms_drops("eye")
    d.waits(3_000)
    assert d.took(commands.CloseStation) == []


def test_buffer_acknowledges_transaction_messages_only_once_they_are_stored() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    (stored,) = kept(d)
    assert (stored.seq, stored.raw, stored.answer) == (1, METER.format(1).encode(), b'[3,"1",{}]')
    d.expect(to={"eye": MAPPED.format(1)})
    assert d.took(commands.CloseStation) == []


def test_a_call_that_waited_for_the_owner_is_kept_when_its_time_is_up() -> None:
    d = in_transaction(buffering())
    d.csms_drops("home")
    d.station_sends(STOP.format(1))
    assert kept(d) == []
    d.waits(26)
    assert [call.raw for call in kept(d)] == [STOP.format(1).encode()]
    assert d.took(commands.CloseStation) == []


def test_kept_calls_go_up_in_order_once_each_before_anything_new() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1), METER.format(2), STOP.format(3))
    kept(d)
    d.expect(to={"eye": MAPPED.format(1)})
    d.csms_connects("home")
    boot = '[2,"r1","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]'
    d.expect(to={"home": boot})
    d.station_sends('[2,"4","Authorize",{"idTag":"T"}]')
    d.csms_sends("home", '[3,"r1",{"status":"Accepted","interval":0,"currentTime":"x"}]')
    d.expect(to={"home": METER.format(1)})
    d.csms_sends("home", '[3,"1",{}]')
    d.expect(to={"home": METER.format(2)})
    d.csms_sends("home", '[3,"2",{}]')
    d.expect(to={"home": STOP.format(3)})
    d.csms_sends("home", '[3,"3",{}]')
    d.expect(to={"home": '[2,"4","Authorize",{"idTag":"T"}]'})
    d.csms_sends("home", '[3,"4",{"idTagInfo":{"status":"Accepted"}}]')
    d.expect(to_station='[3,"4",{"idTagInfo":{"status":"Accepted"}}]')
    assert d.took(commands.ForgetCalls) == [commands.ForgetCalls((seq,)) for seq in (1, 2, 3)]
    assert len(d.memory.backlog) == 0


def test_an_owner_lost_in_the_middle_of_the_backlog_gets_the_rest_later_and_nothing_twice() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1), METER.format(2))
    comes_back(d, "r1")
    d.csms_sends("home", '[3,"1",{}]')
    d.csms_drops("home")
    assert sent_to_home(d) == [METER.format(1), METER.format(2)]
    comes_back(d, "r2")
    assert sent_to_home(d) == [METER.format(2)]
    d.csms_sends("home", '[3,"2",{}]')
    assert len(d.memory.backlog) == 0


def test_nobody_is_authorized_and_no_transaction_begins_in_the_owners_place() -> None:
    d = begun(buffering())
    away(d)
    d.station_sends('[2,"1","Authorize",{"idTag":"T"}]')
    d.waits(26)
    (answer,) = answers(d)
    assert answer.startswith('[4,"1","InternalError"')
    d.station_sends(START)
    d.waits(26)
    assert [closing.code for closing in d.took(commands.CloseStation)] == [1013]
    assert kept(d) == []


def test_heartbeats_and_a_known_stations_boot_are_answered_locally() -> None:
    d = begun(buffering())
    away(d)
    d.station_sends(
        '[2,"1","Heartbeat",{}]', '[2,"2","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
    )
    assert [local.frame[:6] for local in d.took(commands.AnswerLocally)] == [b'[2,"1"', b'[2,"2"']


def test_r11_a_station_that_is_sent_off_is_acknowledged_nothing_any_more() -> None:
    d = begun(buffering())
    d.csms_drops("home")
    d.station_sends(START, '[2,"h","Heartbeat",{}]', STOP.format(1))
    d.waits(26)
    assert len(d.took(commands.CloseStation)) == 1  # nobody but the owner begins a transaction
    assert d.took(commands.AnswerLocally) == kept(d) == []  # it says both again when it is back


def test_the_last_status_is_remembered_and_needs_no_place_in_the_backlog() -> None:
    d = begun(buffering())
    away(d)
    status = '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging"}]'
    d.station_sends(status)
    d.expect(to_station='[3,"1",{}]', to={"eye": status})
    assert kept(d) == []
    assert len(d.memory.statuses) == 1


def test_an_owner_that_refuses_a_kept_call_is_asked_again_and_then_no_more() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    comes_back(d, "r1")
    for _ in range(3):
        d.csms_sends("home", '[4,"1","InternalError","",{}]')
    assert sent_to_home(d) == [METER.format(1)] * 3
    assert len(d.memory.backlog) == 0
    assert "backlog-refused home" in d.notes()


def test_r11_what_waited_for_the_owner_is_kept_before_what_the_station_says_later() -> None:
    d = in_transaction(buffering())
    d.csms_drops("home")
    d.waits(29)
    d.station_sends(METER.format(1))  # the owner may still come back
    assert kept(d) == []
    d.waits(2)
    d.station_sends(STOP.format(2))
    assert [call.raw for call in kept(d)] == [METER.format(1).encode(), STOP.format(2).encode()]
    d.waits(60)
    assert kept(d) == []


def new_owner() -> DesiredCharger:
    return replace(charger({"home": PASSIVE, "eye": PRIMARY}), when_owner_is_down="buffer")


def test_the_backlog_of_an_owner_that_lost_its_role_goes_to_the_new_one() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    d.csms_sends("eye", '[4,"1","InternalError","",{}]')  # its copy was lost on it
    d.expect(to_station=[], to={"eye": MAPPED.format(1)})
    d.wants(new_owner())
    assert MAPPED.format(1).encode() in d._to_legs["eye"]


def test_a_new_owner_that_has_its_copy_already_is_not_told_twice() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    d.csms_sends("eye", '[3,"1",{}]')
    d.expect(to_station=[], to={"eye": MAPPED.format(1)})
    d.wants(new_owner())
    assert MAPPED.format(1).encode() not in d._to_legs["eye"]
    assert len(d.memory.backlog) == 0


def test_r11_a_kept_call_that_a_loser_leaves_unanswered_goes_to_the_new_owner_and_to_nobody_else() -> None:
    for lost in (False, True):
        d = in_transaction(buffering())
        away(d)
        d.station_sends(METER.format(1))
        d.csms_sends("eye", '[4,"1","InternalError","",{}]')
        comes_back(d, "r1")
        assert sent_to_home(d) == [METER.format(1)]
        d.expect(to_station=[], to={"eye": MAPPED.format(1)})
        d.flips(new_owner())
        d.expect()  # home may still answer it
        if lost:
            d.csms_drops("home")
        else:
            d.waits(31)
        d.expect(to={"eye": MAPPED.format(1)})
        d.csms_sends("eye", '[3,"1",{}]')
        assert len(d.memory.backlog) == 0


def test_r11_a_new_owner_that_answers_its_copy_while_the_station_boots_has_the_call() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    roles = charger({"home": PRIMARY, "eye": hybrid("transactions", "metering")})
    d.flips(replace(roles, when_owner_is_down="buffer"))
    d.station_sends('[2,"boot","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]')
    d.csms_sends("eye", '[3,"1",{}]')
    assert d.took(commands.ForgetCalls) == [commands.ForgetCalls((1,))]


def test_r11_a_kept_call_that_is_under_way_at_a_loser_keeps_its_leg_until_it_is_answered() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    comes_back(d, "r1")
    d.expect(to_station=[], to={"home": [BOOT_OF_HOME, METER.format(1)], "eye": MAPPED.format(1)})
    alone = replace(charger({"eye": PRIMARY}), when_owner_is_down="buffer")
    d.wants(alone)
    d.csms_sends("eye", '[4,"1","InternalError","",{}]', '[3,"r2",{}]')
    assert d.took(commands.CloseLeg) == []
    d.csms_sends("home", '[3,"1",{}]')
    assert [closed.backend for closed in d.took(commands.CloseLeg)] == ["home"]
    d.expect(to={"eye": '[2,"r2","Heartbeat",{}]'})


def test_r11_a_kept_call_that_a_loser_left_goes_before_a_later_one_that_is_sent_again() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1), METER.format(2))
    d.csms_sends("eye", '[4,"1","InternalError","",{}]', '[4,"2","InternalError","",{}]')
    comes_back(d, "r1")
    copies = [MAPPED.format(1), MAPPED.format(2)]
    d.expect(to={"home": [BOOT_OF_HOME, METER.format(1)], "eye": copies})
    d.wants(new_owner())
    d.expect(to={"eye": MAPPED.format(2)})  # home may still answer the first
    d.csms_drops("home")
    d.csms_sends("eye", '[4,"2","InternalError","",{}]')
    d.expect(to={"eye": MAPPED.format(1)})
    d.csms_sends("eye", '[3,"1",{}]')
    d.expect(to={"eye": MAPPED.format(2)})
    d.csms_sends("eye", '[3,"2",{}]')
    assert len(d.memory.backlog) == 0


def test_r9_a_kept_call_that_is_sent_again_lets_the_stations_boot_go_first() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    comes_back(d, "r1")
    d.expect(to={"home": [BOOT_OF_HOME, METER.format(1)], "eye": MAPPED.format(1)})
    boot = BOOT_OF_HOME.replace("r1", "5")
    d.station_sends(boot)
    d.csms_sends("home", '[4,"1","InternalError","",{}]')
    assert d._to_legs.pop("home") == [boot.encode()]
    d.csms_sends("home", '[3,"5",{"status":"Accepted","interval":0,"currentTime":"x"}]')
    assert sent_to_home(d) == [METER.format(1)]


def test_r7_a_copy_waits_again_when_the_flip_that_made_its_observer_the_owner_is_taken_back() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends('[2,"0","Authorize",{"idTag":"T"}]')  # as a copy under way at eye
    d.station_sends(METER.format(1))
    d.wants(new_owner())
    d.csms_drops("eye")  # before it said anything as the owner
    d.expect(to_station=[], to={"eye": '[2,"0","Authorize",{"idTag":"T"}]'})
    d.csms_connects("eye")
    d.csms_sends("eye", '[3,"r1",{"status":"Accepted","interval":0,"currentTime":"x"}]', '[3,"0",{}]')
    assert d._to_legs["eye"][-1] == MAPPED.format(1).encode()


def test_r11_an_owner_resumed_without_a_known_boot_gets_what_was_kept() -> None:
    memory = SessionMemory()
    memory.use_version("ocpp1.6")
    memory.backlog.restore([(1, METER.format(1).encode(), 0.0)])
    d = Dialogue(charger({"home": PRIMARY}), memory=memory)
    d.csms_connects("home")
    d.station_sends('[2,"2","Heartbeat",{}]')
    d.expect(to={"home": METER.format(1)})
    d.csms_sends("home", '[3,"1",{}]')
    d.expect(to={"home": '[2,"2","Heartbeat",{}]'})
    d.csms_sends("home", '[3,"2",{"currentTime":"x"}]')
    d.expect(to_station='[3,"2",{"currentTime":"x"}]')


def test_r11_a_kept_call_waits_for_a_session_in_its_own_ocpp_version() -> None:
    d = in_transaction(buffering())
    away(d)
    d.station_sends(METER.format(1))
    d.station_leaves()

    newer = Dialogue(charger({"home": PRIMARY}), "ocpp2.0.1", memory=d.memory)
    assert newer.notes() == ["backlog-waits"]
    newer.begins(interval_s=0)
    newer.expect()
    newer.station_leaves()

    restored = SessionMemory.restored("ocpp2.0.1", None, {}, d.memory.snapshot(), now=0)
    restored.backlog.restore([(1, METER.format(1).encode(), 0.0)])
    older = Dialogue(charger({"home": PRIMARY}), memory=restored)
    older.csms_connects("home")
    older.station_sends('[2,"boot","BootNotification",{}]')
    older.csms_sends("home", '[3,"boot",{"status":"Accepted","interval":0,"currentTime":"x"}]')
    assert sent_to_home(older) == [METER.format(1)]


def test_r11_ten_minutes_without_the_owner_and_a_kill_in_between_every_message_arrives_once_in_order() -> None:
    stored: dict[int, bytes] = {}
    d = in_transaction(buffering())
    away(d)
    snapshot = d.memory.snapshot()

    def says(frame: str) -> None:
        d.station_sends(frame)
        stored.update({call.seq: call.raw for call in kept(d)})
        assert frame.encode() in stored.values()  # before it is acknowledged

    for number in range(20):
        if number == 10:  # kill -9: what was not stored is gone
            memory = SessionMemory.restored(d.version, d.memory.boot, dict(d.memory.statuses), snapshot, now=0)
            memory.backlog.restore((seq, raw, 0.0) for seq, raw in stored.items())
            d = Dialogue(buffering(), memory=memory)
            d.station_sends('[2,"h","Heartbeat",{}]')
            d.waits(31)
        says(METER.format(number))
        d.waits(30)
    says(STOP.format("end"))
    d.csms_connects("home")
    d.station_sends('[2,"live","Authorize",{"idTag":"T"}]')
    arrived = []
    while frames := [frame for frame in d._to_legs.pop("home", []) if frame.startswith(b"[2")]:
        for frame in frames:
            arrived.append(frame.decode())
            answer = '{"status":"Accepted","interval":0,"currentTime":"x"}' if b"BootNotif" in frame else "{}"
            d.csms_sends("home", f"[3,{frame.split(b',')[1].decode()},{answer}]")
    boot, *rest, live = arrived
    assert "BootNotification" in boot
    assert rest == [*(METER.format(number) for number in range(20)), STOP.format("end")]
    assert "Authorize" in live
    assert {seq for command in d.took(commands.ForgetCalls) for seq in command.seqs} == set(stored)


def comes_back(d: Dialogue, boot_id: str) -> None:
    d.csms_connects("home")
    d.csms_sends("home", f'[3,"{boot_id}",{{"status":"Accepted","interval":0,"currentTime":"x"}}]')


def sent_to_home(d: Dialogue) -> list[str]:
    """Return, and forget, what went to the owner besides boots."""
    frames: Iterable[bytes] = d._to_legs.pop("home", [])
    return [frame.decode() for frame in frames if b"BootNotification" not in frame]


def answers(d: Dialogue) -> list[str]:
    frames, d._to_station = d._to_station, []
    return [frame.decode() for frame in frames]

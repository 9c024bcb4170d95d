"""Orders on a leg: taken off the station's path, answered to the connection that asked (R13)."""

from reconciler.model.desired import LOCAL
from reconciler.relay import commands, events
from reconciler.relay.leg_values import LegValues
from reconciler.relay.limits import SessionLimits
from tests.support.dialogue import Dialogue
from tests.support.roles import PASSIVE, PRIMARY, charger

ORDER = '[2,"7","ChangeConfiguration",{"key":"AuthorizationKey","value":"0123456789abcdef"}]'


def begun(limits: SessionLimits | None = None) -> Dialogue:
    d = Dialogue(charger({"home": PRIMARY, "partner": PASSIVE}), limits=limits)
    d.begins()
    return d


def test_an_order_of_any_back_end_is_handed_on_and_never_reaches_the_station() -> None:
    d = begun()
    for name in ("home", "partner"):
        d.csms_sends(name, ORDER)
        (order,) = d.took(commands.AnswerOrder)
        assert (order.backend, order.raw) == (name, ORDER.encode())
        assert "0123456789abcdef" not in repr(order)
        d.expect()
        d.happens(events.OrderAnswered(order.order, b'{"status":"Accepted"}'))
        d.expect(to={name: '[3,"7",{"status":"Accepted"}]'})


def test_what_can_not_be_carried_out_is_refused_as_the_schema_has_it() -> None:
    d = begun()
    d.csms_sends("partner", ORDER)
    (order,) = d.took(commands.AnswerOrder)
    d.happens(events.OrderAnswered(order.order))
    d.expect(to={"partner": '[3,"7",{"status":"Rejected"}]'})
    assert d.notes() == ["refused-call partner"]


def test_an_answer_never_reaches_a_later_connection() -> None:
    d = begun()
    d.csms_sends("partner", ORDER)
    (order,) = d.took(commands.AnswerOrder)
    d.csms_drops("partner")
    d.csms_connects("partner")
    d.expect(to={"partner": '[2,"r1","BootNotification",{"chargePointVendor":"Volt","chargePointModel":"M1"}]'})
    d.happens(events.OrderAnswered(order.order, b"{}"))
    d.expect()


def test_a_repeated_order_is_carried_out_once() -> None:
    d = begun()
    d.csms_sends("partner", ORDER, ORDER)
    assert len(d.took(commands.AnswerOrder)) == 1


def test_orders_under_way_are_bounded() -> None:
    d = begun(SessionLimits(orders_max=1))
    d.csms_sends("partner", ORDER, ORDER.replace('"7"', '"8"'))
    d.expect(to={"partner": '[3,"8",{"status":"Rejected"}]'})
    assert d.notes() == ["queue-full partner"]


def test_a_reset_is_about_the_leg_only_while_something_waits_for_it() -> None:
    d = begun()
    reset = '[2,"7","Reset",{"type":"Hard"}]'
    d.happens(events.LegChanged("home", LegValues("CP001", 1), restart_due=True))
    d.csms_sends("home", reset)
    assert [order.backend for order in d.took(commands.AnswerOrder)] == ["home"]
    d.expect()
    d.happens(events.LegChanged("home", LegValues("CP001", 2)))
    d.csms_sends("home", reset.replace('"7"', '"8"'))
    d.expect(to_station=reset.replace('"7"', '"r1"'))


def test_what_only_reads_the_leg_s_own_values_is_answered_for_the_leg_whoever_asks() -> None:
    d = begun()
    for name in ("partner", "home"):
        d.csms_sends(name, '[2,"7","GetConfiguration",{"key":["SecurityProfile"]}]')
        key = '{"key":"SecurityProfile","readonly":false,"value":"0"}'
        d.expect(to={name: f'[3,"7",{{"configurationKey":[{key}]}}]'})
    d.csms_sends("home", '[2,"8","GetConfiguration",{"key":["SecurityProfile","HeartbeatInterval"]}]')
    d.expect(to_station='[2,"r1","GetConfiguration",{"key":["SecurityProfile","HeartbeatInterval"]}]')


def test_a_listing_of_csms_roots_alone_is_for_the_leg_s_desk() -> None:
    d = begun()
    d.csms_sends("partner", '[2,"7","GetInstalledCertificateIds",{"certificateType":"CentralSystemRootCertificate"}]')
    assert len(d.took(commands.AnswerOrder)) == 1


def test_the_relay_calls_a_back_end_about_its_leg() -> None:
    d = begun()
    d.happens(events.OwnCallWanted("partner", "SignCertificate", b'{"csr":"x"}'))
    d.expect(to={"partner": '[2,"r1","SignCertificate",{"csr":"x"}]'})
    d.csms_sends("partner", '[3,"r1",{"status":"Accepted"}]')
    d.happens(events.OwnCallWanted("nobody", "SignCertificate", b"{}"))
    d.expect()


def test_a_leg_that_registers_is_told_of() -> None:
    d = Dialogue(charger({"home": PRIMARY}))
    d.csms_connects("home")
    d.station_sends('[2,"boot","BootNotification",{}]')
    assert d.took(commands.LegRegistered) == []
    d.csms_sends("home", '[3,"boot",{"status":"Accepted","interval":300}]')
    assert d.took(commands.LegRegistered) == [commands.LegRegistered("home")]


def test_what_local_orders_is_about_the_station_s_own_leg() -> None:
    d = Dialogue(charger({LOCAL: PRIMARY}))
    d.begins()
    d.csms_sends(LOCAL, ORDER)
    d.expect(to_station=ORDER.replace('"7"', '"r1"'))

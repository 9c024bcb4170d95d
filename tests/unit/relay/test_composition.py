"""One answer from several owners (R6)."""

from reconciler.relay.composition import Composition, shared_fields
from tests.support.roles import PRIMARY, charger, hybrid

OWNERS = charger({"pay": PRIMARY, "auth": hybrid("authorization"), "cost": hybrid("tariff-and-cost")}).owners


def test_fields_are_shared_only_where_owners_differ() -> None:
    assert shared_fields("StartTransaction", OWNERS) == {"auth": ("idTagInfo",)}
    assert set(shared_fields("TransactionEvent", OWNERS)) == {"auth", "cost"}
    assert shared_fields("MeterValues", OWNERS) == {}
    assert shared_fields("StartTransaction", charger({"pay": PRIMARY}).owners) == {}


def test_each_owner_gives_its_fields_and_the_bytes_of_all_else_stay() -> None:
    composition = Composition({"auth": ("idTagInfo",)}, deadline=5.0)
    composition.answered("auth", b'{"transactionId":900,"idTagInfo":{ "status":"Blocked" }}')
    base = b'{ "transactionId" : 7, "idTagInfo":{"status":"Accepted"}}'
    assert composition.compose(base) == b'{ "transactionId" : 7, "idTagInfo":{ "status":"Blocked" }}'


def test_a_field_its_owner_does_not_give_is_not_given_by_another() -> None:
    composition = Composition({"auth": ("idTokenInfo",), "cost": ("totalCost",)}, deadline=5.0)
    composition.answered("auth", b"{}")
    composition.answered("cost", b'{"totalCost":1.50}')
    assert composition.compose(b'{"idTokenInfo":{"status":"Accepted"},"totalCost":9}') == b'{"totalCost":1.50}'


def test_where_another_owner_answers_with_an_error_the_base_stands() -> None:
    composition = Composition({"auth": ("idTagInfo",)}, deadline=5.0)
    composition.answered("auth", None)
    base = b'{"idTagInfo":{"status":"Accepted"},"transactionId":7}'
    assert composition.compose(base) == base


def test_it_is_complete_with_the_base_and_every_other_owner() -> None:
    composition = Composition({"auth": ("idTagInfo",)}, deadline=5.0)
    composition.answered("auth", b"{}")
    assert not composition.complete

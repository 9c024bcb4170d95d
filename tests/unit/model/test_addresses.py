"""Addresses: one text form, read back as written."""

import pytest

from reconciler.errors import UnknownAddress
from reconciler.model.addresses import KINDS, Address, address_of
from reconciler.model.kinds import SPEC_MODELS


def test_every_kind_has_an_address_and_a_spec() -> None:
    assert list(KINDS) == list(SPEC_MODELS)


@pytest.mark.parametrize("text", ["charger.cp001", "backend-binding.depot-a", "charger.a.b", "role.0"])
def test_an_address_reads_back_as_written(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "charger", "charger.", "cp001", "Charger.cp001", "charger.CP", "charger.a-", "x.y"]
)
def test_what_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UnknownAddress, match="is not an address") as refused:
        Address.parse(text)
    assert "charger.cp001" in refused.value.hint


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ({"kind": "SplitSystem", "metadata": {"name": "a"}}, "split-system.a"),
        ({"kind": "SplitSystem", "metadata": {"name": "A"}}, None),
        ({"kind": "Nothing", "metadata": {"name": "a"}}, None),
        ({"kind": ["Charger"], "metadata": {"name": "a"}}, None),
        ({"kind": "Charger", "metadata": ["name"]}, None),
        ({}, None),
    ],
)
def test_a_document_claims_an_address_or_none(content: dict[str, object], address: str | None) -> None:
    assert address_of(content) == address

"""Spec texts: a digest stands for what is applied only as long as it is, and only where it was proven to."""

import pytest

from reconciler.app.planning import PlanRequest
from reconciler.errors import FwdctlError, TextsNeeded
from reconciler.model.documents import Document
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site, binding, charger


def with_texts(documents: list[Document]) -> list[Document]:
    """Return the documents, each with a digest."""
    return [Document(one.content, one.file, one.places, f"{number:032x}") for number, one in enumerate(documents)]


async def a_world(store: MemoryStore | None = None) -> tuple[World, list[Document]]:
    """Return a world with a site applied whose texts are known, and its documents."""
    world, documents = World(store), with_texts(a_site(3))
    await world.apply(documents)
    await world.reconciler.plan(PlanRequest(documents, trusted=True))
    return world, documents


async def test_texts_stand_for_what_is_applied() -> None:
    world, documents = await a_world()
    digests = [document.text for document in documents]
    assert await world.reconciler.known_texts([*digests, "f" * 32]) == digests
    plan = await world.reconciler.plan(PlanRequest([charger("cp001", serialNumber="x")], texts=digests[:3]))
    assert [change.address for change in plan.resource_changes] == ["charger.cp001"]


async def test_they_outlive_the_server() -> None:
    store = MemoryStore()
    _, documents = await a_world(store)
    digests = [document.text for document in documents]
    assert await World(store).reconciler.known_texts(digests) == digests


async def test_what_changes_is_known_by_its_old_text_no_more() -> None:
    world, documents = await a_world()
    await world.apply([charger("cp001", serialNumber="x")])
    changed = next(one for one in documents if one.content["metadata"]["name"] == "cp001")
    assert await world.reconciler.known_texts([changed.text]) == []
    with pytest.raises(TextsNeeded) as needed:
        await world.reconciler.plan(PlanRequest([], texts=[changed.text]))
    assert needed.value.texts == (changed.text,)


async def test_a_text_that_says_anything_else_is_not_learnt() -> None:
    world, _ = await a_world()
    liar = charger("cp001", serialNumber="x")
    await world.reconciler.plan(PlanRequest([Document(liar.content, liar.file, liar.places, "e" * 32)], trusted=True))
    assert await world.reconciler.known_texts(["e" * 32]) == []


async def test_what_is_given_by_its_text_and_by_itself_has_to_be_told_apart() -> None:
    world, documents = await a_world()
    same = next(one for one in documents if one.content["metadata"]["name"] == "cp001")
    with pytest.raises(TextsNeeded):
        await world.reconciler.plan(PlanRequest([same], texts=[same.text]))
    with pytest.raises(TextsNeeded):
        await world.reconciler.plan(PlanRequest([], texts=[same.text, same.text]))


async def test_what_is_wrong_is_told_by_documents_alone() -> None:
    world, documents = await a_world()
    digests = [document.text for document in documents if document.content["kind"] != "BackendBinding"]
    bad = binding(roles={"nobody": "primary"})
    with pytest.raises(TextsNeeded):
        await world.reconciler.plan(PlanRequest([bad], texts=digests))


async def test_a_warning_asks_for_what_it_is_about() -> None:
    store = MemoryStore()
    world = World(store)
    documents = with_texts([*a_site(1), binding("b")])  # selects nobody
    await world.apply(documents)
    await world.reconciler.plan(PlanRequest(documents, trusted=True))
    with pytest.raises(TextsNeeded) as needed:
        await world.reconciler.plan(PlanRequest([], texts=[document.text for document in documents]))
    assert needed.value.texts == (documents[-1].text,)


async def test_a_store_that_takes_nothing_does_not_stop_a_plan() -> None:
    class Full(MemoryStore):
        async def learn_texts(self, texts: object) -> None:
            raise FwdctlError("the disk is full")

    world, documents = await a_world(Full())
    assert await world.reconciler.known_texts([documents[0].text]) == []

"""Dumping: what is applied, as documents that plan to nothing."""

from reconciler.model.documents import Document
from reconciler.model.live import Stranger
from tests.support.clock import EPOCH
from tests.support.specs import World, a_site, role


async def test_a_plan_of_a_dump_is_empty_even_with_prune() -> None:
    world = World()
    await world.apply([*a_site(3), role("energy", "smart-charging")])
    dumped = [Document(content) for content in await world.reconciler.dump()]
    assert (await world.plan(dumped, prune=True)).is_empty


async def test_a_dump_of_one_site_applied_elsewhere_gives_the_same_site() -> None:
    here, there = World(), World()
    await here.apply(a_site(3))
    await there.apply([Document(content) for content in await here.reconciler.dump()])
    assert await there.reconciler.dump() == await here.reconciler.dump()


async def test_what_others_refer_to_comes_first() -> None:
    world = World()
    await world.apply(a_site(1))
    kinds = [content["kind"] for content in await world.reconciler.dump()]
    assert kinds == ["SecurityProfile", "Backend", "Backend", "Charger", "BackendBinding"]


async def test_nothing_applied_dumps_nothing() -> None:
    assert await World().reconciler.dump() == ()


def stranger(identity: str, *versions: str, profile: int = 0) -> Stranger:
    return Stranger(identity, versions or ("ocpp1.6",), profile, EPOCH)


async def test_specs_for_strangers_can_be_applied_once_a_binding_selects_them() -> None:
    world = World()
    await world.apply(a_site(1))
    await world.store.note_strangers(
        [stranger("Depot 7/Bay:1"), stranger("AC_0815", "ocpp2.0.1", "ocpp1.6"), stranger("CP000")]
    )
    refused, known = sorted(await world.reconciler.newcomers(), key=lambda newcomer: newcomer.document is not None)
    assert (refused.stranger.identity, refused.document) == ("Depot 7/Bay:1", None)
    assert known.document is not None
    assert known.document["metadata"] == {"name": "ac-0815"}
    assert known.document["spec"] == {
        "identity": "AC_0815",
        "versions": ["ocpp2.0.1", "ocpp1.6"],
        "securityProfile": "open",
    }
    metadata = {**known.document["metadata"], "labels": {"site": "a"}}  # who is to own it, a person decides
    await world.apply([Document({**known.document, "metadata": metadata})])
    assert [newcomer.document for newcomer in await world.reconciler.newcomers()] == [None]
    assert await world.reconciler.strangers() == 1


async def test_two_identities_that_make_one_name_get_two() -> None:
    world = World()
    await world.store.note_strangers([stranger("cp_1"), stranger("CP-1"), stranger("CP 1"), stranger("___")])
    names = [one.document["metadata"]["name"] for one in await world.reconciler.newcomers() if one.document]
    assert sorted(names) == ["charger", "cp-1", "cp-1-2", "cp-1-3"]


async def test_without_a_fitting_profile_the_spec_names_one_to_declare() -> None:
    world = World()
    await world.apply(a_site(1))
    await world.store.note_strangers([stranger("CP9", profile=2)])
    ((newcomer),) = await world.reconciler.newcomers()
    assert newcomer.document is not None
    assert newcomer.document["spec"]["securityProfile"] == "profile-2"


async def test_who_speaks_no_version_that_we_know_gets_no_spec() -> None:
    world = World()
    await world.store.note_strangers([stranger("CP9", "ocpp1.5")])
    ((newcomer),) = await world.reconciler.newcomers()
    assert newcomer.document is None

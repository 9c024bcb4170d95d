"""Applied specs: what the store holds, resolved once per revision."""

import pytest

from reconciler.app.applied_specs import AppliedSpecs, from_contents
from reconciler.app.ports import ResourceWrite, RevisionMeta
from reconciler.errors import InvalidSpecs
from reconciler.model.rollouts import Hold
from reconciler.planning.planner import resolved_over
from tests.support.clock import EPOCH
from tests.support.memory_store import MemoryStore
from tests.support.specs import a_site, backend, resources

META = RevisionMeta(EPOCH, "ann")


async def stored(*contents: tuple[str, dict[str, object]]) -> MemoryStore:
    store = MemoryStore()
    await store.commit_revision([ResourceWrite(address, content, 0) for address, content in contents], META, "p1")
    return store


async def a_depot() -> MemoryStore:
    return await stored(*((address, dict(found.content)) for address, found in resources(a_site(2)).items()))


async def test_an_empty_store_is_revision_zero_without_chargers() -> None:
    applied = await AppliedSpecs(MemoryStore()).current()
    assert (applied.revision, applied.site.chargers, applied.versions) == (0, {}, {})


async def test_stored_documents_resolve_to_the_site_that_was_applied() -> None:
    applied = await AppliedSpecs(await a_depot()).current()
    assert applied.site.resources == resources(a_site(2))
    assert sorted(applied.site.chargers) == ["cp000", "cp001"]
    assert set(applied.versions.values()) == {1}
    assert all(found.position() is None for found in applied.site.resources.values())


async def test_the_same_revision_is_the_same_object_so_that_nothing_is_compared_in_vain() -> None:
    store = await a_depot()
    specs = AppliedSpecs(store)
    first = await specs.load()
    assert await specs.load() is first
    await store.commit_revision([ResourceWrite("backend.new", backend("new").content, 0)], META, "p2")
    assert await specs.current() is first
    assert (await specs.load()).revision == 2
    assert "new" in (await specs.current()).site.backends


async def test_stored_specs_that_no_longer_validate_are_refused_with_their_findings() -> None:
    store = await stored(("role.old", {"apiVersion": "fwdctl/v1", "kind": "Role", "metadata": {"name": "old"}}))
    with pytest.raises(InvalidSpecs, match="revision 1") as refused:
        await AppliedSpecs(store).load()
    assert [finding.address for finding in refused.value.diagnostics] == ["role.old"]


def test_contents_become_resources_and_findings() -> None:
    found, findings = from_contents([backend("partner").content, {"kind": "Nonsense"}])
    assert [str(resource.address) for resource in found] == ["backend.partner"]
    assert findings


async def test_what_a_commit_changed_is_what_is_read_and_the_rest_stays_the_same_objects() -> None:
    store = await a_depot()
    specs = AppliedSpecs(store)
    first = await specs.load()
    await store.commit_revision(
        [ResourceWrite("backend.new", backend("new").content, 0), ResourceWrite("charger.cp001", None, 1)], META, "p2"
    )
    then = await specs.newest()
    whole = await AppliedSpecs(store).load()
    assert (then.revision, then.site, then.versions) == (whole.revision, whole.site, whole.versions)
    assert "cp001" not in then.site.chargers
    assert then.site.resources["charger.cp000"] is first.site.resources["charger.cp000"]
    assert (await specs.bases([Hold("cp001", 1, "r")]))[1] is first.site


async def test_a_site_that_was_foreseen_is_taken_where_just_that_comes_about() -> None:
    store = await a_depot()
    specs = AppliedSpecs(store)
    first = await specs.load()
    foreseen, _ = resolved_over(first.site, {**first.site.resources, **resources([backend("new")])})
    specs.foresee(foreseen)
    await store.commit_revision([ResourceWrite("backend.new", backend("new").content, 0)], META, "p2")
    assert (await specs.newest()).site is foreseen


async def test_a_site_that_was_foreseen_is_not_taken_where_anything_else_came_about() -> None:
    store = await a_depot()
    specs = AppliedSpecs(store)
    first = await specs.load()
    foreseen, _ = resolved_over(first.site, {**first.site.resources, **resources([backend("new")])})
    specs.foresee(foreseen)
    other = backend("new", url="ws://elsewhere:1/ocpp")
    await store.commit_revision([ResourceWrite("backend.new", other.content, 0)], META, "p2")
    newest = await specs.newest()
    assert newest.site is not foreseen
    assert newest.site == (await AppliedSpecs(store).load()).site

"""Resources and revisions, on both engines."""

import asyncio
import time
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event

from reconciler.app.ports import ResourceChanges, ResourceWrite, Store, StoredResource
from reconciler.errors import FwdctlError, StalePlan
from tests.support.store_process import EPOCH, META, together

ONE = "charger.cp001"
TWO = "charger.cp002"
CONTENT = {"kind": "Charger", "apiVersion": "fwdctl/v1", "metadata": {"name": "cp001"}, "spec": {"serial": "a\0è"}}


async def test_a_new_store_is_empty_at_revision_0(store: Store) -> None:
    assert await store.resources() == (0, ())


async def test_a_commit_writes_all_and_returns_the_next_revision(store: Store) -> None:
    assert await store.commit_revision([_create(TWO), _create(ONE)], META, "p1") == 1
    assert await store.resources() == (1, (StoredResource(ONE, CONTENT, 1, 1), StoredResource(TWO, CONTENT, 1, 1)))


async def test_content_keeps_the_order_of_its_keys(store: Store) -> None:
    await store.commit_revision([_create(ONE)], META, "p1")
    _, (resource,) = await store.resources()
    assert list(resource.content) == list(CONTENT)


async def test_a_change_counts_the_version_and_leaves_the_others_alone(store: Store) -> None:
    await store.commit_revision([_create(ONE), _create(TWO)], META, "p1")
    await store.commit_revision([ResourceWrite(ONE, {"new": True}, 1)], META, "p2")
    assert await store.resources() == (
        2,
        (StoredResource(ONE, {"new": True}, 2, 2), StoredResource(TWO, CONTENT, 1, 1)),
    )


async def test_an_empty_commit_is_a_revision(store: Store) -> None:
    assert [await store.commit_revision([], META, f"p{number}") for number in (1, 2, 3)] == [1, 2, 3]


async def test_a_deleted_resource_is_gone_and_can_be_created_again(store: Store) -> None:
    await store.commit_revision([_create(ONE)], META, "p1")
    await store.commit_revision([_delete(ONE, 1)], META, "p2")
    assert await store.resources() == (2, ())
    await store.commit_revision([_create(ONE)], META, "p3")
    assert [resource.address for resource in (await store.resources())[1]] == [ONE]


async def test_the_revision_that_a_plan_made_is_found_by_the_plan(store: Store) -> None:
    await store.commit_revision([_create(ONE)], META, "p1")
    assert (await store.revision_of_plan("p1"), await store.revision_of_plan("p2")) == (1, None)


async def test_a_plan_made_before_a_deletion_is_stale_after_the_re_creation(store: Store) -> None:
    await store.commit_revision([_create(ONE)], META, "p1")
    seen = (await store.resources())[1][0].version
    await store.commit_revision([_delete(ONE, seen)], META, "p2")
    await store.commit_revision([_create(ONE)], META, "p3")
    with pytest.raises(StalePlan):
        await store.commit_revision([ResourceWrite(ONE, {"old": "plan"}, seen)], META, "p4")


@pytest.mark.parametrize(
    "stale",
    [
        ResourceWrite(ONE, {"n": 1}, 0),
        ResourceWrite(ONE, {"n": 1}, 2),
        ResourceWrite(ONE, None, 2),
        ResourceWrite("charger.never-seen", {"n": 1}, 1),
        ResourceWrite("charger.never-seen", None, 1),
    ],
    ids=["exists", "changed", "delete-changed", "gone", "delete-gone"],
)
async def test_a_stale_write_stops_the_whole_commit(store: Store, stale: ResourceWrite) -> None:
    await store.commit_revision([_create(ONE)], META, "p1")
    before = await store.resources()
    with pytest.raises(StalePlan, match=stale.address) as refused:
        await store.commit_revision([_create(TWO), stale], META, "p2")
    assert "fwdctl plan" in refused.value.hint
    assert await store.resources() == before
    assert await store.commit_revision([_create(TWO)], META, "p2") == 2, "a refused plan is not used up"


async def test_a_stale_commit_names_a_few_resources_and_counts_the_rest(store: Store) -> None:
    writes = [ResourceWrite(f"charger.c{index}", {}, 7) for index in range(9)]
    with pytest.raises(StalePlan, match=r"charger\.c0, .*charger\.c4 and 4 more"):
        await store.commit_revision(writes, META, "p1")


async def test_a_plan_can_be_committed_once(store: Store) -> None:
    await store.commit_revision([_create(ONE)], META, "p1")
    with pytest.raises(StalePlan, match="applied before, as revision 1"):
        await store.commit_revision([_create(TWO)], META, "p1")
    assert (await store.resources())[0] == 1


async def test_one_commit_may_not_write_an_address_twice(store: Store) -> None:
    with pytest.raises(ValueError, match="twice"):
        await store.commit_revision([_create(ONE), _create(ONE)], META, "p1")


async def test_every_revision_can_be_read_again(store: Store) -> None:
    await store.commit_revision([_create(ONE)], META, "p1")
    await store.commit_revision([ResourceWrite(ONE, {"n": 2}, 1), _create(TWO)], META, "p2")
    await store.commit_revision([_delete(ONE, 2)], META, "p3")
    assert await store.resources_at(0) == ()
    assert await store.resources_at(1) == (StoredResource(ONE, CONTENT, 1, 1),)
    assert await store.resources_at(2) == (StoredResource(ONE, {"n": 2}, 2, 2), StoredResource(TWO, CONTENT, 1, 2))
    assert await store.resources_at(3) == (StoredResource(TWO, CONTENT, 1, 2),)
    with pytest.raises(FwdctlError, match="no revision 4"):
        await store.resources_at(4)


async def test_every_moment_has_its_revision(store: Store) -> None:
    assert await store.revision_at(EPOCH) == 0
    for number, minutes in enumerate((0, 1, 1), 1):
        meta = replace(META, at=EPOCH + timedelta(minutes=minutes))
        await store.commit_revision([_create(f"charger.c{number}")], meta, f"p{number}")
    asked = [-1, 0, 30, 60, 600]
    assert [await store.revision_at(EPOCH + timedelta(seconds=second)) for second in asked] == [0, 1, 1, 3, 3]


async def test_of_tasks_that_change_the_same_version_one_wins(store: Store) -> None:
    await store.commit_revision([_create(ONE)], META, "p0")
    racing = (store.commit_revision([ResourceWrite(ONE, {"n": n}, 1)], META, f"p{n}") for n in range(1, 13))
    results = await asyncio.gather(*racing, return_exceptions=True)
    assert sorted(map(str, results))[0] == "2"
    assert sum(isinstance(result, StalePlan) for result in results) == 11


async def test_commits_at_the_same_time_get_revisions_of_their_own(store: Store) -> None:
    racing = (store.commit_revision([_create(f"charger.c{n}")], META, f"p{n}") for n in range(12))
    assert sorted(await asyncio.gather(*racing)) == list(range(1, 13))


async def test_a_reader_never_sees_half_a_commit(store: Store) -> None:
    names = [f"charger.c{index}" for index in range(50)]

    async def write() -> None:
        for version in range(10):
            await store.commit_revision(
                [ResourceWrite(name, {"n": version}, version) for name in names], META, f"{version}"
            )

    writing = asyncio.ensure_future(write())
    while not writing.done():
        revision, resources = await store.resources()
        assert {resource.revision for resource in resources} <= {revision}
        assert len(resources) in (0, 50)
    await writing


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_commit_leaves_nothing_behind_and_the_store_usable(store: Store, times: int) -> None:
    writing = asyncio.Event()

    def notice(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO resource_versions"):
            writing.set()

    event.listen(Engine, "before_cursor_execute", notice)
    started = asyncio.ensure_future(store.commit_revision([_create(f"charger.c{n}") for n in range(2000)], META, "p1"))
    await writing.wait()
    event.remove(Engine, "before_cursor_execute", notice)
    for _ in range(times):
        started.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await started
    assert await store.commit_revision([_create(ONE)], META, "p1") == 1
    assert len((await store.resources())[1]) == 1


async def test_processes_that_count_on_one_resource_lose_no_increment(store: Store, store_url: str) -> None:
    assert together("count", store_url, "one", "two") == ["10", "10"]
    _, (counter,) = await store.resources()
    assert counter.content == {"value": 20}
    assert counter.version == 20


@pytest.mark.slow
async def test_ten_thousand_resources_are_written_in_batches(store: Store) -> None:
    creations = [ResourceWrite(f"charger.c{n}", {**CONTENT, "n": n}, 0) for n in range(10_000)]
    changes = [ResourceWrite(f"charger.c{n}", {**CONTENT, "n": -n}, 1) for n in range(10_000)]
    began = time.process_time()
    await store.commit_revision(creations, META, "p1")
    await store.commit_revision(changes, META, "p2")
    assert time.process_time() - began < 10, "CPU seconds; row by row it would be many more"
    _, resources = await store.resources()
    assert {(resource.address, resource.content["n"]) for resource in resources} == {
        (f"charger.c{n}", -n) for n in range(10_000)
    }


def _create(address: str) -> ResourceWrite:
    return ResourceWrite(address, CONTENT, 0)


def _delete(address: str, seen_version: int) -> ResourceWrite:
    return ResourceWrite(address, None, seen_version)


async def test_a_text_is_kept_with_the_version_that_it_says(store: Store) -> None:
    await store.commit_revision([_create(ONE), _create(TWO)], META, "p1")
    await store.learn_texts([(ONE, 1, "a" * 32), (TWO, 7, "b" * 32)])
    assert [resource.text for resource in (await store.resources())[1]] == ["a" * 32, ""]
    await store.commit_revision([ResourceWrite(ONE, {"new": True}, 1)], META, "p2")
    assert [resource.text for resource in (await store.resources())[1]] == ["", ""]


async def test_what_came_and_went_since_a_revision_is_all_that_is_read(store: Store) -> None:
    three = "charger.cp003"
    await store.commit_revision([_create(ONE), _create(TWO), _create(three)], META, "p1")
    first = (await store.resources())[1]
    assert await store.resource_changes(0) == ResourceChanges(1, first)
    assert await store.resource_changes(1) == ResourceChanges(1, ())
    await store.commit_revision([ResourceWrite(ONE, {"new": True}, 1), _delete(TWO, 1)], META, "p2")
    new = StoredResource(ONE, {"new": True}, 2, 2)
    assert await store.resource_changes(1) == ResourceChanges(2, (new,), frozenset({TWO}))
    await store.commit_revision([_create(TWO), _delete(three, 1)], META, "p3")
    again = StoredResource(TWO, CONTENT, 2, 3)
    assert await store.resource_changes(1) == ResourceChanges(3, (new, again), frozenset({three}))
    assert await store.resource_changes(2) == ResourceChanges(3, (again,), frozenset({three}))
    assert await store.resource_changes(0) == ResourceChanges(3, (new, again), frozenset({three}))

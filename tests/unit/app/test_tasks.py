"""Background tasks: kept, heard of, stopped."""

import asyncio

from reconciler.app.tasks import Background


async def test_a_failure_is_reported_under_its_name_and_the_rest_goes_on() -> None:
    heard: list[tuple[str, BaseException]] = []
    background = Background(lambda what, error: heard.append((what, error)))

    async def fail() -> None:
        raise ValueError("no")

    async def succeed() -> int:
        return 7

    failing, succeeding = background.start(fail(), name="bad"), background.start(succeed(), name="good")
    await asyncio.wait([failing, succeeding])
    assert succeeding.result() == 7
    assert [(what, str(error)) for what, error in heard] == [("bad", "no")]


async def test_stopping_cancels_what_still_runs_and_waits_for_it() -> None:
    heard: list[str] = []
    background = Background(lambda what, error: heard.append(what))
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = background.start(endless(), name="endless")
    await asyncio.sleep(0)
    await background.stop()
    assert task.cancelled()
    assert ended.is_set()
    assert heard == []

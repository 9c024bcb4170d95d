"""The fleet board: one picture for all, taken when something happened, never more often than it is worth."""

import asyncio

from reconciler.app.fleet_board import STALE_S, FleetBoard
from reconciler.app.status import ChargerStatus
from reconciler.planning.drift import Standing, State


class LoopClock:
    """Time as the event loop has it."""

    def now(self) -> None:  # pragma: no cover - nobody asks
        raise NotImplementedError

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


class Camera:
    """Takes pictures that each name how many were taken; `cost_s` is how long one takes."""

    def __init__(self, cost_s: float = 0.0) -> None:
        self.taken = 0
        self.cost_s = cost_s

    async def __call__(self) -> list[ChargerStatus]:
        await asyncio.sleep(self.cost_s)
        self.taken += 1
        return [ChargerStatus(f"cp{self.taken}", Standing(f"cp{self.taken}", State.OFFLINE), None, None)]


def board_of(camera: Camera) -> FleetBoard:
    return FleetBoard(camera, LoopClock())  # type: ignore[arg-type]


async def test_the_first_reader_has_a_picture_and_the_next_ones_share_it() -> None:
    camera = Camera()
    board = board_of(camera)
    pictures = await asyncio.gather(*(board.read() for _ in range(50)))
    assert camera.taken == 1
    assert {picture.number for picture in pictures} == {1}
    assert list(pictures[0].chargers) == ["cp1"]


async def test_nobody_looks_no_picture_is_taken() -> None:
    camera = Camera()
    board = board_of(camera)
    for _ in range(1000):
        board.stir("cp1")
    assert camera.taken == 0


async def test_who_waits_is_woken_once_for_many_changes() -> None:
    camera = Camera()
    board = board_of(camera)
    seen = (await board.read()).number
    waiting = [asyncio.ensure_future(board.next(seen, 5.0)) for _ in range(20)]
    await asyncio.sleep(0)
    for _ in range(500):
        board.stir("cp1")
    found = await asyncio.gather(*waiting)
    assert camera.taken == 2
    assert {picture.number for picture in found if picture is not None} == {2}


async def test_a_picture_that_costs_much_is_taken_seldom() -> None:
    camera = Camera(cost_s=0.05)  # so one a second, at most
    board = board_of(camera)
    loop = asyncio.get_running_loop()
    seen = (await board.read()).number
    begun_s = loop.time()
    board.stir()
    picture = await board.next(seen, 5.0)
    assert picture is not None
    assert loop.time() - begun_s >= 0.9


async def test_a_quiet_fleet_is_no_news_until_the_picture_is_stale() -> None:
    camera = Camera()
    board = board_of(camera)
    seen = (await board.read()).number
    assert await board.next(seen, 0.05) is None
    assert STALE_S > 0.05
    assert camera.taken == 1


async def test_who_waits_goes_home_when_the_server_stops() -> None:
    board = board_of(Camera())
    seen = (await board.read()).number
    waiting = asyncio.ensure_future(board.next(seen, 60.0))
    await asyncio.sleep(0)
    board.close()
    async with asyncio.timeout(2):
        assert await waiting is None

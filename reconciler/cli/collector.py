"""The garbage collector's regime in a process full of sessions: the young are collected, all others hardly ever.

A collection of everything stops the process for some 0.6 s per million objects: with ten thousand sessions every frame
would wait for more than a second. Sessions that are over are freed by their reference counts (`test_ended_sessions.py`
keeps that so); what remains are cycles that lived for long, and those are few.
"""

import asyncio
import gc
import time
from typing import Final

import structlog

YOUNG: Final = 10_000
"""Objects made and not freed before the youngest are walked; every third time those with them that were left then."""
NEVER: Final = 2**31 - 1
CHECK_EVERY_S: Final = 3600.0
OBJECTS_MIN: Final = 3_000_000
"""With fewer objects nothing is gained by a collection of all: some three times what ten thousand sessions take."""
GROWTH: Final = 2.0

_log = structlog.get_logger("collector")


def hold() -> None:
    """Collect nothing while a process starts: libraries and thousands of specs come in, and none of it is garbage."""
    gc.disable()


def settle() -> None:
    """Leave alone what was there at the start, and from now on collect the young alone."""
    gc.freeze()  # without a collection: it would walk everything to find some hundred objects
    gc.set_threshold(YOUNG, 1, NEVER)
    gc.enable()


async def collect_rarely() -> None:
    """Look every `CHECK_EVERY_S` whether garbage may have gathered, and collect everything where it may; for ever."""
    left = 0
    while True:
        await asyncio.sleep(CHECK_EVERY_S)
        gc.freeze()
        objects = gc.get_freeze_count()
        if is_due(objects, left):
            left = collect_all(objects)


def is_due(objects: int, left: int) -> bool:
    """Return whether everything is to be collected, with so many objects now and `left` after the last time."""
    return objects > max(OBJECTS_MIN, GROWTH * left)


def collect_all(objects: int) -> int:
    """Collect everything, log what it took, and return how many objects are left."""
    began_s = time.perf_counter()
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    left = gc.get_freeze_count()
    _log.info("collected", freed=max(0, objects - left), left=left, took_s=round(time.perf_counter() - began_s, 3))
    return left

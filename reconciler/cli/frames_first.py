"""Frames first: a thread that computes hands the interpreter over before anybody waits for long.

Plans are made and statements are run in threads. Each time that the event loop comes back from the system with a frame
it has to ask whoever computes for the interpreter, and by default is given it after 5 ms: of 500 calls a second most
would wait for others that wait. What it costs is a switch for every time that the loop has something to do.
"""

import sys
from typing import Final

HAND_OVER_WITHIN_S: Final = 0.0005


def hand_over_soon() -> None:
    """Have threads of this process give the interpreter to the event loop within half a millisecond."""
    sys.setswitchinterval(HAND_OVER_WITHIN_S)

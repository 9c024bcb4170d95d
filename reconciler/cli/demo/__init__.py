"""`fwdctl demo`: the main job on real sockets, and whether it really happened.

examples    which files it plays, and where they are
processes   a real `fwdctl serve`, and the verbs as a person types them
depot       the simulated back-ends and chargers around it
witness     what they saw, frame by frame
checks      what was expected beside what was observed
screen      how it is told
stage       all of these together
story       the acts, in order
"""

import asyncio
import signal
from typing import Annotated, Final

import typer

INTERRUPTED: Final = 130


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running, with commands to try, until Ctrl-C.")] = False,
) -> int:
    """Play examples/02-flip with simulated back-ends and chargers; exits 0 only if all was really observed."""
    try:
        return asyncio.run(_play(keep))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED


async def _play(keep: bool) -> int:
    from reconciler.cli.demo.story import play  # here, so that no other verb waits for the simulators' libraries

    playing = asyncio.ensure_future(play(keep=keep))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)  # so that the server is stopped, too
    return await playing

"""How a simulated end behaves, well or badly; every field may be changed while it runs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from reconciler.testing.recording import RecordedCall


class CallFailed(Exception):
    """A CALLERROR: raised by `call` where one came back, and scripted where one is to be sent."""

    def __init__(self, code: str, description: str = "", details: Any = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.details = {} if details is None else details


Answer: TypeAlias = dict[str, Any] | CallFailed | bytes
"""A CALLRESULT's payload, a CALLERROR, or a frame to send as it is in place of an answer."""

Script: TypeAlias = Answer | Callable[[RecordedCall], Answer | None]
"""An answer, or what makes one from the CALL; None leaves it to the end's own judgement."""


@dataclass
class Manners:
    """What both ends can be told to do; the default is an honest and quick peer."""

    delay_s: dict[str, float] = field(default_factory=dict)
    """Action -> seconds to wait before answering."""
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """Action -> event that its answers wait for."""
    never_answer: set[str] = field(default_factory=set)
    """Actions that are read, recorded and not answered."""
    silent: bool = False
    """Answer nothing at all."""
    answers: dict[str, Script] = field(default_factory=dict)
    """Action -> what to answer in place of the end's own judgement; not checked against any schema."""
    handwriting: Callable[[bytes], bytes] | None = None
    """Rewrites each answer's frame before it is sent, so that its very bytes tell who wrote it."""
    half_duplex: bool = False
    """One call in flight whichever its direction: both ends' calls wait for each other."""
    unique_message_ids: bool = True
    """A message id that came before from the same identity is a violation."""
    close_on_violation: bool = False
    """Close with 1002 at the first violation, as strict implementations do."""

    async def pause(self, action: str) -> None:
        """Wait as long as the answer to `action` is to be delayed or held."""
        if seconds := self.delay_s.get(action):
            await asyncio.sleep(seconds)
        if event := self.held.get(action):
            await event.wait()


@dataclass
class CsmsManners(Manners):
    """What a simulated CSMS can be told beyond that."""

    require_boot_first: bool = False
    """On each connection, refuse with SecurityError (and record as a violation) all that precedes an accepted boot."""
    refuse_status: int | None = None
    """Answer every handshake with this HTTP status."""
    refuse_unknown_versions: bool = False
    """Without a common version answer 400, rather than complete the handshake and close."""
    close_on_connect: tuple[int, str] | None = None
    """Complete the handshake, then close with this code and reason."""
    handshake_held: asyncio.Event | None = None
    """Handshakes aren't answered before this event."""
    counting_message_ids: bool = False
    """Number own calls "1", "2", "3" on each connection, as many CSMSs do; else UUIDs."""

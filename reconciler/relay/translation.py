"""Translation: the ids in a payload as the receiver knows them, for each of the four ways a payload can go (R9).

    back-end's CALL ── command ────────> station          station's CALL ── call ────────> back-end
    back-end <────── command_answer ──── station          station <─────── call_answer ─── back-end

Only ids change, byte for byte in place; signed frames are never touched. `None` says that nothing changes.
"""

from reconciler.relay.envelope import Frame
from reconciler.relay.id_fields import CALL_ANSWERS, CALLS, COMMAND_ANSWERS, COMMANDS
from reconciler.relay.list_version import GET, SEND
from reconciler.relay.memory import SessionMemory
from reconciler.relay.transaction_ids import CARRIES_TRANSACTION_ID


def command(memory: SessionMemory, backend: str, frame: Frame) -> tuple[bytes, bool]:
    """Return a back-end's CALL payload for the station, and True where an id was chosen that must be kept first."""
    payload = bytes(frame.payload)
    if frame.signed:
        return payload, False
    version, action = memory.version, frame.action
    minted = False
    fields = COMMANDS[version].get(action)
    if fields is not None:
        payload, minted = memory.mapped.to_station(backend, fields, payload)
    if action == SEND:
        payload, minted = memory.list_version.to_station(version, backend, payload), True
    elif version == "ocpp1.6":
        payload = memory.ids.to_station(backend, action, payload)
    return payload, minted


def command_answer(memory: SessionMemory, backend: str, asked: Frame, sent: bytes, answer: Frame) -> bytes | None:
    """Return the station's CALLRESULT payload for the back-end that asked; `sent` is what the station was asked."""
    if answer.signed:
        return None
    version, action = memory.version, asked.action
    payload = bytes(answer.payload)
    fields = COMMAND_ANSWERS[version].get(action)
    if fields is not None:
        return memory.mapped.to_backend(backend, fields, payload)
    if action == GET:
        return memory.list_version.to_backend(version, backend, payload)
    if action == SEND:
        accepted = b'"Accepted"' in payload
        memory.list_version.answered(version, backend, bytes(asked.payload), sent, accepted=accepted)
    return None


def call(memory: SessionMemory, backend: str, frame: Frame, *, owner: bool) -> bytes | None:
    """Return a station's CALL payload for `backend`."""
    if frame.signed:
        return None
    fields = CALLS[memory.version].get(frame.action)
    payload: bytes | None = None
    if fields is not None:
        payload = memory.mapped.to_backend(backend, fields, bytes(frame.payload))
    if memory.version == "ocpp1.6" and frame.action in CARRIES_TRANSACTION_ID:
        payload = memory.ids.to_backend(backend, frame.action, payload or bytes(frame.payload), owner=owner)
    return payload


def call_answer(memory: SessionMemory, backend: str, action: str, payload: bytes) -> tuple[bytes, bool]:
    """Return a back-end's CALLRESULT payload for the station, and True where an id was chosen that must be kept."""
    fields = CALL_ANSWERS[memory.version].get(action)
    return (payload, False) if fields is None else memory.mapped.to_station(backend, fields, payload)

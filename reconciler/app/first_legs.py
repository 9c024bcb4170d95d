"""First legs: those that are dialled before a station's handshake is answered, because they decide on it.

A back-end with `credentials: passthrough` judges the station's own header (R13). An owner that was away when the
station was last sent off has to be back first (R11): so the station's socket re-opens with it.
"""

import asyncio
from typing import Final

from reconciler.app.csms_connection import CsmsConnection
from reconciler.app.legs import DialFailed, DialRequest, Refuse
from reconciler.app.ticket import Ticket
from reconciler.app.world import World
from reconciler.model.desired import LOCAL, DesiredLeg

ADOPT_WITHIN_S: Final = 15.0
"""A station that is not in by then never comes: its first legs are closed."""
_JUDGED: Final = (401, 403, 404)
_RETRY_AFTER_S: Final = 30


async def dial_first(ticket: Ticket, version: str, world: World) -> Refuse | None:
    """Dial the first legs into the ticket, in their order; return why the station may not come in, None where it may.

    Where it does not come in, for whatever reason, the legs that are open by then are closed.
    """
    slot = ticket.slot
    owner_away = slot.owner_away if slot.owner_away == slot.desired.owners["transactions"] else ""
    try:
        for leg in slot.desired.legs:
            if not _judges(leg) and leg.backend.name != owner_away:
                continue
            refused = await _dial(ticket, leg, version, world)
            if refused is not None:
                ticket.drop()
                return refused
    except BaseException:  # the station gave up waiting, mostly
        ticket.drop()
        raise
    slot.owner_away = ""
    if ticket.dialled:
        asyncio.get_running_loop().call_later(ADOPT_WITHIN_S, ticket.drop)
    return None


def _judges(leg: DesiredLeg) -> bool:
    return leg.credentials == "passthrough" and leg.backend.name != LOCAL


async def _dial(ticket: Ticket, leg: DesiredLeg, version: str, world: World) -> Refuse | None:
    charger, backend = ticket.slot.desired, leg.backend.name
    authorization = ticket.authorization if _judges(leg) else None
    request = DialRequest(charger.identity, leg, version, authorization, charger.name)
    connection = CsmsConnection(request, world.dialer, world.redial, lambda event: None)
    try:
        await connection.dial_first()
    except DialFailed as failed:
        if _judges(leg) and failed.status in _JUDGED:
            return Refuse(failed.status, f"{backend} refused the charging station")
        return Refuse(503, f"{backend} can't be reached: {failed.reason}", retry_after_s=_RETRY_AFTER_S)
    ticket.dialled[backend] = connection
    return None

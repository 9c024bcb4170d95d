"""Failovers: who stands in for an owner that is away, on one charger."""

from datetime import datetime
from typing import Literal

import msgspec


class Failover(msgspec.Struct, frozen=True):
    """On `charger`, `to` does what `backend` is to do, since `since`; `back` says whether it ends by itself."""

    charger: str
    backend: str
    to: str
    since: datetime
    back: Literal["auto", "manual"]

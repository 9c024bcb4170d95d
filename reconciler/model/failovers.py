"""Failovers: who stands in for an owner that is away, on one charger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Failover:
    """On `charger`, `to` does what `backend` is to do, since `since`; `back` says whether it ends by itself."""

    charger: str
    backend: str
    to: str
    since: datetime
    back: Literal["auto", "manual"]

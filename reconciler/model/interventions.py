"""Interventions: everything besides specs that changes who owns what for a while, as stored."""

import msgspec

from reconciler.model.failovers import Failover
from reconciler.model.outages import Adjustment, Outage
from reconciler.model.overrides import Override
from reconciler.model.rollouts import Hold, Pause


class Interventions(msgspec.Struct, frozen=True):
    """What was done by hand or by itself on top of the specs.

    `begun` are outages begun from the command line, `adjustments` what became of single openings of any outage;
    `failovers` are in force until they are ended. `holds` are chargers that an apply has not come to yet, `pauses`
    those in force.
    """

    overrides: tuple[Override, ...] = ()
    begun: tuple[Outage, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    failovers: tuple[Failover, ...] = ()
    holds: tuple[Hold, ...] = ()
    pauses: tuple[Pause, ...] = ()

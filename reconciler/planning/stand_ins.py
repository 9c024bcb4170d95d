"""Stand-ins checked: on each charger with a failover, whoever stands in must be able to for every owner."""

from collections.abc import Iterator

from reconciler.errors import InvalidSpecs
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.site import Site
from reconciler.planning.effective import with_roles
from reconciler.planning.failover import patience_with, stand_in_roles
from reconciler.planning.findings import error, several
from reconciler.planning.ownership import ownership_faults, version_faults


def stand_in_findings(site: Site) -> Iterator[Diagnostic]:
    """Yield an error for each binding whose `failover.to` can't do what an owner of its chargers does."""
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, charger in site.chargers.items():
        if charger.failover is not None:
            alike.setdefault((site.bound_by[name], charger.versions), []).append(name)
    for (address, versions), names in alike.items():
        charger = site.chargers[names[0]]
        if any(ownership_faults(charger.legs)) or any(version_faults(charger.legs, versions)):
            continue  # at fault itself, said already
        for owner in dict.fromkeys(charger.owners.values()):
            if patience_with(charger, owner) is None:
                continue
            try:
                with_roles(site, charger, stand_in_roles(charger, [owner]))
            except InvalidSpecs as reason:
                why = reason.diagnostics[0]
                summary = f"spec.failover.to: on {several(names)}, it can't stand in for {owner}: {why.summary}"
                yield error(site.resources[address], "spec.failover.to", summary, why.hint)

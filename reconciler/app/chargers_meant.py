"""Chargers as people name them: by name, by address or by glob."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from reconciler.errors import UnknownAddress
from reconciler.model.site import Site
from reconciler.planning.findings import did_you_mean


def chargers_meant(site: Site, patterns: Sequence[str]) -> list[str]:
    """Return the names of the chargers meant, sorted; `charger.cp001` is taken as `cp001`.

    Raises UnknownAddress for a pattern that means none.
    """
    names: set[str] = set()
    for pattern in patterns:
        glob = pattern.removeprefix("charger.")
        found = [name for name in site.chargers if fnmatchcase(name, glob)]
        if not found:
            hint = did_you_mean(glob, site.chargers, otherwise="fwdctl status lists all chargers")
            raise UnknownAddress(f"there is no charger {pattern}", hint=hint)
        names.update(found)
    return sorted(names)

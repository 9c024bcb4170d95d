"""The specs of depot a as they stand in a file: chargers CP-001, CP-002, ... between back-ends at these URLs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import yaml

from reconciler.model.documents import Document
from tests.support.specs import backend, binding, charger, document, profile

ONE_OWNS = ("partner", "grid")


def depot_specs(
    urls: Mapping[str, str],
    roles: Mapping[str, str],
    *,
    chargers: int = 1,
    versions: Sequence[str] = ("ocpp1.6",),
    backends: Mapping[str, Any] | None = None,
    besides: Sequence[Document] = (),
    **bound: Any,
) -> str:
    """Return the YAML: back-ends by name at `urls`, each as `backends` says besides, with a role each.

    `bound` are further fields of the binding backend-binding.depot-a, `besides` further documents.
    """
    site = [
        profile(),
        *(backend(name, url, versions=[*versions], **(backends or {})) for name, url in urls.items()),
        *besides,
        *(
            charger(f"cp{number:03}", identity=f"CP-{number:03}", versions=[*versions])
            for number in range(1, chargers + 1)
        ),
        binding("depot-a", roles, chargers={"labels": {"site": "a"}}, **bound),
    ]
    return as_yaml(*site)


def depot_with_contacts(partner: str, hook: str) -> str:
    """Return the YAML of a depot of partner's, whose people read mail and whose systems take posts at `hook`.

    `local` stands in for partner where that is away for a second.
    """
    contacts = [{"email": "noc@partner.example"}, {"webhook": {"url": hook}}]
    return depot_specs(
        {"partner": partner},
        {"partner": "primary"},
        backends={"contacts": contacts, "health": {"downAfter": "1s", "upAfter": "1s"}},
        whenOwnerIsDown="failover",
        failover={"to": "local", "after": "1s"},
    )


def two_depots(roles: Mapping[str, str] | None = None) -> str:
    """Return the YAML of two depots: cp1 (serial number SN-1) at site a, cp9 (SN-9) at b; partner is primary."""
    return as_yaml(
        profile(),
        backend("partner"),
        charger("cp1", serialNumber="SN-1"),
        charger("cp9", {"site": "b"}, serialNumber="SN-9"),
        binding("all", roles, chargers={"names": ["*"]}),
    )


def outage_specs(opening: datetime, duration: str, *, to: str = "local") -> str:
    """Return what is added to a file for an outage of partner's chargers, which go to `to` meanwhile."""
    outage = document(
        "ScheduledOutage",
        "firmware",
        chargers={"labels": {"site": "a"}},
        window={"start": f"{opening:%Y-%m-%dT%H:%M:%SZ}", "duration": duration},
        roles={"partner": "passive", to: "primary"},
        notice={"before": ["1h"], "to": ["partner"]},
        reason="quarterly firmware",
    )
    return f"---\n{as_yaml(outage)}"


def as_yaml(*documents: Document) -> str:
    """Return documents as a file has them."""
    return yaml.safe_dump_all([document.content for document in documents], sort_keys=False)


def one_owns(owner: str) -> dict[str, str]:
    """Return the roles of partner and grid where one of them is primary and the other off."""
    return {name: "primary" if name == owner else "off" for name in ONE_OWNS}

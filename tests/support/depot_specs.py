"""The specs of depot a as they stand in a file: chargers CP-001, CP-002, ... between back-ends at these URLs."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from reconciler.model.documents import Document
from tests.support.specs import backend, binding, charger, profile

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


def as_yaml(*documents: Document) -> str:
    """Return documents as a file has them."""
    return yaml.safe_dump_all([document.content for document in documents], sort_keys=False)


def one_owns(owner: str) -> dict[str, str]:
    """Return the roles of partner and grid where one of them is primary and the other off."""
    return {name: "primary" if name == owner else "off" for name in ONE_OWNS}

"""The published schemas are fresh, and accept and refuse what the models do."""

import json
from typing import Any

import jsonschema_rs
import pytest

from reconciler.model.addresses import KINDS
from reconciler.model.documents import Document
from reconciler.planning.documents import read_resources
from tests.golden import ROOT, golden_files
from tests.support.sites import EVERY_KIND, SMALL, documents


@pytest.mark.parametrize("path", [path for path in golden_files() if path.startswith("specs/")])
def test_the_schema_in_the_repository_is_the_one_that_the_code_makes(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == golden_files()[path], "run: make golden"


def published(name: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(json.loads((ROOT / "specs" / name).read_text(encoding="utf-8")))


SITE = published("site.schema.json")
OF_KIND = {kind: published(f"{address}.schema.json") for kind, address in KINDS.items()}
VALID = [dict(document.content) for text in (EVERY_KIND, SMALL) for document in documents(text)[0]]


def verdicts(content: dict[str, Any]) -> tuple[bool, bool, bool]:
    """Whether the site's schema, the kind's schema and the models accept `content`."""
    kind = OF_KIND.get(content["kind"], SITE)
    return SITE.is_valid(content), kind.is_valid(content), not read_resources([Document(content)])[1]


@pytest.mark.parametrize("content", VALID, ids=lambda content: f"{content['kind']}-{content['metadata']['name']}")
def test_what_the_models_accept_the_schemas_accept(content: dict[str, Any]) -> None:
    assert verdicts(content) == (True, True, True)


def of_kind(kind: str) -> dict[str, Any]:
    found = next(content for content in VALID if content["kind"] == kind)
    copy: dict[str, Any] = json.loads(json.dumps(found))
    return copy


WRONG = [
    ("Charger", "spec.identiy", "CP"),
    ("Charger", "spec.identity", "CP:1"),
    ("Charger", "spec.identity", "a/b"),
    ("Charger", "spec.serialNumber", 5),
    ("Charger", "spec.versions", []),
    ("Charger", "spec.versions", ["1.6"]),
    ("Charger", "spec.versions", ["ocpp1.6", "ocpp1.6"]),
    ("Charger", "spec.quirks.pingInterval", "60"),
    ("Charger", "spec.quirks.compression", False),
    ("Charger", "metadata.name", "CP001"),
    ("Charger", "metadata.labels", {"a=b": "c"}),
    ("Charger", "metadata.labels", {"a": 1}),
    ("Charger", "metadata.label", {}),
    ("Charger", "apiVersion", "fwdctl/v2"),
    ("Charger", "kind", "Chargr"),
    ("Charger", "status", {}),
    ("SplitSystem", "spec.dispensers", []),
    ("SecurityProfile", "spec.profile", "2"),
    ("SecurityProfile", "spec.profile", 4),
    ("SecurityProfile", "spec.minTlsVersion", 1.2),
    ("SecurityProfile", "spec.password", "hunter2"),
    ("SecurityProfile", "spec.password", {"fromEnv": "PATH"}),
    ("SecurityProfile", "spec.password", {"fromFile": "/etc/passwd"}),
    ("SecurityProfile", "spec.password", {"fromFile": "a/../../b"}),
    ("SecurityProfile", "spec.password", {"fromFile": "a", "fromEnv": "FWDCTL_SECRET_A"}),
    ("SecurityProfile", "spec.password", {}),
    ("Backend", "spec.url", "https://example.com"),
    ("Backend", "spec.local", {}),
    ("Backend", "metadata.name", "local"),
    ("Backend", "spec.callTimeout", "0s"),
    ("Backend", "spec.halfDuplex", "yes"),
    ("Backend", "spec.contacts", [{}]),
    ("Backend", "spec.health", None),
    ("Role", "spec.owns", ["metring"]),
    ("Role", "metadata.name", "primary"),
    ("BackendBinding", "spec.backends", []),
    ("BackendBinding", "spec.whenOwnerIsDown", "fail"),
    ("BackendBinding", "spec.chargers", {"labels": {}}),
    ("BackendBinding", "spec.chargers", {"labels": {"a": "b"}, "names": ["a"]}),
    ("BackendBinding", "spec.failover", {"after": "5s"}),
    ("ScheduledOutage", "spec.window", {"duration": "2h", "timeZone": "UTC"}),
    ("ScheduledOutage", "spec.window", {"start": "tomorrow", "duration": "2h", "timeZone": "UTC"}),
    ("ScheduledOutage", "spec.roles", {}),
    ("ScheduledOutage", "spec.roles", {"Partner": "passive"}),
    ("ChangeWindow", "spec.action", "block"),
    ("NotificationRule", "spec.on", ["flop"]),
    ("NotificationRule", "spec.to", []),
    ("LoadPolicy", "spec.limitKw", 0),
    ("LoadPolicy", "spec.limitKw", "300"),
]


@pytest.mark.parametrize(
    ("kind", "path", "value"), WRONG, ids=[f"{kind}-{path}-{value}" for kind, path, value in WRONG]
)
def test_what_the_models_refuse_the_schemas_refuse(kind: str, path: str, value: object) -> None:
    content = of_kind(kind)
    *parents, field = path.split(".")
    target = content
    for parent in parents:
        target = target.setdefault(parent, {})
    target[field] = value
    assert verdicts(content) == (False, False, False)


@pytest.mark.parametrize("field", ["apiVersion", "kind", "metadata", "spec"])
def test_a_document_needs_all_four_fields(field: str) -> None:
    content = of_kind("Charger")
    del content[field]
    assert not SITE.is_valid(content)
    assert not OF_KIND["Charger"].is_valid(content)
    assert read_resources([Document(content)])[1]

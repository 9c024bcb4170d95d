"""`fwdctl op` on many chargers at once: begun, followed charger by charger, and told in the end."""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.adapters.api_client import ApiClient, Json
from reconciler.cli.output import print_json, say
from reconciler.errors import AppliedInPart, FwdctlError, OwnedElsewhere

WAIT_S: Final = 10.0


def labels_of(given: list[str]) -> dict[str, str]:
    """Return the labels that "site=a" writes; raises FwdctlError for what is none."""
    pairs = [text.partition("=") for text in given]
    for text, (key, found, _) in zip(given, pairs, strict=True):
        if not found or not key:
            raise FwdctlError(f"--select {text}: write it as LABEL=VALUE")
    return {key: value for key, _, value in pairs}


def run_bulk(api: ApiClient, body: Mapping[str, Any], *, json_output: bool) -> None:
    """Begin a bulk operation, follow it to its end and tell it; raises where any charger failed."""
    begun = api.start_bulk(body)
    say(f"{body['operation']} on {len(begun['chargers'])} chargers")
    members: list[Json] = []
    while True:
        found = api.bulk(begun["id"], wait_s=WAIT_S, seen=len(members))
        members += found["members"]
        for member in found["members"]:
            say(f"  {member['charger']}: {member['state']}{_why(member)}")
        if found["done"] and len(members) == len(found["chargers"]):
            break
    if json_output:
        print_json({**found, "members": members})
    if found["exit_code"]:
        kind = OwnedElsewhere if found["exit_code"] == OwnedElsewhere.exit_code else AppliedInPart
        skipped = sum(member["state"] == "skipped" for member in members)
        after = f", {skipped} skipped" if skipped else ""
        raise kind(
            f"{body['operation']} did not succeed on {found['failures']} of {len(members)} chargers{after}",
            hint="--max-failures N goes on; what was done: fwdctl history --kind operation",
        )


def _why(member: Json) -> str:
    return f", {member['problem']}" if member["problem"] else ""

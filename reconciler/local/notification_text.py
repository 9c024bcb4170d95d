"""The words of a notification: what the person on duty reads, on a phone, at night."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model.local_rules import RELAY_CERTIFICATE, RELAY_SECURITY
from reconciler.model.notifications import Edge, Notification

_BEGUN: Final = {
    "charger-offline": "{} is offline",
    "connector-faulted": "{} has a faulted connector",
    "backend-down": "{} is away",
    "load-exceeded": "{} can't be kept",
    "flip": "{} changed hands",
    "security-event": "{} reports a security event",
    "firmware-failed": "{} could not update its firmware",
    "certificate-expires": "{} expires",
    "relay-security-event": "{} noticed a security event",
    "relay-certificate-expires": "{} expires",
}
_OVER: Final = {
    "charger-offline": "{} is online again",
    "connector-faulted": "{} has no faulted connector any more",
    "backend-down": "{} is back",
    "load-exceeded": "{} is kept again",
}
_NAMES_OVER: Final[Mapping[str, str]] = {
    "charger-offline": "charger-online",
    "connector-faulted": "connector-recovered",
    "backend-down": "backend-up",
    "load-exceeded": "load-kept",
}
DIGEST_MAX: Final = 100
"""Lines of a digest; the rest is counted."""


def sentence(event: str, edge: Edge, about: str, detail: str) -> str:
    """Return what happened in one line: "cp001 has a faulted connector: 1, GroundFailure"."""
    words = (_OVER if edge is Edge.OVER else _BEGUN).get(event, f"{{}}: {event}")
    return words.format(about) + (f": {detail}" if detail else "")


def digest(rule: str, held: Sequence[Notification]) -> str:
    """Return the summary of a digest: how many, then a line for each."""
    lines = [f"{told.at:%H:%M:%S} {told.summary}" for told in held[:DIGEST_MAX]]
    if len(held) > DIGEST_MAX:
        lines.append(f"and {len(held) - DIGEST_MAX} more")
    return "\n".join([f"{len(held)} more by {rule}", *lines])


def subject(told: Notification) -> str:
    """Return the subject line."""
    return told.summary.partition("\n")[0]


def body(told: Notification, contact: str) -> str:
    """Return the text: what, when, by which rule, how to look closer, and whom to ask (`contact`, "" for nobody)."""
    first, *held = told.summary.split("\n")
    lines = [f"{first}.", ""]
    if told.edge is Edge.DIGEST:
        lines += ["More came at once than the rule sends in an hour; these were held back (times in UTC):", "", *held]
    else:
        lines.append(f"When:    {told.at:%Y-%m-%d %H:%M:%S} UTC")
    if told.charger:
        lines.append(f"Look:    fwdctl status charger.{told.charger}")
    if told.event == RELAY_SECURITY:
        lines.append("Look:    fwdctl history --kind security-event")
    if told.event == RELAY_CERTIFICATE:
        lines.append("Then:    put the new certificate in its place; SIGHUP has the server read it")
    lines += [f"Rule:    notification-rule.{told.rule}", *([f"Contact: {contact}"] if contact else [])]
    return "\n".join(lines) + "\n"


def event_name(told: Notification) -> str:
    """Return what happened, as machines read it: "charger-online" where "charger-offline" is over."""
    if told.edge is Edge.DIGEST:
        return "digest"
    return _NAMES_OVER.get(told.event, told.event) if told.edge is Edge.OVER else told.event

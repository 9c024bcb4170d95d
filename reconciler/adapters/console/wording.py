"""How the console says things: features in groups that people know, states and events in plain words."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model.desired import LOCAL
from reconciler.model.features import FEATURES
from reconciler.model.live import LegPhase
from reconciler.planning.drift import State

FEATURE_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Drivers and payment": ("authorization", "local-auth-list", "transactions", "tariff-and-cost", "reservation"),
    "Remote control": ("remote-control", "availability"),
    "Energy": ("metering", "smart-charging", "bidirectional-power", "der-control", "battery-swap"),
    "Service": ("provisioning", "firmware", "diagnostics", "security", "certificates"),
    "Screen and vendor messages": ("display", "data-transfer"),
}
"""Every feature is in one group."""

STATE_WORDS: Final[Mapping[State, str]] = {
    State.IN_SYNC: "as applied",
    State.PENDING: "changing",
    State.REFUSED: "change refused",
    State.DRIFTED: "drifted",
    State.OFFLINE: "offline",
}

PHASE_WORDS: Final[Mapping[LegPhase, str]] = {
    LegPhase.DIALLING: "connecting",
    LegPhase.CONNECTED: "connected, waits for the charger's boot",
    LegPhase.REGISTERING: "registering",
    LegPhase.UNANSWERED: "does not answer the charger's boot",
    LegPhase.PENDING: "answered “pending”",
    LegPhase.REJECTED: "rejected the charger",
    LegPhase.REGISTERED: "registered",
    LegPhase.DOWN: "no connection",
}

EVENT_WORDS: Final[Mapping[str, str]] = {
    "apply": "Specs applied",
    "flip": "Owner changed",
    "flip-refused": "Change refused",
    "toggle": "Taken over",
    "toggle-extended": "Toggle extended",
    "toggle-ended": "Handed back",
    "station-connected": "Charger connected",
    "station-gone": "Charger left",
    "serial-mismatch": "Wrong serial number",
    "leg-up": "Back-end connected",
    "leg-down": "Back-end lost",
    "drift-healed": "Drift put right",
    "outage-begun": "Outage begun",
    "outage-cancelled": "Outage ended or cancelled",
    "outage-extended": "Outage extended",
    "failover": "Stand-in took over",
    "failover-ended": "Stand-in gave back",
    "notice": "Partner told",
    "notice-failed": "Partner not reached",
    "operation": "Work",
    "api-call": "API call",
    "token-created": "Token given",
    "token-revoked": "Token taken back",
}


def event_word(kind: str) -> str:
    """Return the name of a kind of event; one that has none yet is named by its kind."""
    return EVENT_WORDS.get(kind) or kind.replace("-", " ").capitalize()


def owner_word(backend: str) -> str:
    """Return what a back-end is called in a sentence."""
    return "the local back-end" if backend == LOCAL else backend


def main_owner(owners: Mapping[str, str]) -> str:
    """Return who owns the most features, "" where nobody owns any."""
    names = list(owners.values())
    return max(dict.fromkeys(names), key=names.count, default="")


def by_owner(owners: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (owner, what of) for each owner, who owns the most first: "everything", "everything else", or features."""
    owned: dict[str, list[str]] = {}
    for feature in FEATURES:
        if feature in owners:
            owned.setdefault(owners[feature], []).append(feature)
    ranked = sorted(owned.items(), key=lambda found: -len(found[1]))
    return [
        (owner, ("everything else" if len(ranked) > 1 else "everything") if not rank else feature_list(features))
        for rank, (owner, features) in enumerate(ranked)
    ]


def by_group(owners: Mapping[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return for each group of features its owners: (owner, "" where all of the group is theirs, else which)."""
    found = []
    for group, features in FEATURE_GROUPS.items():
        mine: dict[str, list[str]] = {}
        for feature in features:
            if feature in owners:
                mine.setdefault(owners[feature], []).append(feature)
        if mine:
            one = len(mine) == 1
            found.append((group, [(owner, "" if one else feature_list(some)) for owner, some in mine.items()]))
    return found


def features_word(features: Sequence[str]) -> str:
    """Return features, short where it is all of them or all but a few: "everything but smart charging"."""
    missing = [feature for feature in FEATURES if feature not in features]
    if not missing:
        return "everything"
    return f"everything but {feature_list(missing)}" if len(missing) <= 3 else feature_list(features)


def feature_list(features: Sequence[str]) -> str:
    """Return features as a person would list them: "smart charging, metering and firmware"."""
    words = [feature.replace("-", " ") for feature in features]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


_UNITS: Final = {"s": "seconds", "kw": "kW", "w": "W", "a": "A"}


def words_of(name: str) -> str:
    """Return the name of a parameter or a result as a person would write it: "within_s" is "Within (seconds)"."""
    first, *rest = name.replace("-", "_").split("_")
    if rest and rest[-1] in _UNITS:
        return f"{' '.join([first, *rest[:-1]]).capitalize()} ({_UNITS[rest[-1]]})"
    return " ".join([first, *rest]).capitalize()


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: "2 h 5 min", "3 d 4 h", "40 s"."""
    whole = int(max(0.0, seconds))
    units = [("d", whole // 86400), ("h", whole // 3600 % 24), ("min", whole // 60 % 60), ("s", whole % 60)]
    first = next((index for index, (_, amount) in enumerate(units) if amount), 3)
    told = [f"{amount} {unit}" for unit, amount in units[first : first + 2] if amount]
    return " ".join(told) or "0 s"


def value_text(value: object) -> str:
    """Return a parameter or a result on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {value_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "–" if value is None or value == "" else str(value)

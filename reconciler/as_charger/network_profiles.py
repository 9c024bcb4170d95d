"""Network profiles of OCPP 2.x on a leg: SetNetworkProfile, and the Reset that makes them count (B09, B10, A05).

The host is the spec's: a back-end that could name another would have the relay dial inside the operator's network.
Scheme, port and path may change, as profiles with TLS often have a port of their own. The security profile goes up
only, or from 3 to 2 where the spec allows it. The Reset reaches no station: the relay's connection begins anew, and
what charges goes on charging. Slot 1 holds what the spec says until the back-end puts something else there.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from reconciler.as_charger.asked import Asked, Decision, rejected
from reconciler.as_charger.passwords import readings
from reconciler.as_charger.settings import TLS_PROFILES, LegSettings
from reconciler.model.desired import DECLARED_SLOT

SLOTS_MAX: Final = 8
URL_MAX: Final = 2000


def set_network_profile(asked: Asked) -> Decision:
    """Decide on SetNetworkProfileRequest."""
    slot, data = asked.payload.get("configurationSlot"), asked.payload.get("connectionData")
    if not isinstance(slot, int) or isinstance(slot, bool) or not isinstance(data, Mapping):
        return rejected()
    networks = {**asked.settings.networks, str(slot): dict(data)}
    if len(networks) > SLOTS_MAX or not _is_acceptable(asked, data):
        return rejected()
    return Decision({"status": "Accepted"}, (replace(asked.settings, networks=networks),))


def _is_acceptable(asked: Asked, data: Mapping[str, Any]) -> bool:
    profile, url, password = data.get("securityProfile"), data.get("ocppCsmsUrl"), data.get("basicAuthPassword")
    if not isinstance(profile, int) or isinstance(profile, bool) or not 0 <= profile <= 3 or not isinstance(url, str):
        return False
    if password is not None and not readings(asked.version, password):
        return False
    mine = data.get("identity") in (None, asked.identity) and data.get("ocppTransport", "JSON") == "JSON"
    return (
        mine
        and _may_step(asked, profile)
        and asked.may_have(profile, password=password is not None)
        and _is_our_host(asked, url, profile)
    )


def _may_step(asked: Asked, profile: int) -> bool:
    if profile >= asked.profile:
        return True
    return (asked.profile, profile) == (3, 2) and asked.declared.security.allow_downgrade_from == 3


def _is_our_host(asked: Asked, url: str, profile: int) -> bool:
    scheme = "wss" if profile in TLS_PROFILES else "ws"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    ours = {urlsplit(known).hostname for known in (asked.declared.url, asked.declared.tls_url) if known}
    plain = parts.username is None and not parts.query and not parts.fragment and len(url) <= URL_MAX
    return parts.scheme == scheme and parts.hostname in ours and plain and url.isprintable()


def reset(asked: Asked) -> Decision | None:
    """Decide on a Reset while a new priority waits for it: its slots are tried in their order."""
    if not asked.settings.restart_due:
        return None
    found = [_candidate(asked, slot) for slot in asked.settings.priority]
    candidates = tuple(candidate for candidate in found if candidate is not None)
    return Decision({"status": "Accepted"}, candidates, reconnect=True) if candidates else rejected()


def _candidate(asked: Asked, slot: int) -> LegSettings | None:
    """Return the settings that a slot leads to, None where they may not be."""
    data, settings = asked.settings.networks.get(str(slot)), asked.settings
    if data is not None:
        return _with(asked, data) if _is_acceptable(asked, data) else None
    if slot != DECLARED_SLOT or not _may_step(asked, asked.declared.security.profile):
        return None
    return replace(settings, profile=None, url=None, restart_due=False)


def _with(asked: Asked, data: Mapping[str, Any]) -> LegSettings:
    """Return the settings of a slot; profiles below its own are gone once it works (A05.FR.06)."""
    profile = data["securityProfile"]
    networks = {slot: other for slot, other in asked.settings.networks.items() if other["securityProfile"] >= profile}
    passwords = readings(asked.version, data.get("basicAuthPassword")) or (asked.settings.password,)
    slots = {*networks, *([str(DECLARED_SLOT)] if asked.declared.security.profile >= profile else [])}
    left = tuple(slot for slot in asked.settings.priority if str(slot) in slots)
    return replace(
        asked.settings,
        profile=profile,
        url=data["ocppCsmsUrl"],
        password=passwords[0],
        networks=networks,
        priority=left,
        restart_due=False,
    )

"""Plan seal: a saved plan is applied only as a server with the same key made it, whoever had the file meanwhile.

The seal is an HMAC over the plan's canonical JSON, under a key derived from the server's own. It holds no secret: it
can be shown, stored and sent.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.errors import StalePlan
from reconciler.model.plan import Plan
from reconciler.model.plan_json import from_json, to_json

SEAL: Final = "seal"


class PlanSeal:
    """Seals plans and opens sealed ones. Servers that share a database are to share the key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.new(key, b"plan seal", hashlib.sha256).digest()
        self.broken: Callable[[str], None] = lambda why: None
        """Hears of each plan that was given as sealed and is not as it was; never of what is in it."""
        self._key_id = hashlib.sha256(b"key id\0" + self._key).hexdigest()[:8]

    def sealed(self, plan: Plan) -> dict[str, Any]:
        """Return the plan as JSON data with its seal: {key, hmac}."""
        document = to_json(plan)
        return {**document, SEAL: {"key": self._key_id, "hmac": self._hmac(document)}}

    def opened(self, document: Mapping[str, Any]) -> Plan:
        """Return a sealed plan.

        Raises StalePlan where it has no seal, where the seal is of another key, or where anything was changed since
        it was sealed; FwdctlError where it is no plan at all.
        """
        plan = from_json(document)
        seal = document.get(SEAL)
        if not isinstance(seal, Mapping):
            self.broken("a plan without a seal")
            raise StalePlan(
                "the plan has no seal: it was not made by a server", hint="make it anew: fwdctl plan --out FILE"
            )
        if seal.get("key") != self._key_id:
            self.broken(f"a plan sealed with another key: {str(seal.get('key'))[:8]}")
            raise StalePlan(
                f"the plan was sealed by another server (key {seal.get('key')}, this one has {self._key_id})",
                hint="make it anew here: fwdctl plan --out FILE; or give all servers the same --encryption-key-file",
            )
        rest = {name: value for name, value in document.items() if name != SEAL}
        if not hmac.compare_digest(str(seal.get("hmac")), self._hmac(rest)):
            self.broken(f"plan {plan.plan_id} was changed after it was made")
            raise StalePlan(
                "the plan was changed after it was made: its seal does not fit",
                hint="make it anew, and change specs, not plans: fwdctl plan --out FILE",
            )
        return plan

    def _hmac(self, document: Mapping[str, Any]) -> str:
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        return hmac.new(self._key, canonical, hashlib.sha256).hexdigest()

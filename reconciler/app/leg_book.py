"""The leg book: what back-ends have set on their legs, in memory as it is used and in the store encrypted."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.app.ports import Log, Secrets
from reconciler.app.sealing import LegStore, SealedLeg, Sealer
from reconciler.as_charger.settings import CERTIFICATE, NEW_ROOT, PASSWORD, TRUST, LegSettings
from reconciler.as_charger.trial import Trial
from reconciler.errors import FwdctlError, NoEncryptionKey, SecretUnavailable, Unsealable
from reconciler.model.desired import SecretRef

_VALUES: Final[dict[str, Callable[[LegSettings], bytes | None]]] = {
    PASSWORD: lambda settings: settings.password,
    CERTIFICATE: lambda settings: settings.certificate,
    "key": lambda settings: settings.private_key,
    TRUST: lambda settings: settings.roots,
    NEW_ROOT: lambda settings: settings.new_root,
}


class KeptLeg(msgspec.Struct, frozen=True):
    """One leg: `settings` worked last; `trial` is under way where a back-end has changed something since."""

    settings: LegSettings
    changed_at: datetime
    trial: Trial | None = None

    @property
    def current(self) -> LegSettings:
        """Return what the leg is dialled with now."""
        return self.settings if self.trial is None else self.trial.current


class LegBook:
    """Every leg whose back-end has changed it. Implements `Secrets` for references of the source `kept`.

    With a `shared` store other nodes write, too: a leg is read again before it is dialled.
    """

    def __init__(
        self, store: LegStore, sealer: Sealer | None, secrets: Secrets, log: Log, *, shared: bool = False
    ) -> None:
        self._shared = shared
        self._rows: dict[tuple[str, str], bytes] = {}
        """Each leg's row as it was last read or written here."""
        self._store = store
        self._sealer = sealer
        self._secrets = secrets
        self._log = log
        self._legs: dict[tuple[str, str], KeptLeg] = {}

    async def load(self) -> None:
        """Read what is stored, and encrypt anew what an older key has encrypted.

        Raises Unsealable where something can't be opened: without it legs would be dialled with credentials that
        their back-ends have replaced.
        """
        stored = await self._store.sealed_legs()
        if stored and self._sealer is None:
            raise Unsealable(
                f"the store holds credentials of {len(stored)} legs, and this server has no key for them",
                hint="give it the key that they were encrypted with: --encryption-key-file FILE",
            )
        for leg in stored:
            self._take(leg)
        sealer = self._sealer
        old = [leg for leg in stored if sealer is not None and sealer.is_old(leg.sealed)]
        if old:
            await self._write([(leg.charger, leg.backend) for leg in old])
            self._log("encrypted-anew", legs=len(old))

    async def refresh(self, charger: str, backend: str) -> None:
        """Learn what another node has kept of a leg; where that can't be read, what is known here goes on."""
        if not self._shared or self._sealer is None:
            return
        try:
            row = await self._store.sealed_leg(charger, backend)
            if row is not None and row.sealed != self._rows.get((charger, backend)):
                self._take(row)
        except FwdctlError as error:
            self._log("leg-not-read", charger=charger, backend=backend, reason=error.summary)

    def get(self, charger: str, backend: str) -> KeptLeg | None:
        """Return what is kept of a leg, None where its back-end never changed it."""
        return self._legs.get((charger, backend))

    def legs(self) -> Iterator[tuple[tuple[str, str], KeptLeg]]:
        """Yield charger and back-end of every leg that its back-end has changed, and what is kept of it."""
        yield from tuple(self._legs.items())

    def fingerprint(self, value: bytes) -> str:
        """Return a mark of a secret that people may see; "" where the server has no key."""
        return "" if self._sealer is None else self._sealer.fingerprint(value)

    def check_ready(self) -> None:
        """Raise NoEncryptionKey where nothing can be kept."""
        if self._sealer is None:
            raise NoEncryptionKey(
                "a back-end's change can't be kept: this server has no encryption key",
                hint="openssl rand -base64 32 > KEY; chmod 600 KEY; serve --encryption-key-file KEY on every node",
            )

    def turn(self, charger: str, backend: str, trial: Trial) -> None:
        """Note how far a trial is; not stored: after a restart it begins anew."""
        self._legs[charger, backend] = replace(self._legs[charger, backend], trial=trial)

    async def keep(self, charger: str, backend: str, kept: KeptLeg) -> None:
        """Store a leg, then let it count; raises NoEncryptionKey, and FwdctlError where the store is away."""
        self.check_ready()
        before = self._legs.get((charger, backend))
        self._legs[charger, backend] = kept
        try:
            await self._write([(charger, backend)])
        except BaseException:
            if before is None:
                del self._legs[charger, backend]
            else:
                self._legs[charger, backend] = before
            raise

    def settle(self, charger: str, backend: str, kept: KeptLeg) -> None:
        """Let a leg's settings count now; `write` is to follow."""
        self._legs[charger, backend] = kept

    async def write(self, charger: str, backend: str) -> None:
        """Store a leg as it counts; what can't be stored is found out again after a restart."""
        try:
            await self._write([(charger, backend)])
        except FwdctlError as error:
            self._log("store-unavailable", reason=error.summary)

    # -- Secrets -----------------------------------------------------------------------------------------------

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return a secret: one that a back-end has set, else the server's own; raises SecretUnavailable."""
        if ref.source != "kept":
            return self._secrets.resolve(ref, identity)
        charger, backend, part = ref.name.split("/")
        kept = self._legs.get((charger, backend))
        value = None if kept is None else _VALUES[part](kept.current)
        if value is None:
            raise SecretUnavailable(f"{backend} has set no {part} for {charger}")
        return value

    # -- at rest -----------------------------------------------------------------------------------------------

    async def _write(self, names: Sequence[tuple[str, str]]) -> None:
        rows = [self._sealed(name) for name in names]
        await self._store.put_sealed_legs(rows)
        self._rows |= {(row.charger, row.backend): row.sealed for row in rows}

    def _take(self, row: SealedLeg) -> None:
        self._legs[row.charger, row.backend] = self._opened(row)
        self._rows[row.charger, row.backend] = row.sealed

    def _sealed(self, name: tuple[str, str]) -> SealedLeg:
        assert self._sealer is not None
        kept = self._legs[name]
        trial = None if kept.trial is None else kept.trial.snapshot()
        plain = json.dumps({"settings": kept.settings.snapshot(), "trial": trial}).encode()
        return SealedLeg(*name, self._sealer.seal(plain, _about(*name)), kept.changed_at)

    def _opened(self, leg: SealedLeg) -> KeptLeg:
        assert self._sealer is not None
        written = json.loads(self._sealer.unseal(leg.sealed, _about(leg.charger, leg.backend)))
        trial = None if written["trial"] is None else Trial.restored(written["trial"])
        return KeptLeg(LegSettings.restored(written["settings"]), leg.changed_at, trial)


def _about(charger: str, backend: str) -> str:
    return f"leg/{charger}/{backend}"

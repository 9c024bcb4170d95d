"""The Store port on SQL, put together from its sections."""

from pathlib import Path

from reconciler.adapters.store.access_tokens import KeptTokens
from reconciler.adapters.store.engine import Database
from reconciler.adapters.store.errands import ErrandsOfStore
from reconciler.adapters.store.forgetting import Forgetting
from reconciler.adapters.store.history import History
from reconciler.adapters.store.kept_calls import KeptCalls
from reconciler.adapters.store.local_rules import LocalRules
from reconciler.adapters.store.location import Location, PostgresDatabase, locate
from reconciler.adapters.store.lock import ApplyLock
from reconciler.adapters.store.memories import Memories
from reconciler.adapters.store.migrate import migrate
from reconciler.adapters.store.notices import Notices
from reconciler.adapters.store.operations import KeptOperations
from reconciler.adapters.store.outages import Outages
from reconciler.adapters.store.overrides import Overrides
from reconciler.adapters.store.pauses import Pauses
from reconciler.adapters.store.relay_rows import RelayRowsOfStore
from reconciler.adapters.store.resources import Resources
from reconciler.adapters.store.retained import RetainedRevisions
from reconciler.adapters.store.rollouts import Rollouts
from reconciler.adapters.store.sealed_legs import SealedLegs
from reconciler.adapters.store.strangers import Strangers


class SqlStore(
    Resources,
    Rollouts,
    Overrides,
    Pauses,
    Outages,
    Notices,
    LocalRules,
    History,
    ApplyLock,
    Memories,
    KeptCalls,
    KeptTokens,
    KeptOperations,
    SealedLegs,
    Strangers,
    RelayRowsOfStore,
    ErrandsOfStore,
    RetainedRevisions,
    Forgetting,
):
    """Everything durable, in one SQL database."""

    @property
    def shared(self) -> bool:
        """Return True where other nodes can use this database too."""
        return isinstance(self._database.location, PostgresDatabase)

    @property
    def location(self) -> Location:
        """Return where it is; other nodes can share a PostgreSQL one."""
        return self._database.location

    async def close(self) -> None:
        """Release connections; harmless when repeated."""
        await self._database.close()


async def open_store(url: str | None, data_dir: Path) -> SqlStore:
    """Return the store at `url`, or in a SQLite file in `data_dir` where that is None, migrated to this version.

    `url` is postgresql://... or sqlite:///path. Raises FwdctlError where the database can't be reached, read or
    written, or where a newer fwdctl has written it; no message holds a password.
    """
    database = await Database.open(locate(url, data_dir))
    try:
        await migrate(database)
    except BaseException:
        await database.close()
        raise
    return SqlStore(database)

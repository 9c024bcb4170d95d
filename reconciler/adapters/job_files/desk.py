"""The desk: which job may fetch or leave which file, under URLs that nobody can guess and that die with the job."""

from collections.abc import Callable
from urllib.parse import quote

import msgspec

from reconciler.adapters.job_files.shelf import Shelf
from reconciler.adapters.job_files.uploads import KeptUploads
from reconciler.app.job_files import Upload

FETCH = "f"
LEAVE = "u"


class Fetching(msgspec.Struct, frozen=True):
    """A job whose station fetches a file."""

    job: str
    name: str
    fetched: Callable[[], None]


class Leaving(msgspec.Struct, frozen=True):
    """A job whose station leaves a file."""

    job: str
    charger: str
    received: Callable[[Upload], None]


class FileDesk:
    """Implements `JobFiles`.

    Args:
        url: where stations reach the exchange, without a slash at its end; "" where they can't.
        new_token: 192 random bits or more, safe in a URL.
    """

    def __init__(self, shelf: Shelf, kept: KeptUploads, url: str, new_token: Callable[[], str]) -> None:
        self.shelf = shelf
        self.kept = kept
        self.url = url
        self._new_token = new_token
        self._jobs: dict[str, Fetching | Leaving] = {}

    @property
    def is_open(self) -> bool:
        """See JobFiles."""
        return bool(self.url)

    def serve(self, job: str, name: str, fetched: Callable[[], None]) -> str:
        """See JobFiles."""
        return f"{self._put(FETCH, Fetching(job, name, fetched))}/{quote(name)}"

    def receive(self, job: str, charger: str, received: Callable[[Upload], None]) -> str:
        """See JobFiles."""
        return self._put(LEAVE, Leaving(job, charger, received))

    def close(self, job: str) -> None:
        """See JobFiles."""
        for token in [token for token, open_ in self._jobs.items() if open_.job == job]:
            del self._jobs[token]

    def fetching(self, token: str, name: str) -> Fetching | None:
        """Return the job that may fetch `name` under `token`."""
        job = self._jobs.get(token)
        return job if isinstance(job, Fetching) and job.name == name else None

    def leaving(self, token: str) -> Leaving | None:
        """Return the job that may leave a file under `token`."""
        job = self._jobs.get(token)
        return job if isinstance(job, Leaving) else None

    def _put(self, way: str, job: Fetching | Leaving) -> str:
        token = self._new_token()
        self._jobs[token] = job
        return f"{self.url}/{way}/{token}"

"""The examples as files: beside the package in a clone, inside it in a wheel."""

import shutil
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.spec_files import read_documents
from reconciler.errors import FwdctlError

_PACKAGE: Final = Path(__file__).resolve().parents[2]
PLACES: Final = (_PACKAGE.parent / "examples", _PACKAGE / "examples")
"""Where the examples are in a clone, and in an installed wheel."""


def example(name: str) -> Path:
    """Return the directory of an example; raises FwdctlError where this installation has none of that name."""
    for place in PLACES:
        if (place / name / "site.yaml").is_file():
            return place / name
    raise FwdctlError(f"the example {name} is not part of this installation", hint="install fwdctl from a clone")


class SiteCopy:
    """A copy of an example's site.yaml, to be edited while the example stays as it is."""

    def __init__(self, source: Path, directory: Path) -> None:
        self.file = directory / "site.yaml"
        shutil.copyfile(source / "site.yaml", self.file)

    def backend_ports(self) -> dict[str, int]:
        """Return back-end -> the loopback port that its URL names."""
        documents, _ = read_documents([str(self.file)])
        backends = [document.content for document in documents if document.content["kind"] == "Backend"]
        return {
            backend["metadata"]["name"]: urlsplit(backend["spec"]["url"]).port or 80
            for backend in backends
            if "url" in backend["spec"]
        }

    def replace(self, old: str, new: str) -> list[tuple[int, str, str]]:
        """Replace text; return the lines that differ now: number, before, after."""
        before = self.file.read_text(encoding="utf-8")
        after = before.replace(old, new)
        self.file.write_text(after, encoding="utf-8")
        pairs = zip(before.splitlines(), after.splitlines(), strict=True)
        return [(number, was, now) for number, (was, now) in enumerate(pairs, 1) if was != now]

"""Git: which commit specs come from, asked of the `git` command."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from reconciler.errors import FwdctlError

DIRTY: Final = "-dirty"
"""Ends the id of a commit beside which something in the specs is not committed; then nobody is named as its author."""

ANSWERS_WITHIN_S: Final = 20.0
_ABOUT_ANOTHER_CHECKOUT: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Set inside of Git's hooks; they would hide the checkout that a path is in."""


class Commit(msgspec.Struct, frozen=True):
    """A commit by its full id, and who wrote it: "Name <address>"."""

    id: str
    author: str


class _GitFailed(Exception):
    """`git` is missing, does not answer, or says no; the text is its own."""


def commit_of(paths: Sequence[str]) -> Commit | None:
    """Return the commit that is checked out where all of `paths` (files and directories) are.

    None where they are in no one checkout, where none of their files is in Git, and where there is no `git`.
    """
    try:
        (top,) = {_git(_folder(path), "rev-parse", "--show-toplevel") for path in paths}
        resolved = [str(Path(path).resolve()) for path in paths]
        if not _git(top, "ls-files", "--", *resolved):
            return None
        head = _commit(top, "HEAD")
        changed = _git(top, "status", "--porcelain", "--untracked-files=all", "--", *resolved)
    except (_GitFailed, ValueError):
        return None
    return Commit(head.id + DIRTY, "") if changed else head


def commit_named(ref: str, paths: Sequence[str]) -> Commit:
    """Return the commit that `ref` (a branch, tag or id) names in the checkout of the first of `paths`.

    Without paths: in the checkout of the working directory. Raises FwdctlError where there is no such commit.
    """
    try:
        return _commit(_folder(paths[0]) if paths else ".", ref)
    except _GitFailed as failed:
        raise FwdctlError(
            f"--git-ref {ref}: git knows no such commit here: {failed}",
            hint="name a branch, a tag or a commit of the specs' checkout: git log",
        ) from failed


def _commit(folder: str, ref: str) -> Commit:
    found = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    return Commit(found, _git(folder, "log", "-1", "--format=%aN <%aE>", found))


def _folder(path: str) -> str:
    return path if Path(path).is_dir() else str(Path(path).parent)


def _git(folder: str, *arguments: str) -> str:
    """Return what `git` prints; it writes nothing, and runs nothing that the checkout names."""
    environ = {name: value for name, value in os.environ.items() if name not in _ABOUT_ANOTHER_CHECKOUT}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", folder, *arguments],
            env={**environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=ANSWERS_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _GitFailed(str(error)) from error
    if done.returncode != 0:
        raise _GitFailed(" ".join(done.stderr.split()) or f"exit code {done.returncode}")
    return done.stdout.strip()

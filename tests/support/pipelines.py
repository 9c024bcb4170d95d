"""The pipeline files of deploy/, run: their own shell commands, in a checkout, as GitHub and GitLab run them."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.server_process import ROOT, Completed, clean_environ

INSTALLING: Final = 'python -m pip install --quiet "$FWDCTL_PACKAGE"'
"""The one command that is not run: what it would install is here."""

_EXPRESSION: Final = re.compile(r"\$\{\{ *([a-z_.A-Z]+) *\}\}")
_VARIABLE: Final = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Step:
    """A shell command of a job, and the variables that the file gives it."""

    command: str
    variables: Mapping[str, str]


def github_steps(job: str, known: Mapping[str, str]) -> list[Step]:
    """Return a job's commands but the installing one; `known` are the expressions that GitHub would fill in."""
    workflow = yaml.safe_load((ROOT / "deploy/github/fwdctl.yml").read_text())
    jobs = workflow["jobs"][job]
    steps = [step for step in jobs["steps"] if "run" in step]
    assert steps[0]["run"] == INSTALLING

    def filled(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: _EXPRESSION.sub(lambda found: known[found[1]], value) for name, value in variables.items()}

    return [
        Step(step["run"], filled({**workflow["env"], **jobs.get("env", {}), **step.get("env", {})}))
        for step in steps[1:]
    ]


def gitlab_steps(job: str, known: Mapping[str, str]) -> list[Step]:
    """Return a job's script; `known` are the variables that GitLab or the project sets."""
    pipeline: dict[str, Any] = yaml.safe_load((ROOT / "deploy/gitlab/.gitlab-ci.yml").read_text())
    assert pipeline["default"]["before_script"] == [INSTALLING]
    given = {**pipeline["variables"], **pipeline[job].get("variables", {})}
    expanded = {name: _VARIABLE.sub(lambda found: known[found[1]], value) for name, value in given.items()}
    return [Step("\n".join(pipeline[job]["script"]), {**known, **expanded})]


async def shell(command: str, folder: Path, variables: Mapping[str, str] | None = None) -> Completed:
    """Run a command as both forges do (`bash -eo pipefail`), with our fwdctl and Python first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command),
        cwd=folder,
        env={**clean_environ(), "PATH": path, **(variables or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Completed(process.returncode, out.decode(), err.decode())


class Repository:
    """A real Git repository whose specs are in site/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.site.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Alice Adams")
        self.git("config", "user.email", "alice@example.com")

    def git(self, *arguments: str) -> str:
        """Return what git says; it must succeed."""
        done = subprocess.run(["git", "-C", self.folder, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit all there is and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

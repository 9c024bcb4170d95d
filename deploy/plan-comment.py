"""Writes a plan as one comment on a pull or merge request: `plan-comment.py plan.md`; a later run updates that comment.

Needs nothing but Python. It runs in GitHub Actions (GITHUB_TOKEN, PULL_REQUEST) and in GitLab CI (GITLAB_TOKEN), which
set the other variables that it reads.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = "<!-- fwdctl plan -->"
"""First line of what `fwdctl plan --markdown` prints; our comment is known by it."""

LENGTH_MAX = 65_000
"""GitHub refuses comments that are longer than 65,536 characters."""

CUT = "\n```\n\nThe plan is longer than a comment may be; the pipeline's log has all of it.\n"
PAGE = 100
TIMEOUT_S = 30
Comment = dict[str, Any]


@dataclass(frozen=True)
class Forge:
    """Where comments are, how the forge wants to be asked, and which comments this pipeline's token wrote.

    A comment of somebody else is never updated, marker or not: its author could put another plan there later.
    """

    comments: str
    """URL of the request's comments."""
    one_comment: str
    """URL before the id of one of them."""
    update_method: str
    headers: dict[str, str]
    is_ours: Callable[[Comment], bool]

    def every_comment(self) -> Iterator[Comment]:
        """Yield all comments, page by page."""
        page = 1
        while found := ask("GET", f"{self.comments}?per_page={PAGE}&page={page}", self.headers):
            yield from found
            page += 1


def ask(method: str, url: str, headers: dict[str, str], body: Comment | None = None) -> Any:
    """Return the answer's JSON; ends the program where the forge refuses."""
    data = json.dumps(body).encode() if body is not None else None
    told = {"Content-Type": "application/json", "User-Agent": "fwdctl", **headers}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data, told, method=method), timeout=TIMEOUT_S
        ) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            sys.exit(f"{method} {url}: {refused.code} {refused.reason}; may the token write comments?")
    except OSError as unreachable:
        sys.exit(f"{method} {url}: {unreachable}")


def forge_here() -> Forge:
    """Return the forge whose pipeline this is."""
    given = os.environ
    if "CI_API_V4_URL" in given:
        api = given["CI_API_V4_URL"]
        token = {"PRIVATE-TOKEN": given["GITLAB_TOKEN"]}
        notes = f"{api}/projects/{given['CI_PROJECT_ID']}/merge_requests/{given['CI_MERGE_REQUEST_IID']}/notes"
        we = ask("GET", f"{api}/user", token)["id"]
        return Forge(notes, notes, "PUT", token, lambda note: bool(note["author"]["id"] == we))
    issues = f"{given['GITHUB_API_URL']}/repos/{given['GITHUB_REPOSITORY']}/issues"
    token = {"Authorization": f"Bearer {given['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    comments = f"{issues}/{given['PULL_REQUEST']}/comments"
    return Forge(
        comments,
        f"{issues}/comments",
        "PATCH",
        token,
        lambda comment: bool(comment["user"]["login"] == "github-actions[bot]"),
    )


def main(file: str) -> None:
    """Update our comment with the plan in `file`, or write the first one."""
    text = Path(file).read_text(encoding="utf-8")
    if not text.startswith(MARKER):
        sys.exit(f"{file} is not what fwdctl plan --markdown prints")
    if len(text) > LENGTH_MAX:
        text = text[:LENGTH_MAX] + CUT
    forge = forge_here()
    for comment in forge.every_comment():
        if comment["body"].startswith(MARKER) and forge.is_ours(comment):
            ask(forge.update_method, f"{forge.one_comment}/{comment['id']}", forge.headers, {"body": text})
            return
    ask("POST", forge.comments, forge.headers, {"body": text})


if __name__ == "__main__":
    main(*sys.argv[1:])

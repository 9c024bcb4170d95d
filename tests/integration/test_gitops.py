"""The pipelines of deploy/: their own commands against a server, a forge and a Git repository."""

import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.integration.test_cli import CHARGER, SITE, edit
from tests.support.forge import ALICE, Forge, forge
from tests.support.pipelines import Repository, Step, github_steps, gitlab_steps, shell
from tests.support.server import Server, running_server
from tests.support.server_process import ROOT, Completed

ADMIN = {"FWDCTL_TOKEN": "admin-of-the-test"}
MARKER = "<!-- fwdctl plan -->"
PLAN = f"{MARKER}\n### Plan: 1 to add, 0 to change, 0 to destroy.\n"
Steps = Callable[[str, Mapping[str, str]], list[Step]]


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server with nothing applied, which wants a token of everybody."""
    monkeypatch.setenv("FWDCTL_ADMIN_TOKEN", ADMIN["FWDCTL_TOKEN"])
    async with running_server(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def tokens(server: Server) -> Mapping[str, str]:
    """The two tokens that docs/gitops.md has an operator create, by its own commands."""
    created = {}
    for command in re.findall(r"^ *fwdctl (token create .*)$", (ROOT / "docs/gitops.md").read_text(), re.MULTILINE):
        done = await server.fwdctl(*command.split(), environ=ADMIN)
        assert done.code == 0, done.err
        created[command.split()[2]] = done.out.strip()
    return created


@pytest.fixture
def comments() -> Iterator[Forge]:
    """A forge with one pull request."""
    with forge() as running:
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two chargers in Git, and the script beside the pipelines."""
    repository = Repository(tmp_path / "repository")
    chargers = "".join(CHARGER.format(name=name, identity=name.upper()) for name in ("cp001", "cp002"))
    (repository.site / "depot-a.yaml").write_text(SITE + chargers)
    for folder in (".github", ".gitlab"):
        (repository.folder / folder).mkdir()
        shutil.copy(ROOT / "deploy/plan-comment.py", repository.folder / folder)
    repository.commit("two chargers")
    return repository


class Pipeline:
    """One of the two, ready to run its jobs."""

    def __init__(self, steps: Steps, known: Mapping[str, str], set_by_forge: Mapping[str, str], folder: Path) -> None:
        self._steps, self._known, self._set, self._folder = steps, known, set_by_forge, folder

    async def run(self, job: str) -> Completed:
        """Run a job's commands one after the other, until one fails."""
        done = Completed(0, "", "")
        for step in self._steps(job, self._known):
            done = await shell(step.command, self._folder, {**self._set, **step.variables})
            if done.code != 0:
                break
        return done

    async def comment(self, plan: str) -> Completed:
        """Run the last command of the job `plan` alone, on this plan."""
        (self._folder / "plan.md").write_text(plan)
        last = self._steps("plan", self._known)[-1]
        return await shell(last.command.splitlines()[-1], self._folder, {**self._set, **last.variables})


@pytest.fixture(params=["github", "gitlab"])
def pipeline(
    request: pytest.FixtureRequest, server: Server, tokens: Mapping[str, str], comments: Forge, repository: Repository
) -> Pipeline:
    """Both, with what their forge would set."""
    if request.param == "github":
        known = {
            "vars.FWDCTL_URL": server.url,
            "vars.FWDCTL_PACKAGE": "fwdctl",
            "secrets.FWDCTL_PLAN_TOKEN": tokens["plans"],
            "secrets.FWDCTL_APPLY_TOKEN": tokens["applies"],
            "github.token": comments.token,
            "github.event.pull_request.number": "5",
        }
        set_by_forge = {
            "GITHUB_API_URL": comments.url,
            "GITHUB_REPOSITORY": "we/site",
            "GITHUB_REF_NAME": "main",
            "GITHUB_RUN_ID": "77",
        }
        return Pipeline(github_steps, known, set_by_forge, repository.folder)
    known = {
        "FWDCTL_URL": server.url,
        "FWDCTL_PLAN_TOKEN": tokens["plans"],
        "FWDCTL_APPLY_TOKEN": tokens["applies"],
        "GITLAB_TOKEN": comments.token,
        "CI_API_V4_URL": f"{comments.url}/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "5",
        "CI_COMMIT_BRANCH": "main",
        "CI_JOB_ID": "77",
    }
    return Pipeline(gitlab_steps, known, {}, repository.folder)


async def test_valid_specs_pass_and_broken_ones_fail_the_job(pipeline: Pipeline, repository: Repository) -> None:
    assert (await pipeline.run("validate")).code == 0
    edit(repository.site / "depot-a.yaml", "backend: partner,", "backend: partnr,")
    failed = await pipeline.run("validate")
    assert failed.code == 1
    assert "site/depot-a.yaml:16:" in failed.out + failed.err


async def test_the_plan_is_one_comment_that_later_runs_update(
    pipeline: Pipeline, comments: Forge, repository: Repository
) -> None:
    comments.comment("looks good to me")
    first = await pipeline.run("plan")
    assert first.code == 0, first.err
    edit(repository.site / "depot-a.yaml", "CP002", "CP-0002")
    (repository.site / "more.yaml").write_text(CHARGER.format(name="cp003", identity="CP003"))
    second = await pipeline.run("plan")
    assert second.code == 0, second.err
    talk, plan = (comment["body"] for comment in comments.comments)
    assert talk == "looks good to me"
    assert plan.startswith(MARKER)
    assert "6 to add" in plan


async def test_a_comment_of_somebody_else_is_never_taken_for_ours(pipeline: Pipeline, comments: Forge) -> None:
    forged = f"{MARKER}\n### No changes."
    comments.comment(forged, ALICE)
    assert (await pipeline.comment(PLAN)).code == 0
    assert [comment["body"] for comment in comments.comments] == [forged, PLAN]


async def test_our_comment_is_found_on_a_later_page(pipeline: Pipeline, comments: Forge) -> None:
    for _ in range(150):
        comments.comment("and another thing")
    await pipeline.comment(PLAN)
    await pipeline.comment(PLAN + "and more\n")
    assert [comment["body"] for comment in comments.comments[150:]] == [PLAN + "and more\n"]


async def test_a_plan_that_is_too_long_for_a_comment_is_cut_and_says_so(pipeline: Pipeline, comments: Forge) -> None:
    assert (await pipeline.comment(PLAN + "+ charger.cp001\n" * 5000)).code == 0
    (comment,) = comments.comments
    assert len(comment["body"]) < 65_536
    assert "longer than a comment may be" in comment["body"]


async def test_a_token_that_may_not_comment_fails_the_job_in_a_sentence(pipeline: Pipeline, comments: Forge) -> None:
    comments.token = "another"
    refused = await pipeline.comment(PLAN)
    assert refused.code == 1
    assert ": 401 " in refused.err
    assert "Traceback" not in refused.err


async def test_a_merge_applies_what_is_in_git_and_history_has_author_and_commit(
    pipeline: Pipeline, server: Server, repository: Repository
) -> None:
    applied = await pipeline.run("apply")
    assert applied.code == 0, applied.err
    (event, _) = (await server.fwdctl("history", "--kind", "apply", "--json", environ=ADMIN)).json["events"]
    head = repository.git("rev-parse", "HEAD")
    assert event["details"]["git_commit"] == head
    assert event["details"]["git_author"] == "Alice Adams <alice@example.com>"
    assert "main" in event["reason"]
    assert (
        f"[commit {head[:10]} by Alice Adams <alice@example.com>]"
        in (await server.fwdctl("history", environ=ADMIN)).out
    )


async def test_the_token_that_plans_can_not_apply(
    server: Server, tokens: Mapping[str, str], repository: Repository
) -> None:
    refused = await server.fwdctl(
        "apply", "-f", repository.site, "--auto-approve", environ={"FWDCTL_TOKEN": tokens["plans"]}
    )
    assert refused.code == 8
    assert "operator" in refused.err


async def test_what_a_merge_removes_from_git_is_deleted(
    pipeline: Pipeline, server: Server, repository: Repository
) -> None:
    await pipeline.run("apply")
    edit(repository.site / "depot-a.yaml", CHARGER.format(name="cp002", identity="CP002"), "")
    repository.commit("cp002 is gone")
    assert (await pipeline.run("apply")).code == 0
    listed = (await server.fwdctl("status", "--json", environ=ADMIN)).json["chargers"]
    assert [charger["charger"] for charger in listed] == ["cp001"]


async def test_the_schedule_is_quiet_until_what_is_applied_is_not_what_is_in_git(
    pipeline: Pipeline, server: Server, repository: Repository
) -> None:
    await pipeline.run("apply")
    assert (await pipeline.run("drift")).code == 0
    edit(repository.site / "depot-a.yaml", "CP002", "CP-0002")
    assert (await pipeline.run("drift")).code == 2


async def test_both_pipelines_run_the_same_commands() -> None:
    known = dict.fromkeys(
        ["vars.FWDCTL_URL", "vars.FWDCTL_PACKAGE", "secrets.FWDCTL_PLAN_TOKEN", "secrets.FWDCTL_APPLY_TOKEN"], ""
    ) | {"github.token": "", "github.event.pull_request.number": ""}
    variables = dict.fromkeys(["FWDCTL_PLAN_TOKEN", "FWDCTL_APPLY_TOKEN"], "")
    for job in ("validate", "plan", "apply", "drift"):
        github = [step.command for step in github_steps(job, known)]
        gitlab = gitlab_steps(job, variables)[0].command.splitlines()
        assert [command.split(" --reason")[0].replace(".github/", ".gitlab/") for command in github] == [
            command.split(" --reason")[0] for command in gitlab
        ]


async def test_the_git_hook_refuses_a_commit_by_what_is_staged(repository: Repository) -> None:
    hook = repository.folder / ".git/hooks/pre-commit"
    shutil.copy(ROOT / "deploy/pre-commit", hook)
    file = repository.site / "depot-a.yaml"
    edit(file, "backend: partner,", "backend: partnr,")
    refused = await shell("git commit --all --message broken", repository.folder)
    assert refused.code != 0
    assert "did you mean partner" in refused.out + refused.err
    repository.git("add", "--all")
    edit(file, "backend: partnr,", "backend: partner,")
    assert (await shell("git commit --message 'staged and broken'", repository.folder)).code != 0
    done = await shell("git commit --all --allow-empty --message mended", repository.folder)
    assert done.code == 0, done.err


async def test_the_hook_of_the_pre_commit_framework_validates_the_site(repository: Repository) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["pass_filenames"] is False
    command = " ".join([hook["entry"], *hook["args"]])
    assert (await shell(command, repository.folder)).code == 0
    edit(repository.site / "depot-a.yaml", "backend: partner,", "backend: partnr,")
    assert (await shell(command, repository.folder)).code == 1

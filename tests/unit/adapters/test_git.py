"""Which commit specs come from, asked of a real Git."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.adapters.git import DIRTY, commit_named, commit_of
from reconciler.errors import FwdctlError
from tests.support.pipelines import Repository

ALICE = "Alice Adams <alice@example.com>"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One commit with one spec."""
    repository = Repository(tmp_path / "repository")
    (repository.site / "a.yaml").write_text("a: 1\n")
    repository.commit("first")
    return repository


def found(paths: Sequence[Path]) -> tuple[str, str] | None:
    commit = commit_of([str(path) for path in paths])
    return (commit.id, commit.author) if commit else None


def test_committed_specs_have_the_checkouts_commit_and_its_author(repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    assert found([repository.site]) == found([repository.site / "a.yaml"]) == (head, ALICE)


@pytest.mark.parametrize("name", ["a.yaml", "new.yaml"])
def test_with_changes_that_are_not_committed_nobody_is_named(repository: Repository, name: str) -> None:
    (repository.site / name).write_text("a: 2\n")
    assert found([repository.site]) == (repository.git("rev-parse", "HEAD") + DIRTY, "")


def test_changes_elsewhere_in_the_checkout_do_not_matter(repository: Repository) -> None:
    (repository.folder / "notes.txt").write_text("not a spec")
    assert found([repository.site]) == (repository.git("rev-parse", "HEAD"), ALICE)


def test_specs_outside_of_git_have_no_commit(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("b: 1\n")
    (repository.folder / "untracked.yaml").write_text("c: 1\n")
    assert found([tmp_path / "b.yaml"]) is None
    assert found([repository.folder / "untracked.yaml"]) is None
    assert found([]) is None


def test_specs_of_two_checkouts_have_no_one_commit(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    (other.site / "b.yaml").write_text("b: 1\n")
    other.commit("first")
    assert found([repository.site, other.site]) is None


def test_without_git_there_is_no_commit(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert found([repository.site]) is None


def test_what_a_hook_says_of_another_checkout_is_not_believed(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository.git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert found([repository.site]) == (head, ALICE)


def test_a_named_commit_is_the_one_the_name_stands_for(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "v1")
    (repository.site / "a.yaml").write_text("a: 2\n")
    repository.commit("second")
    assert commit_named("v1", [str(repository.site)]).id == first


@pytest.mark.parametrize("ref", ["nothing", "--output=x", ""])
def test_a_name_that_git_does_not_know_is_refused(repository: Repository, ref: str) -> None:
    with pytest.raises(FwdctlError, match="git knows no such commit") as refused:
        commit_named(ref, [str(repository.site)])
    assert "git log" in refused.value.hint


def test_a_named_commit_needs_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FwdctlError, match="git"):
        commit_named("HEAD", [str(repository.site)])

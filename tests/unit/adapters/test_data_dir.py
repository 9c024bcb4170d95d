"""A data directory has one owner, and says where it can be reached."""

import json
import os
from pathlib import Path

import pytest

from reconciler.adapters.data_dir import ANNOUNCEMENT, TOKEN_FILE, DataDirectory
from reconciler.errors import FwdctlError


def test_a_directory_that_is_not_there_is_made_for_its_owner_only(tmp_path: Path) -> None:
    directory = DataDirectory.claim(tmp_path / "new" / "data")
    assert directory.path.stat().st_mode & 0o077 == 0
    directory.release()


def test_a_second_owner_is_refused_and_told_the_first_one_s_pid(tmp_path: Path) -> None:
    first = DataDirectory.claim(tmp_path)
    with pytest.raises(FwdctlError, match=rf"pid {os.getpid()}"):
        DataDirectory.claim(tmp_path)
    first.release()


def test_a_released_directory_can_be_claimed_again(tmp_path: Path) -> None:
    DataDirectory.claim(tmp_path).release()
    DataDirectory.claim(tmp_path).release()


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FwdctlError, match="can't be used") as caught:
        DataDirectory.claim(tmp_path / "file" / "data")
    assert "--data" in caught.value.hint


def test_an_announcement_holds_until_the_release(tmp_path: Path) -> None:
    directory = DataDirectory.claim(tmp_path)
    directory.announce({"admin": "http://127.0.0.1:1"})
    assert json.loads((tmp_path / ANNOUNCEMENT).read_text()) == {"admin": "http://127.0.0.1:1"}
    directory.release()
    assert not (tmp_path / ANNOUNCEMENT).exists()


def test_what_a_killed_process_announced_is_forgotten_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ANNOUNCEMENT).write_text("{}")
    directory = DataDirectory.claim(tmp_path)
    assert not (tmp_path / ANNOUNCEMENT).exists()
    directory.release()


class TestAdminToken:
    """Where the admin token comes from."""

    def token(self, path: Path, environ: dict[str, str]) -> str | None:
        """Return the token that a directory at `path` gives."""
        directory = DataDirectory.claim(path)
        try:
            return directory.admin_token(environ)
        finally:
            directory.release()

    def test_there_is_none_by_default(self, tmp_path: Path) -> None:
        assert self.token(tmp_path, {}) is None

    def test_a_private_file_holds_it(self, tmp_path: Path) -> None:
        (tmp_path / TOKEN_FILE).write_text("t0ken\n")
        (tmp_path / TOKEN_FILE).chmod(0o600)
        assert self.token(tmp_path, {}) == "t0ken"

    def test_the_variable_wins_over_the_file(self, tmp_path: Path) -> None:
        (tmp_path / TOKEN_FILE).write_text("from-file")
        assert self.token(tmp_path, {"FWDCTL_ADMIN_TOKEN": "from-env"}) == "from-env"

    def test_a_file_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / TOKEN_FILE).write_text("t0ken")
        (tmp_path / TOKEN_FILE).chmod(0o644)
        with pytest.raises(FwdctlError, match="others may read") as caught:
            self.token(tmp_path, {})
        assert "chmod 600" in caught.value.hint

    @pytest.mark.parametrize("empty", ["", "  \n"])
    def test_an_empty_token_is_refused_instead_of_opening_the_door(self, tmp_path: Path, empty: str) -> None:
        with pytest.raises(FwdctlError, match="empty"):
            self.token(tmp_path, {"FWDCTL_ADMIN_TOKEN": empty})

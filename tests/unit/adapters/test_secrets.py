"""What a reference may reach on the server, and what it may not."""

import os
from pathlib import Path

import pytest

from reconciler.adapters.secrets import MAX_SECRET_BYTES, ServerSecrets
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import SecretRef


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "secrets"
    (directory / "stations").mkdir(parents=True)
    (tmp_path / "outside").write_text("not for specs")
    return directory


def from_file(directory: Path, name: str, identity: str = "") -> bytes:
    return ServerSecrets(directory, {}).resolve(SecretRef("file", name), identity)


def test_a_file_is_read_without_its_last_newline(directory: Path) -> None:
    (directory / "ca.pem").write_bytes(b"one\ntwo\n\r\n")
    assert from_file(directory, "ca.pem") == b"one\ntwo\n"


def test_the_identity_becomes_part_of_the_path(directory: Path) -> None:
    (directory / "stations" / "CP-001.key").write_text("k1")
    assert from_file(directory, "stations/{identity}.key", "CP-001") == b"k1"


def test_an_identity_with_odd_characters_is_percent_encoded_as_in_its_url(directory: Path) -> None:
    (directory / "CP%2F1 %C3%A4".replace(" ", "%20")).write_text("k2")
    assert from_file(directory, "{identity}", "CP/1 ä") == b"k2"


def test_a_link_within_the_directory_is_followed_as_mounted_secrets_need(directory: Path) -> None:
    (directory / "..data").mkdir()
    (directory / "..data" / "password").write_text("mounted")
    (directory / "password").symlink_to("..data/password")
    assert from_file(directory, "password") == b"mounted"


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("/etc/hostname", ""),
        ("../outside", ""),
        ("stations/../../outside", ""),
        ("{identity}/outside", ".."),
        ("stations\\x", ""),
        ("nul\0byte", ""),
        ("", ""),
        (".", ""),
    ],
)
def test_a_path_out_of_the_directory_is_refused(directory: Path, name: str, identity: str) -> None:
    with pytest.raises(SecretUnavailable):
        from_file(directory, name, identity)


@pytest.mark.parametrize("identity", ["../outside", "..", "x/../../outside", "\0"])
def test_no_identity_leads_out_of_the_directory(directory: Path, identity: str) -> None:
    with pytest.raises(SecretUnavailable):
        from_file(directory, "{identity}", identity)


def test_a_link_out_of_the_directory_is_refused(directory: Path) -> None:
    (directory / "way-out").symlink_to("../outside")
    with pytest.raises(SecretUnavailable, match="leads out"):
        from_file(directory, "way-out")


def test_a_loop_of_links_is_refused(directory: Path) -> None:
    (directory / "a").symlink_to("b")
    (directory / "b").symlink_to("a")
    with pytest.raises(SecretUnavailable):
        from_file(directory, "a")


def test_a_missing_file_names_the_reference_and_the_identity_but_not_the_server_s_directory(directory: Path) -> None:
    with pytest.raises(SecretUnavailable, match=r"file:stations/\{identity\}\.key .* identity 'CP-9'") as caught:
        from_file(directory, "stations/{identity}.key", "CP-9")
    assert str(directory) not in f"{caught.value} {caught.value.hint}"


def test_a_pipe_is_no_secret_file(directory: Path) -> None:
    os.mkfifo(directory / "pipe")
    with pytest.raises(SecretUnavailable):
        from_file(directory, "pipe")


def test_a_file_too_large_for_a_secret_is_refused(directory: Path) -> None:
    (directory / "large").write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(SecretUnavailable, match="larger"):
        from_file(directory, "large")


def test_an_empty_secret_is_refused(directory: Path) -> None:
    (directory / "empty").write_text("\n")
    with pytest.raises(SecretUnavailable, match="empty"):
        from_file(directory, "empty")


def test_a_variable_with_the_prefix_is_read(directory: Path) -> None:
    secrets = ServerSecrets(directory, {"FWDCTL_SECRET_PARTNER": "hunter2"})
    assert secrets.resolve(SecretRef("env", "FWDCTL_SECRET_PARTNER")) == b"hunter2"


def test_a_variable_without_the_prefix_stays_unread(directory: Path) -> None:
    secrets = ServerSecrets(directory, {"AWS_KEY": "hunter2"})
    with pytest.raises(SecretUnavailable) as caught:
        secrets.resolve(SecretRef("env", "AWS_KEY"))
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_variable_that_is_not_set_is_named(directory: Path) -> None:
    with pytest.raises(SecretUnavailable, match="env:FWDCTL_SECRET_X is not set"):
        ServerSecrets(directory, {}).resolve(SecretRef("env", "FWDCTL_SECRET_X"))

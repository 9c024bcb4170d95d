"""Encryption keys: where they come from, what they open, and how one follows another."""

import stat
from base64 import b64encode
from pathlib import Path

import pytest

from reconciler.adapters.key_ring import KeyRing, load_key_ring
from reconciler.errors import FwdctlError, Unsealable

OLD, NEW = bytes(32), bytes(range(32))
ABOUT = "leg/cp1/partner"


def text(*keys: bytes) -> str:
    return "\n".join(b64encode(key).decode() for key in keys)


def written(folder: Path, content: str, mode: int = 0o600) -> Path:
    file = folder / "keys"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_what_was_sealed_opens_for_its_owner_only() -> None:
    ring = KeyRing([OLD])
    sealed = ring.seal(b"s3cret", ABOUT)
    assert ring.unseal(sealed, ABOUT) == b"s3cret"
    assert b"s3cret" not in sealed
    assert ring.seal(b"s3cret", ABOUT) != sealed
    with pytest.raises(Unsealable, match="belongs to another leg"):
        ring.unseal(sealed, "leg/cp2/partner")


@pytest.mark.parametrize(
    "damage", [lambda s: s[:-1] + b"\x00", lambda s: s[:20], lambda s: b"\x02" + s[1:], lambda s: b""]
)
def test_what_was_damaged_does_not_open(damage: object) -> None:
    ring = KeyRing([OLD])
    with pytest.raises(Unsealable, match=ABOUT):
        ring.unseal(damage(ring.seal(b"s3cret" * 9, ABOUT)), ABOUT)  # type: ignore[operator]


def test_the_first_key_seals_and_older_ones_open() -> None:
    sealed = KeyRing([OLD]).seal(b"s3cret", ABOUT)
    both = KeyRing([NEW, OLD])
    assert both.is_old(sealed)
    assert both.unseal(sealed, ABOUT) == b"s3cret"
    assert not both.is_old(both.seal(b"s3cret", ABOUT))
    with pytest.raises(Unsealable, match="was encrypted with key"):
        KeyRing([NEW]).unseal(sealed, ABOUT)


def test_a_fingerprint_tells_secrets_apart_and_depends_on_the_key() -> None:
    ring = KeyRing([OLD])
    assert ring.fingerprint(b"a") == ring.fingerprint(b"a") != ring.fingerprint(b"b")
    assert ring.fingerprint(b"a") != KeyRing([NEW]).fingerprint(b"a")
    assert len(ring.fingerprint(b"a")) == 8


@pytest.mark.parametrize("bad", ["", "not base64!", b64encode(bytes(31)).decode(), text(OLD) + "\nshort"])
def test_what_is_no_key_is_refused_without_being_shown(bad: str, tmp_path: Path) -> None:
    with pytest.raises(FwdctlError) as refused:
        load_key_ring(written(tmp_path, bad), {}, tmp_path, shared_store=False)
    assert "holds no encryption keys" in refused.value.summary
    assert not bad or bad not in refused.value.summary + refused.value.hint


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    file = written(tmp_path, text(OLD), mode)
    with pytest.raises(FwdctlError, match="others than its owner may read") as refused:
        load_key_ring(file, {}, tmp_path, shared_store=False)
    assert refused.value.hint == f"chmod 600 {file}"


def test_a_key_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FwdctlError, match="can't be read: No such file"):
        load_key_ring(tmp_path / "keys", {}, tmp_path, shared_store=False)


def test_one_node_makes_its_own_key_once(tmp_path: Path) -> None:
    first = load_key_ring(None, {}, tmp_path, shared_store=False)
    assert first is not None
    again = load_key_ring(None, {}, tmp_path, shared_store=True)  # it is there by now, so it counts
    assert again is not None
    assert again.unseal(first.seal(b"x", ABOUT), ABOUT) == b"x"
    assert stat.S_IMODE((tmp_path / "encryption-key").stat().st_mode) == 0o600


def test_nodes_that_share_a_store_make_none(tmp_path: Path) -> None:
    assert load_key_ring(None, {}, tmp_path, shared_store=True) is None
    assert list(tmp_path.iterdir()) == []


def test_the_environment_comes_first(tmp_path: Path) -> None:
    ring = load_key_ring(tmp_path / "none", {"FWDCTL_ENCRYPTION_KEY": text(NEW, OLD)}, tmp_path, shared_store=True)
    assert ring is not None
    assert not ring.is_old(KeyRing([NEW]).seal(b"x", ABOUT))

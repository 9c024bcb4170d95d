"""Settings of serve: what wins over what, and what is refused."""

from pathlib import Path

import pytest

from reconciler.cli.settings import Bind, ServeSettings
from reconciler.errors import FwdctlError


def test_without_anything_the_defaults_hold() -> None:
    settings = ServeSettings.load(None, {"stations": None, "data": None})
    assert settings == ServeSettings()
    assert settings.secrets_directory == Path("fwdctl-data/secrets")


def test_a_flag_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "fwdctl.toml"
    file.write_text('stations = "0.0.0.0:80"\nadmin = "127.0.0.1:81"\n')
    settings = ServeSettings.load(file, {"stations": "127.0.0.1:1", "admin": None})
    assert (settings.stations, settings.admin, settings.data) == ("127.0.0.1:1", "127.0.0.1:81", Path("fwdctl-data"))


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    file = tmp_path / "fwdctl.toml"
    file.write_text('data = "state"\nsecrets = "/run/secrets"\n')
    settings = ServeSettings.load(file, {})
    assert (settings.data, settings.secrets_directory) == (tmp_path / "state", Path("/run/secrets"))


def test_certificates_and_keys_are_pairs_and_paths_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fwdctl.toml"
    file.write_text('tls_cert = ["rsa.pem", "/etc/ecdsa.pem"]\ntls_key = ["rsa.key", "ecdsa.key"]\n')
    settings = ServeSettings.load(file, {})
    assert settings.tls_pairs == (
        (tmp_path / "rsa.pem", tmp_path / "rsa.key"),
        (Path("/etc/ecdsa.pem"), tmp_path / "ecdsa.key"),
    )
    one = ServeSettings.load(file, {"tls_cert": (Path("a"),), "tls_key": (Path("b"),)})
    assert one.tls_pairs == ((Path("a"), Path("b")),)


@pytest.mark.parametrize(("certificates", "keys"), [(0, 0), (1, 0), (2, 1), (0, 1)])
def test_a_certificate_without_a_key_is_refused(certificates: int, keys: int) -> None:
    settings = ServeSettings(tls_cert=(Path("c"),) * certificates, tls_key=(Path("k"),) * keys)
    with pytest.raises(FwdctlError, match=f"{certificates} --tls-cert and {keys} --tls-key"):
        assert settings.tls_pairs


def test_an_address_as_a_url_has_the_port_that_was_had() -> None:
    assert Bind("127.0.0.1", 0).url("ws", 9000) == "ws://127.0.0.1:9000"
    assert Bind("::1", 0).url("wss", 9001) == "wss://[::1]:9001"


def test_an_unknown_setting_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "fwdctl.toml"
    file.write_text('station = "x"\n')
    with pytest.raises(FwdctlError, match="'station'") as caught:
        ServeSettings.load(file, {})
    assert caught.value.hint == "did you mean stations?"


@pytest.mark.parametrize("text", ["stations = 9000\n", "tls_cert = [1]\n", "stations = [\n", "\x00"])
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "fwdctl.toml"
    file.write_text(text)
    with pytest.raises(FwdctlError, match=r"fwdctl\.toml"):
        ServeSettings.load(file, {})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FwdctlError, match="can't be read"):
        ServeSettings.load(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:9000", "127.0.0.1", 9000), ("[::1]:0", "::1", 0), ("localhost:80", "localhost", 80)],
)
def test_an_address_to_listen_on_is_host_and_port(text: str, host: str, port: int) -> None:
    assert Bind.parse(text) == Bind(host, port)


@pytest.mark.parametrize(
    "text", ["", "9000", ":9000", "host", "host:", "host:x", "host:70000", "http://h:1", "a@h:1", "h:1/x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(FwdctlError, match="no address"):
        Bind.parse(text)

"""Settings of `fwdctl serve`: flag, then FWDCTL_* variable, then config file, then default."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import fields

from reconciler.errors import FwdctlError


class Bind(msgspec.Struct, frozen=True):
    """An address to listen on; port 0 takes any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that "127.0.0.1:9000" or "[::1]:9000" writes; raises FwdctlError where it is none."""
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or port is None or parts.path or parts.username is not None:
            raise FwdctlError(
                f"{text!r} is no address to listen on", hint="write HOST:PORT, for example 127.0.0.1:9000"
            )
        return cls(host, port)

    def url(self, scheme: str, port: int) -> str:
        """Return the URL of this address, `port` being the one that was had."""
        return f"{scheme}://[{self.host}]:{port}" if ":" in self.host else f"{scheme}://{self.host}:{port}"


class ServeSettings(msgspec.Struct, frozen=True):
    """Everything `serve` can be told; a field's name is its flag, its FWDCTL_ variable and its key in the file."""

    stations: str = "127.0.0.1:9000"
    stations_tls: str | None = None
    """Where stations of security profiles 2 and 3 connect; None for nowhere."""
    tls_cert: tuple[Path, ...] = ()
    tls_key: tuple[Path, ...] = ()
    """Certificates of `stations_tls` and their keys, in the same order."""
    station_ca: Path | None = None
    station_crl: Path | None = None
    station_organization: str = ""
    """What the O of stations' certificates must be; "" for anything."""
    station_issuer: str | None = None
    """Who signs stations' certificates while `local` owns security: "development", the URL of a CA, None for nobody."""
    admin: str = "127.0.0.1:9180"
    admin_tls_cert: Path | None = None
    admin_tls_key: Path | None = None
    """The admin API's certificate chain and its key; needed wherever others than this machine can reach it."""
    oidc_issuer: str | None = None
    """URL of an identity provider whose tokens are taken too, as far as `oidc_grant` gives them access."""
    oidc_audience: str = ""
    oidc_grant: tuple[str, ...] = ()
    files: str | None = None
    """Where stations fetch firmware and leave logs; None for nowhere."""
    files_url: str = ""
    """The same as stations are told it; "" for `files` itself."""
    files_tls_cert: Path | None = None
    files_tls_key: Path | None = None
    data: Path = Path("./fwdctl-data")
    store: str | None = None
    """URL of the database; None for SQLite in `data`."""
    secrets: Path | None = None
    """Directory that `fromFile` reads from; None for `data`/secrets."""

    encryption_key_file: Path | None = None
    """Keys for what back-ends set on their legs, the newest first; None for `data`/encryption-key."""

    smtp: str | None = None
    """Mail server for notices; None: none are mailed. Its password: FWDCTL_SMTP_PASSWORD, or a file of it."""
    mail_from: str = ""
    """Sender of notices, and whom they name as contact."""

    history_keep: str = "17520h"
    """For how long events of history are kept: two years."""
    revisions_keep: str = "8760h"
    """For how long what was applied is kept after something else was: a year."""
    revisions_keep_last: int = 100
    """So many revisions are kept however old they are, two at least: the applied one and a way back."""

    workers: int = 1
    """Processes for stations; more than one need PostgreSQL, and get a front and a supervisor besides."""

    @property
    def secrets_directory(self) -> Path:
        """Return where `fromFile` reads from."""
        return self.secrets or self.data / "secrets"

    @property
    def tls_pairs(self) -> tuple[tuple[Path, Path], ...]:
        """Return certificate and key of each pair; raises FwdctlError where there is none, or one without the other."""
        if len(self.tls_cert) != len(self.tls_key) or not self.tls_cert:
            raise FwdctlError(
                f"{len(self.tls_cert)} --tls-cert and {len(self.tls_key)} --tls-key",
                hint="--stations-tls needs at least one certificate, and a key for each, in the same order",
            )
        return tuple(zip(self.tls_cert, self.tls_key, strict=True))

    @property
    def admin_tls(self) -> tuple[Path, Path] | None:
        """Return certificate and key of the admin API, None for plain HTTP; raises FwdctlError for one of the two."""
        if self.admin_tls_cert is None and self.admin_tls_key is None:
            return None
        if self.admin_tls_cert is None or self.admin_tls_key is None:
            raise FwdctlError("--admin-tls-cert and --admin-tls-key go together", hint="give both, or neither")
        return self.admin_tls_cert, self.admin_tls_key

    @property
    def files_tls(self) -> tuple[Path, Path] | None:
        """Return certificate and key of `files`, None for plain HTTP; raises FwdctlError for one of the two."""
        if (self.files_tls_cert is None) != (self.files_tls_key is None):
            raise FwdctlError("--files-tls-cert and --files-tls-key go together", hint="give both, or neither")
        if self.files_tls_cert is None or self.files_tls_key is None:
            return None
        return self.files_tls_cert, self.files_tls_key

    @classmethod
    def load(cls, file: Path | None, given: dict[str, Any]) -> Self:
        """Return the settings: those of `given` that are not None (flags and variables) over those of `file`.

        Paths in the file are relative to it. Raises FwdctlError for a file that is missing or wrong.
        """
        from_file = _read(file) if file is not None else {}
        return cls(**from_file | {name: value for name, value in given.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON data, for a process of this server: the database's URL may hold a password."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the settings that `to_json` returned as data."""
        here = Path()
        return cls(**{name: _placed(name, value, here) for name, value in data.items() if value is not None})


_PATHS: Final = (
    "data",
    "secrets",
    "encryption_key_file",
    "station_ca",
    "station_crl",
    "admin_tls_cert",
    "admin_tls_key",
    "files_tls_cert",
    "files_tls_key",
)
_PATH_LISTS: Final = ("tls_cert", "tls_key")
_LISTS: Final = (*_PATH_LISTS, "oidc_grant")
_NUMBERS: Final = ("workers", "revisions_keep_last")


def _read(file: Path) -> dict[str, Any]:
    try:
        written = tomllib.loads(file.read_text())
    except OSError as error:
        raise FwdctlError(f"the config file {file} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FwdctlError(f"the config file {file} is no TOML: {error}") from error
    known = [setting.name for setting in fields(ServeSettings)]
    for name, value in written.items():
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"settings are {', '.join(known)}"
            raise FwdctlError(f"the config file {file} has an unknown setting {name!r}", hint=hint)
        if name in _LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value):
            continue
        if name in _NUMBERS:
            if type(value) is not int:
                raise FwdctlError(f"{name} in the config file {file} must be a number", hint=f"{name} = 2")
            continue
        if not isinstance(value, str):
            raise FwdctlError(f"{name} in the config file {file} must be text", hint=f'{name} = "..."')
    return {name: _placed(name, value, file.parent) for name, value in written.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _placed(name: str, value: Any, folder: Path) -> Any:
    """Return a setting of the file as the fields have it: paths are relative to the file's folder."""
    if name in _PATH_LISTS:
        return tuple(folder / item for item in ([value] if isinstance(value, str) else value))
    if name in _LISTS:
        return (value,) if isinstance(value, str) else tuple(value)
    return folder / value if name in _PATHS else value

"""The options that several verbs share, each written once."""

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from reconciler.app.api_contract import DEFAULT_URL as DEFAULT_URL
from reconciler.errors import FwdctlError
from reconciler.model.diagnostics import InvalidValue
from reconciler.model.durations import parse_duration
from reconciler.planning.pacing import PARALLELISM, RECONNECTS_PER_S

Url = Annotated[str, typer.Option("--url", envvar="FWDCTL_URL", help="Admin API of the fwdctl server.")]
Token = Annotated[
    str | None, typer.Option("--token", envvar="FWDCTL_TOKEN", show_envvar=True, help="Token for the admin API.")
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON (versioned, stable) instead of text.")]
Files = Annotated[
    list[str],
    typer.Option("--file", "-f", metavar="FILE|DIR|-", help="Specs: a file, a directory, or - for stdin; repeatable."),
]
Target = Annotated[
    list[str] | None, typer.Option("--target", metavar="ADDRESS", help="Only these resources; repeatable.")
]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", metavar="ADDRESS", help="All but these; repeatable.")]
Select = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="LABEL=VALUE", help="Only resources with this label; repeatable."),
]
Prune = Annotated[bool, typer.Option("--prune", help="Delete what is applied and not in the specs.")]
MaxDisruption = Annotated[
    str | None,
    typer.Option(
        metavar="N|N%",
        help="Live chargers that may be flipped, reconnected or disconnected (default 10% of more than 10).",
    ),
]
AllowEmpty = Annotated[bool, typer.Option("--allow-empty", help="Allow that nothing at all stays declared.")]
OverrideWindow = Annotated[
    bool, typer.Option("--override-window", help="Apply in spite of change windows; needs --reason.")
]
WaitForWindow = Annotated[bool, typer.Option("--wait-for-window", help="Wait until change windows let it through.")]
AllowDeleteAll = Annotated[bool, typer.Option("--allow-delete-all", help="Allow that every charger is deleted.")]
Canary = Annotated[
    str | None,
    typer.Option(metavar="N|N%", help="Change so many live chargers first, the others once these are confirmed."),
]
MaxFailures = Annotated[
    int | None, typer.Option(min=0, help="Stop once more chargers than this failed; 0 stops at the first.")
]
Parallelism = Annotated[int, typer.Option(min=1, max=1000, help="Chargers changed at once.")]
FlipsPerSecond = Annotated[
    float | None, typer.Option(min=0.01, help="Live flips begun per second; as they go without it.")
]
ReconnectsPerSecond = Annotated[
    float, typer.Option(min=0, help="Chargers sent off to connect anew per second, with jitter; 0: no limit.")
]
GitRef = Annotated[
    str | None, typer.Option(metavar="REF", help="Commit to name in history (default: the one the specs are in).")
]
GitAuthor = Annotated[
    str, typer.Option(envvar="FWDCTL_GIT_AUTHOR", help="Author to name in history instead of the commit's.")
]
GitCommit = Annotated[
    str,
    typer.Option(envvar="FWDCTL_GIT_COMMIT", help="Commit id for history where there is no checkout to read it from."),
]
AdminBind = Annotated[
    str | None, typer.Option(envvar="FWDCTL_ADMIN", metavar="HOST:PORT", help="Where the admin API listens.")
]
StationsBind = Annotated[
    str | None, typer.Option(envvar="FWDCTL_STATIONS", metavar="HOST:PORT", help="Where stations connect.")
]
SecretsDirectory = Annotated[
    Path | None,
    typer.Option(envvar="FWDCTL_SECRETS", metavar="DIR", help="What fromFile reads; default DIR/secrets."),
]
StoreUrl = Annotated[
    str | None,
    typer.Option(envvar="FWDCTL_STORE", metavar="URL", help="Database; default SQLite in the data directory."),
]
Workers = Annotated[
    int | None,
    typer.Option(envvar="FWDCTL_WORKERS", metavar="N", help="Processes for stations, on one port; needs PostgreSQL."),
]
EncryptionKeyFile = Annotated[
    Path | None,
    typer.Option(envvar="FWDCTL_ENCRYPTION_KEY_FILE", metavar="FILE", help="Keys for data at rest, newest first."),
]
Smtp = Annotated[
    str | None, typer.Option(envvar="FWDCTL_SMTP", metavar="URL", help="Mail server for notices: smtp://HOST:25.")
]
MailFrom = Annotated[
    str | None, typer.Option(envvar="FWDCTL_MAIL_FROM", metavar="ADDRESS", help="Whom notices come from, and name.")
]

HistoryKeep = Annotated[
    str | None,
    typer.Option(
        envvar="FWDCTL_HISTORY_KEEP", metavar="DURATION", help="How long events are kept; default 17520h, two years."
    ),
]
REVISIONS_MIN: Final = 2
"""The applied one, and one to go back to."""
RevisionsKeep = Annotated[
    str | None,
    typer.Option(
        envvar="FWDCTL_REVISIONS_KEEP",
        metavar="DURATION",
        help="How long show, dump and rollback go back; default 8760h, a year.",
    ),
]
RevisionsKeepLast = Annotated[
    int | None,
    typer.Option(
        envvar="FWDCTL_REVISIONS_KEEP_LAST",
        metavar="N",
        min=REVISIONS_MIN,
        help="So many revisions stay however old they are; default 100.",
    ),
]


def pace(
    canary: str | None,
    max_failures: int | None,
    parallelism: int = PARALLELISM,
    flips_per_second: float | None = None,
    reconnects_per_second: float = RECONNECTS_PER_S,
) -> dict[str, Any]:
    """Return how an apply is to go about its chargers, as the API takes it."""
    return {
        "canary": canary,
        "max_failures": max_failures,
        "parallelism": parallelism,
        "flips_per_s": flips_per_second,
        "reconnects_per_s": reconnects_per_second or None,
    }


def duration_s(flag: str, text: str) -> int:
    """Return the seconds of a duration such as 2h; raises FwdctlError, naming the flag, where it is none."""
    try:
        return parse_duration(text)
    except InvalidValue as error:
        raise FwdctlError(f"{flag}: {error.summary}", hint=error.hint) from error


def instant(flag: str, text: str) -> str:
    """Return a time with its offset, as the API takes it; one without offset is in this machine's time zone.

    Raises FwdctlError, naming the flag, where it is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except ValueError as error:
        hint = "write it as 2026-12-01T02:00, with or without an offset such as Z or +01:00"
        raise FwdctlError(f"{flag}: {text!r} is not a time", hint=hint) from error


def actor() -> str:
    """Return who is at the keyboard, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

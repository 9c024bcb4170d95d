"""The `fwdctl` command."""

import gc
import os
import sys
from typing import Annotated, Final

import typer

from reconciler.cli import exits
from reconciler.cli.output import plain
from reconciler.cli.verbs import Verbs

COLLECTED_AFTER: Final = 50_000
"""New objects after which the garbage collector looks at them: most are of libraries being loaded, and none of those is
garbage. At Python's own 700 a verb's start was spent on it to a tenth; `serve` has its own."""

app = typer.Typer(
    cls=Verbs,
    help="A relay for OCPP and the reconciler that runs it from YAML in Git.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
if plain():
    app.rich_markup_mode = None


@app.callback()
def everywhere(
    url: Annotated[str | None, typer.Option(help="As after the verb.")] = None,
    token: Annotated[str | None, typer.Option(help="As after the verb.")] = None,
) -> None:
    """Take --url and --token before the verb too: there they stand for their variables."""
    for name, value in (("FWDCTL_URL", url), ("FWDCTL_TOKEN", token)):
        if value is not None:
            os.environ[name] = value


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(COLLECTED_AFTER)
    code = exits.run(app, sys.argv[1:])
    gc.freeze()  # Python's last collections would go over all that is about to be gone with the process
    sys.exit(code)

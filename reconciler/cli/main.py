"""The `fwdctl` command: its verbs, each in a module of its own."""

import os
import sys
from typing import Annotated

import typer

from reconciler.cli import exits
from reconciler.cli.apply import apply
from reconciler.cli.demo import demo
from reconciler.cli.drift import drift
from reconciler.cli.dump import dump
from reconciler.cli.explain import explain
from reconciler.cli.failover import failover
from reconciler.cli.firmware import firmware, upload
from reconciler.cli.history import history
from reconciler.cli.lock import lock
from reconciler.cli.op import CONTEXT, op
from reconciler.cli.outage import outage
from reconciler.cli.password import password as password_verbs
from reconciler.cli.pause import pause, resume
from reconciler.cli.plan import plan
from reconciler.cli.rollback import rollback
from reconciler.cli.schema import schema
from reconciler.cli.serve import serve
from reconciler.cli.show import show
from reconciler.cli.status import status
from reconciler.cli.toggle import toggle
from reconciler.cli.token import token as token_verbs
from reconciler.cli.validate import validate
from reconciler.cli.version import version

app = typer.Typer(
    help="A relay for OCPP and the reconciler that runs it from YAML in Git.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    serve,
    validate,
    plan,
    apply,
    drift,
    status,
    explain,
    toggle,
    pause,
    resume,
    dump,
    show,
    history,
    rollback,
    lock,
    schema,
    version,
    demo,
):
    app.command()(verb)
app.command(context_settings=CONTEXT)(op)
app.add_typer(firmware, name="firmware")
app.add_typer(upload, name="upload")
app.add_typer(outage, name="outage")
app.add_typer(failover, name="failover")
app.add_typer(token_verbs, name="token")
app.add_typer(password_verbs, name="password")


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
    sys.exit(exits.run(app, sys.argv[1:]))

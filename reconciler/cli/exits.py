"""The one place where errors become words on stderr and an exit code."""

import json
import os
import traceback
from collections.abc import Callable, Sequence

import typer

from reconciler.app import api_contract
from reconciler.errors import FwdctlError, InvalidSpecs


def run(command: Callable[..., object], arguments: Sequence[str]) -> int:
    """Run the command line `arguments` and return its exit code; whatever goes wrong is told on stderr.

    With --json the error is the JSON object that the admin API would send, with the same exit code.
    """
    try:
        result = command(args=list(arguments), prog_name="fwdctl", standalone_mode=False)
    except FwdctlError as error:
        return _tell(error, arguments)
    except typer.TyperException as error:
        # Not the customary 2: that means "changes" here, and a pipeline must not take a typo for them.
        mistyped = _mistyped(error)
        return _tell(mistyped, arguments) if mistyped.summary else mistyped.exit_code  # help was printed instead
    except typer.Abort:
        return _tell(FwdctlError("the question was not answered", hint="--auto-approve answers yes"), arguments)
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence instead of a traceback
        if os.environ.get("FWDCTL_DEBUG"):
            traceback.print_exc()
        hint = "this is a bug of fwdctl; FWDCTL_DEBUG=1 shows where it happened"
        return _tell(FwdctlError(f"unexpected {type(error).__name__}: {error}", hint=hint), arguments)
    return result if isinstance(result, int) else 0


def _mistyped(error: typer.TyperException) -> FwdctlError:
    context: typer.Context | None = getattr(error, "ctx", None)
    verb = context.command_path if context is not None else "fwdctl"
    return FwdctlError(error.format_message(), hint="fwdctl --help" if verb == "fwdctl" else f"{verb} --help")


def _tell(error: FwdctlError, arguments: Sequence[str]) -> int:
    if "--json" in arguments:
        typer.echo(json.dumps(api_contract.error_to_json(error), indent=2), err=True)
        return error.exit_code
    if isinstance(error, InvalidSpecs):
        from reconciler.cli.diagnostics import render_diagnostics  # here: it loads rich, which no other error needs

        render_diagnostics(error.diagnostics)
    typer.echo(f"error: {error.summary}", err=True)
    if error.hint:
        typer.echo(f"hint: {error.hint}", err=True)
    return error.exit_code

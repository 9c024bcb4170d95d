"""`fwdctl plan`: what an apply of these specs would change, for people, pipelines and pull requests."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from reconciler.adapters.api_client import ApiClient
from reconciler.cli import options
from reconciler.cli.output import print_json, print_styled, say
from reconciler.cli.specs import planned
from reconciler.errors import FwdctlError
from reconciler.model.plan import Plan
from reconciler.model.plan_json import from_json
from reconciler.planning.render_markdown import render_markdown
from reconciler.planning.render_text import render_text

CHANGES: Final = 2
_STYLES: Final = {
    "heading": "bold",
    "add": "green",
    "change": "yellow",
    "destroy": "red",
    "quiet": "dim",
    "warning": "yellow",
}

Out = Annotated[Path | None, typer.Option(help="Write the plan to a file, for fwdctl apply --plan FILE.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Name every charger and every field.")]


def plan(
    files: options.Files,
    target: options.Target = None,
    exclude: options.Exclude = None,
    select: options.Select = None,
    prune: options.Prune = False,
    max_disruption: options.MaxDisruption = None,
    allow_empty: options.AllowEmpty = False,
    allow_delete_all: options.AllowDeleteAll = False,
    override_window: options.OverrideWindow = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 where the plan holds changes.")
    ] = False,
    out: Out = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull-request comment.")] = False,
    verbose: Verbose = False,
    json_output: options.JsonOutput = False,
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = None,
) -> int:
    """Show what applying the specs would change, on resources and on live chargers; changes nothing."""
    with ApiClient(url, token) as api:
        answer = planned(
            api,
            files,
            target=target or [],
            exclude=exclude or [],
            select=select or [],
            prune=prune,
            max_disruption=max_disruption,
            allow_empty=allow_empty,
            allow_delete_all=allow_delete_all,
            override_window=override_window,
        )
    made = from_json(answer)
    if out is not None:
        _write(out, json.dumps(answer, indent=2) + "\n")
    if json_output:
        print_json(answer)
    elif markdown:
        typer.echo(render_markdown(made), nl=False)
    else:
        print_plan(made, verbose=verbose)
    if out is not None:
        say(f"plan written to {out}; apply exactly this: fwdctl apply --plan {out}")
    return CHANGES if detailed_exitcode and not made.is_empty else 0


def print_plan(made: Plan, *, verbose: bool = False) -> None:
    """Print a plan for a person, in colour where the terminal has it."""
    print_styled((line.text, _STYLES.get(line.style, "")) for line in render_text(made, verbose=verbose))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise FwdctlError(f"the plan can't be written to {file}: {error.strerror}") from error

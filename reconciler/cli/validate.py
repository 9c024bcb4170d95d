"""`fwdctl validate`: everything wrong with the specs at once, without a server."""

import sys
from collections.abc import Sequence
from typing import Any

from reconciler.adapters.spec_files import read_documents
from reconciler.app.api_contract import FORMAT_VERSION, diagnostic_to_json
from reconciler.cli import options
from reconciler.cli.diagnostics import count_line, render_diagnostics
from reconciler.cli.output import answers, print_json
from reconciler.model.diagnostics import Diagnostic, Severity, by_position, has_errors
from reconciler.planning.resolve import check


def validate(files: options.Files, json_output: options.JsonOutput = False) -> int:
    """Check specs without a server; everything wrong is told at once. Exits 1 on any error."""
    documents, unread = read_documents(files, sys.stdin)
    site, diagnostics = check(documents, unread)
    diagnostics = by_position(diagnostics)
    if json_output:
        print_json(diagnostics_to_json(diagnostics))
    else:
        console = answers()
        render_diagnostics(diagnostics, console)
        counts = count_line(diagnostics)
        if has_errors(diagnostics):
            console.print(f"not valid: {counts}")
        else:
            held = f"{_counted(len(site.resources), 'resource')}, {_counted(len(site.chargers), 'charger')}"
            console.print(f"valid: {held}{f'; {counts}' if counts else ''}")
    return 1 if has_errors(diagnostics) else 0


def diagnostics_to_json(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """Return the findings in the shape of `terraform validate -json`, with the address besides."""
    errors = sum(finding.severity is Severity.ERROR for finding in diagnostics)
    return {
        "format_version": FORMAT_VERSION,
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": len(diagnostics) - errors,
        "diagnostics": [diagnostic_to_json(finding) for finding in diagnostics],
    }


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

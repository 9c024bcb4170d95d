"""`python -m tests.golden` (make golden) rewrites every file that is made from the code."""

import asyncio
import sys
from collections.abc import Mapping

from tests.golden import ROOT, golden_files
from tests.golden.examples import expected_plans
from tests.golden.security_matrix import PATH as SECURITY_MATRIX
from tests.golden.security_matrix import measured
from tests.golden.tour import walked


def write(files: Mapping[str, str]) -> None:
    """Write path -> text where it differs, and name what was written."""
    for path, text in files.items():
        file = ROOT / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")


write(golden_files())
write(asyncio.run(expected_plans()))
write({SECURITY_MATRIX: asyncio.run(measured())})
write({"README.md": asyncio.run(walked((ROOT / "README.md").read_text(encoding="utf-8")))})

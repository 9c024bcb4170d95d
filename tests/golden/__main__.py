"""`python -m tests.golden` (make golden) rewrites every file that is made from the code."""

import asyncio
import sys

from tests.golden import ROOT, golden_files
from tests.golden.examples import expected_plans
from tests.golden.tour import walked


async def made_by_running() -> dict[str, str]:
    """Return path -> text of the files that show what a running fwdctl prints."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return {**await expected_plans(), "README.md": await walked(readme)}


for path, text in {**golden_files(), **asyncio.run(made_by_running())}.items():
    file = ROOT / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")

"""`python -m tests.golden` (make golden) rewrites every file that is made from the code."""

import sys

from tests.golden import ROOT, golden_files

for path, text in golden_files().items():
    file = ROOT / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")

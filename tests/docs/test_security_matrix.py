"""The table of who is let in is what a run of it measures, and it says what it should."""

from tests.golden import ROOT
from tests.golden.security_matrix import ACCEPTED, CREDENTIALS, NOT_APPLICABLE, PATH, measured


async def test_the_table_is_what_is_measured_and_only_the_right_credential_is_let_in() -> None:
    text = await measured()
    assert (ROOT / PATH).read_text(encoding="utf-8") == text, "run: make golden"
    cells = [
        (name, cell)
        for line in text.splitlines()
        if line.startswith(("| 0", "| 1", "| 2", "| 3"))
        for name, cell in zip(CREDENTIALS, (part.strip() for part in line.strip("| ").split("|")[2:]), strict=True)
    ]
    assert len(cells) == 2 * 4 * 3 * len(CREDENTIALS)
    assert all((cell == ACCEPTED) == (name == "right") for name, cell in cells if cell != NOT_APPLICABLE)

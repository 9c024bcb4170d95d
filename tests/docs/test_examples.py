"""Every example validates, plans as it says, applies, and leaves nothing to do."""

from pathlib import Path

import pytest

from tests.golden.examples import EXAMPLES, EXPECTED_PLAN, SITE, empty_server


def test_there_are_examples() -> None:
    numbers = [example.name[:2] for example in EXAMPLES]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
async def test_an_example_plans_as_it_says_and_an_apply_leaves_nothing_to_do(example: Path) -> None:
    async with empty_server(example) as fwdctl:
        validated = await fwdctl("validate", "-f", SITE)
        assert (validated.code, validated.out.split(":")[0]) == (0, "valid"), validated.out
        planned = await fwdctl("plan", "-f", SITE)
        assert planned.out == (example / EXPECTED_PLAN).read_text(encoding="utf-8"), "run: make golden"
        applied = await fwdctl("apply", "-f", SITE, "--auto-approve")
        assert applied.code == 0, applied.err
        again = await fwdctl("plan", "-f", SITE, "--prune", "--detailed-exitcode")
        assert (again.code, again.out.splitlines()[-1].split(".")[0]) == (0, "No changes")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_says_what_it_shows(example: Path) -> None:
    readme = (example / "README.md").read_text(encoding="utf-8")
    assert f"fwdctl plan -f {SITE}" in readme
    assert len(readme.splitlines()) <= 40

"""What a start loads: libraries that take long are not loaded before somebody needs them.

Each entry was some hundredth of a second, or several, of every start; seen with `python -X importtime`.
"""

import subprocess
import sys

import pytest

OF_NO_PLAN = ("pydantic", "rich", "httpx", "asyncio", "sqlalchemy", "fastapi", "structlog", "cryptography")
OF_NO_START = ("fastapi", "uvicorn", "jinja2", "httpx", "click", "asyncpg", "jwt", "alembic", "aiosmtplib", "icalendar")
OF_OTHER_ENGINES = ("sqlalchemy.dialects.postgresql",)
OF_TERMINALS = ("rich",)
OF_NO_VERB = ("yaml", "zoneinfo")
MODULES = {
    ("plan",): OF_NO_PLAN,
    ("status",): (*OF_NO_PLAN, *OF_NO_VERB),
    ("version",): (*OF_NO_PLAN, *OF_NO_VERB),
    ("serve", "composition"): (*OF_NO_START, *OF_OTHER_ENGINES, *OF_TERMINALS, "yaml"),
}


@pytest.mark.parametrize("modules", MODULES, ids=" ".join)
def test_a_start_does_not_load(modules: tuple[str, ...]) -> None:
    loading = "".join(f"import reconciler.cli.{module}\n" for module in ("main", *modules))
    heavy = MODULES[modules]

    code = f"{loading}import sys\nprint(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_a_verb_that_is_run_does_not_load_models_to_read_its_options() -> None:
    code = (
        "import sys\nfrom reconciler.cli.main import main\nsys.argv = ['fwdctl', 'version', '--json']\ntry:\n    main()"
    )
    code += "\nfinally:\n    print(*[name for name in ('pydantic', 'rich', 'asyncio') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == ""


def test_the_libraries_that_are_named_here_are_there() -> None:
    named = sorted({name for heavy in MODULES.values() for name in heavy})

    subprocess.run([sys.executable, "-c", f"import {', '.join(named)}"], check=True)

"""The house rules, kept by a machine: sizes, docstrings, mirror tests, no print, no clock in the core."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "reconciler"
CORE = ("errors.py", "model", "planning", "relay", "local", "as_charger")
MIRRORED = ("model", "planning", "relay", "local", "as_charger", "app")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
CLOCKS = {"time", "monotonic", "perf_counter", "now", "utcnow", "today", "uuid4", "random"}
VAGUE_NAMES = re.compile(r"(Manager|Helper|Util)s?\b|utils?\b|_part\d")

FILES: Final = sorted(path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in path.as_posix())
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))
CORE_FILES: Final = [path for path in FILES if path.relative_to(PACKAGE).parts[0] in CORE]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Return all nodes of a file, its module first."""
    return list(ast.walk(ast.parse(text(path), path)))


def place(path: Path, node: ast.AST | None = None) -> str:
    line = getattr(node, "lineno", None)
    return path.relative_to(ROOT).as_posix() + (f":{line}" if line else "")


def test_no_file_is_too_long() -> None:
    lines = {place(path): len(text(path).splitlines()) for path in FILES + TESTS}
    too_long = {name: count for name, count in lines.items() if count > FILE_LINES_MAX}
    assert not too_long, "find the concept that wants a module of its own"


def test_no_function_is_too_long() -> None:
    functions = [(path, node) for path in FILES + TESTS for node in nodes(path) if isinstance(node, Function)]
    lines = {
        f"{place(path, one)} {one.name}": (one.end_lineno or one.lineno) - one.lineno + 1 for path, one in functions
    }
    assert not {name: count for name, count in lines.items() if count > FUNCTION_LINES_MAX}


def test_every_module_and_every_public_name_says_what_it_is() -> None:
    assert not [f"{place(path, node)} says nothing" for path in FILES for node in public(path) if not described(node)]


def public(path: Path) -> Iterator[ast.Module | ast.ClassDef | Function]:
    """Return a module, its public classes and functions, and the public methods of those."""
    module = nodes(path)[0]
    assert isinstance(module, ast.Module)
    yield module
    for node in module.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (one for one in node.body if isinstance(one, Function) and not one.name.startswith("_"))


def described(node: ast.Module | ast.ClassDef | Function) -> bool:
    return bool(ast.get_docstring(node))


def test_names_are_the_fields_own() -> None:
    assert not [place(path) for path in FILES if VAGUE_NAMES.search(path.stem)], "a file's name says what is in it"
    named = [(path, node) for path in FILES for node in nodes(path) if isinstance(node, ast.ClassDef | Function)]
    assert not [f"{place(path, node)} {node.name}" for path, node in named if VAGUE_NAMES.search(node.name)]


def test_nothing_prints_but_the_command_line() -> None:
    files = [path for path in FILES if "cli" not in path.parts]
    calls = [(path, node) for path in files for node in nodes(path) if isinstance(node, ast.Call)]
    assert not [
        place(path, call) for path, call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]


def test_the_core_reads_no_clock_and_rolls_no_dice() -> None:
    calls = [(path, node) for path in CORE_FILES for node in nodes(path) if isinstance(node, ast.Call)]
    assert not [place(path, call) for path, call in calls if reads_the_world(call)]


def reads_the_world(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in ("time", "datetime", "date", "uuid", "random")
        and function.attr in CLOCKS
    )


def test_decisions_never_await() -> None:
    found = [(path, node) for path in CORE_FILES for node in nodes(path)]
    assert not [place(path, node) for path, node in found if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


def test_every_module_of_the_core_has_its_mirror_test() -> None:
    modules = [path.relative_to(PACKAGE) for path in FILES if path.name != "__init__.py"]
    mirrors = [
        ROOT / "tests" / "unit" / module.with_name(f"test_{module.name}")
        for module in modules
        if module.parts[0] in MIRRORED
    ]
    assert not [f"{place(mirror)} is missing" for mirror in mirrors if not mirror.exists()]


def test_what_tests_import_is_there() -> None:
    """Mypy reads the package and the support of tests; this is for the tests themselves."""
    imports = [(path, node) for path in TESTS for node in nodes(path) if isinstance(node, ast.ImportFrom)]
    wanted = [
        (node.module, alias.name, place(path, node))
        for path, node in imports
        for alias in node.names
        if node.module is not None and node.module.partition(".")[0] in ("reconciler", "tests")
    ]
    assert not [f"{where}: {module} has no {name}" for module, name, where in wanted if not is_there(module, name)]


@cache
def is_there(module: str, name: str) -> bool:
    try:
        return hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None
    except ModuleNotFoundError:
        return False


def test_versions_agree() -> None:
    package = re.search(r'__version__ = "(.+)"', (PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    project = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert package is not None
    assert project is not None
    assert package[1] == project[1]
    assert f"## [{package[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

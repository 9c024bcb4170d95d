"""The house rules, kept by a machine: sizes, docstrings, mirror tests, no print, no clock in the core."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "reconciler"
CORE = ("errors.py", "model", "planning", "relay", "local", "as_charger")
MIRRORED = ("model", "planning", "relay", "local", "as_charger", "app")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
CLOCKS = {"time", "monotonic", "perf_counter", "now", "utcnow", "today", "uuid4", "random"}
VAGUE_NAMES = re.compile(r"(Manager|Helper|Util)s?\b|utils?\b|_part\d")

type_checked = sorted(path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in path.as_posix())
tests = sorted((ROOT / "tests").rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", type_checked + tests, ids=relative)
def test_no_file_is_too_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES_MAX, f"{lines} lines; find the concept that wants a module of its own"


@pytest.mark.parametrize("path", type_checked + tests, ids=relative)
def test_no_function_is_too_long(path: Path) -> None:
    for function in functions(parsed(path)):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= FUNCTION_LINES_MAX, f"{function.name} has {lines} lines"


@pytest.mark.parametrize("path", type_checked, ids=relative)
def test_every_module_and_every_public_name_says_what_it_is(path: Path) -> None:
    tree = parsed(path)
    assert ast.get_docstring(tree), "the module says nothing"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} says nothing"
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and not member.name.startswith("_"):
                    assert ast.get_docstring(member), f"{node.name}.{member.name} says nothing"


@pytest.mark.parametrize("path", type_checked, ids=relative)
def test_names_are_the_fields_own(path: Path) -> None:
    assert not VAGUE_NAMES.search(path.stem), "a file's name says what is in it"
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            assert not VAGUE_NAMES.search(node.name), node.name


@pytest.mark.parametrize("path", [p for p in type_checked if "cli" not in p.parts], ids=relative)
def test_nothing_prints_but_the_command_line(path: Path) -> None:
    calls = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
    assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


@pytest.mark.parametrize("path", [p for p in type_checked if p.relative_to(PACKAGE).parts[0] in CORE], ids=relative)
def test_the_core_reads_no_clock_and_rolls_no_dice(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            if isinstance(of, ast.Name) and of.id in ("time", "datetime", "date", "uuid", "random"):
                assert node.func.attr not in CLOCKS, f"line {node.lineno}: {of.id}.{node.func.attr}"
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"line {node.lineno}: decisions never await"


@pytest.mark.parametrize("path", [p for p in type_checked if p.relative_to(PACKAGE).parts[0] in MIRRORED], ids=relative)
def test_every_module_of_the_core_has_its_mirror_test(path: Path) -> None:
    if path.name == "__init__.py":
        return
    mirror = ROOT / "tests" / "unit" / path.relative_to(PACKAGE).with_name(f"test_{path.name}")
    assert mirror.exists(), f"{relative(mirror)} is missing"


def test_versions_agree() -> None:
    package = re.search(r'__version__ = "(.+)"', (PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    project = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert package is not None
    assert project is not None
    assert package[1] == project[1]
    assert f"## [{package[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

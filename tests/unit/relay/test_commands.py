"""Commands: plain imperatives, and the closed list of notes."""

import ast
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import reconciler.relay
from reconciler.relay import commands


@pytest.mark.parametrize("command", get_args(commands.Command), ids=lambda command: command.__name__)
def test_a_command_is_a_frozen_value(command: type[msgspec.Struct]) -> None:
    made = command(*[None for _ in command.__struct_fields__])
    assert made == command(*[None for _ in command.__struct_fields__])
    with pytest.raises(AttributeError):
        made.other = 1


def test_every_note_that_the_core_makes_is_listed() -> None:
    made = set()
    for path in Path(reconciler.relay.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("note", "_refuse"):
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                made |= set(texts[:1]) & {text for text in texts if text.islower() and "-" in text}
    assert made == set(commands.NOTES)

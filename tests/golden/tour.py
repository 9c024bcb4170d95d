"""The README's tour, walked: its commands run in a kept demo, and what they print stands where the README shows it.

Blocks fenced as `console` are commands (`$ ...`) with their output, run in order. A block fenced as `diff` is an edit
of site.yaml. The lines of a block fenced as `text` come in that order in what the demo prints; `...` leaves lines out.
"""

import asyncio
import contextlib
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.server_process import clean_environ

WORDS_OF_THE_LAST_LINE: Final = "edit site.yaml"
PERSON: Final = "alice"
_BLOCK: Final = re.compile(r"^```(?P<kind>console|diff|text)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIES: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)"), "TIME"),
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"(partner-pay|grid-co) \d+"), r"\1 COUNT"),
    (re.compile(r"\d+ readings, \d+ Wh"), "READINGS"),
    (re.compile(r"answered, of \d+"), "answered, of COUNT"),
    (re.compile(r" {2,}"), "  "),
)


@dataclass(frozen=True, slots=True)
class KeptDemo:
    """A `fwdctl demo --keep` that goes on: what it printed, where its site is, and its server."""

    printed: str
    directory: Path
    url: str

    async def run(self, command: str) -> str:
        """Return what a `fwdctl ...` command prints in the directory of the site, as a terminal shows it."""
        program, *arguments = shlex.split(command)
        assert program == "fwdctl", f"the tour runs fwdctl, not {program}"
        process = await asyncio.create_subprocess_exec(
            *_FWDCTL,
            *arguments,
            cwd=self.directory,
            env=clean_environ() | {"FWDCTL_URL": self.url, "LOGNAME": PERSON, "PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        return "".join(f"{line.rstrip()}\n" for line in printed.decode().splitlines())

    def edit(self, diff: str) -> None:
        """Replace in site.yaml what the lines with - say by what those with + say."""
        removed, added = ([line[2:] for line in diff.splitlines() if line.startswith(sign)] for sign in "-+")
        site = self.directory / "site.yaml"
        text = site.read_text(encoding="utf-8")
        for old, new in zip(removed, added, strict=True):
            assert text.count(old) == 1, f"site.yaml has no line, or several, with {old}"
            text = text.replace(old, new)
        site.write_text(text, encoding="utf-8")


_FWDCTL: Final = (sys.executable, "-c", "from reconciler.cli.main import main; main()")


@contextlib.asynccontextmanager
async def kept_demo() -> AsyncIterator[KeptDemo]:
    """Play the demo and keep it for the block; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *_FWDCTL, "demo", "--keep", env=clean_environ(), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        printed = ""
        async with asyncio.timeout(60):
            while WORDS_OF_THE_LAST_LINE not in printed:
                line = (await process.stdout.readline()).decode()
                assert line, f"the demo ended: {printed}"
                printed += line
        found = re.search(r"cd (\S+) && export FWDCTL_URL=(\S+)", printed)
        assert found is not None
        yield KeptDemo(printed, Path(found[1]), found[2])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()
    assert process.returncode == os.EX_OK


async def walked(text: str) -> str:
    """Return `text` with its tour as it really goes; what differs by times and counts alone is left as it is."""
    async with kept_demo() as demo:
        pieces, end = [], 0
        for block in _BLOCK.finditer(text):
            pieces += [text[end : block.start("body")], await _walk(demo, block["kind"], block["body"])]
            end = block.end("body")
    return "".join([*pieces, text[end:]])


async def _walk(demo: KeptDemo, kind: str, body: str) -> str:
    if kind == "diff":
        demo.edit(body)
    elif kind == "text":
        _check_excerpt(body, demo.printed)
    else:
        commands = [line.removeprefix("$ ") for line in body.splitlines() if line.startswith("$ ")]
        real = "\n".join([f"$ {command}\n{await demo.run(command)}" for command in commands])
        return body if normalised(body) == normalised(real) else real
    return body


def _check_excerpt(body: str, printed: str) -> None:
    """Raise AssertionError for a line of `body` that `printed` does not have, or not in that order."""
    lines = iter(normalised(printed).splitlines())
    for line in body.splitlines():
        assert line == "..." or normalised(line) in lines, f"the demo does not print, or not there: {line}"


def normalised(text: str) -> str:
    """Return `text` with a word in place of all that differs from run to run."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text


def commands_in(text: str) -> Iterator[str]:
    """Yield every `fwdctl ...` command that a document shows, in a block or within a line, without comments."""
    for kind, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        prompt = r"\$ " if kind in ("console", "text") else ""
        for line in re.findall(rf"^ *{prompt}(fwdctl .*)$", body, re.MULTILINE):
            yield line.split(" #")[0].strip()
    yield from re.findall(r"(?<!`)`(fwdctl [^`\n]+)`", text)

"""docs/outages.md: what partners copy from it works."""

import re
import time
from pathlib import Path
from typing import Any

from reconciler.adapters.webhook import signature
from tests.support.sites import SMALL, checked

PAGE = (Path(__file__).parent.parent.parent / "docs" / "outages.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_way_to_verify_a_signature_is_right() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    now = int(time.time())
    header = signature(b"s3cret", now, b'{"a": 1}')
    assert names["is_genuine"](b"s3cret", header, b'{"a": 1}')
    assert not names["is_genuine"](b"s3cret", header, b'{"a": 2}')
    assert not names["is_genuine"](b"other", header, b'{"a": 1}')
    assert not names["is_genuine"](b"s3cret", signature(b"s3cret", now - 999, b"x"), b"x")


def test_the_example_is_a_spec() -> None:
    example = block("yaml").replace("partner-pay", "partner").replace("site: depot-a", "site: a")
    site = SMALL.replace("partner.example/ocpp,", "partner.example/ocpp, contacts: [{email: noc@partner.example}],")
    assert checked(site, example)[1] == []

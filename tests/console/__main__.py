"""Makes the pictures of the guides anew: plays the tests that take them, and keeps the few that the guides show."""

import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.console.browser import SHOTS

HERE: Final = Path(__file__).parent
IMAGES: Final = HERE.parent.parent / "docs" / "images"
MAX_BYTES: Final = 180_000

KEPT: Final = {
    "fleet-desk-light": "console-chargers",
    "charger-desk-dark": "console-charger-dark",
    "visit-1-proxy-mode-phone-light": "visit-proxy-mode",
    "visit-2-greyed-out-phone-light": "visit-greyed-out",
    "visit-4-what-it-does-phone-light": "visit-what-it-does",
    "visit-5-taken-over-phone-light": "visit-taken-over",
    "visit-6-firmware-phone-light": "visit-firmware",
    "visit-7-log-phone-light": "visit-log",
}
"""What a test calls a picture -> what the guides call it."""


def main() -> int:
    """Play, copy, and say what is too large for a repository."""
    played = pytest.main(["-q", str(HERE / "test_technicians_visit.py"), str(HERE / "test_every_page.py")])
    if played != 0:
        return int(played)
    IMAGES.mkdir(exist_ok=True)
    for taken, name in KEPT.items():
        shutil.copyfile(SHOTS / f"{taken}.png", IMAGES / f"{name}.png")
    large = [image.name for image in IMAGES.glob("*.png") if image.stat().st_size > MAX_BYTES]
    if large:
        sys.stderr.write(f"larger than {MAX_BYTES} bytes: {', '.join(large)}\n")
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())

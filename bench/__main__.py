"""`python -m bench`: measure everything, print the table and write it to bench/RESULTS.md."""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.generator import LoadFailed, compiled
from bench.measuring import FULL, QUICK, Bench
from bench.report import rendered

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds, and as many chargers as the machine allows")
    size = FULL if parser.parse_args().full else QUICK
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        try:
            program = compiled(directory)
        except LoadFailed as failed:
            print(failed, file=sys.stderr)
            return 1
        figures = Bench(program, directory, size, lambda line: print(line, file=sys.stderr, flush=True)).run()
    text = rendered(figures, size)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

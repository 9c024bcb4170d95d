"""`python -m tests.simulation --seed n | --seeds n`: replay one seed, or explore; exit code 1 on a violation."""

import argparse
import sys
import time

from tests.simulation.rules import violations
from tests.simulation.world import World


def main() -> int:
    """Run the asked seeds and print what they were like."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this one, with its whole history")
    parser.add_argument("--seeds", type=int, default=100, help="run this many, from 0 (100)")
    arguments = parser.parse_args()
    seeds = range(arguments.seeds) if arguments.seed is None else [arguments.seed]
    broken = total = 0
    began_s = time.process_time()
    for seed in seeds:
        world = World(seed).run()
        if arguments.seed is not None:
            for site in world.sites:
                sys.stdout.writelines(f"{site.name} {record.line()}\n" for record in site.history)
        found = violations(world)
        broken += bool(found)
        events = sum(len(site.history) for site in world.sites)
        total += events
        sys.stdout.write(f"seed {seed}: {events} events, {len(found)} violations, history {world.hash}\n")
        sys.stdout.writelines(f"{violation}\n" for violation in found)
    took_s = time.process_time() - began_s
    sys.stdout.write(f"{len(seeds)} seeds: {total} events, {broken} seeds with violations, {took_s:.0f} s of CPU\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""Compare the CPU time of predictions by two checkouts in turns, so that other load of the machine meets both alike.

    python -m benchmarks.prediction_pairs --other ../before --bundle FOLDER [--rounds 40]

Each checkout answers in a process of its own, by its own code and packages (`.venv`); they take turns, a few calls at a
time. Prints the least milliseconds of each and the median, over the rounds, of the ratio of a round's medians.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).parents[1]
SCRIPT = """
import gc
import sys
import time
from pathlib import Path

from benchmarks.prediction_speed import bodies_of, whole
from serving.inference.loaded_model import load_model

served = load_model(Path(sys.argv[1]))
gc.collect()
gc.freeze()  # as the service does
bodies = bodies_of(served)
print("ready", flush=True)
for line in sys.stdin:
    count, explain, calls, pause = line.split()
    work, _ = whole(served, bodies[int(count)], explain=explain == "True")
    spent = []
    for _ in range(int(calls)):
        time.sleep(float(pause))
        before = time.process_time_ns()
        work()
        spent.append(time.process_time_ns() - before)
    print(*spent, flush=True)
"""
"""What each checkout runs: the functions that it calls have to exist in both, so they keep their names."""
KINDS = {
    "one creative": (1, False, 20, 0.0),
    "one creative, 10 ms after the last": (1, False, 8, 0.01),
    "one creative, explained in full": (1, True, 10, 0.0),
    "16 creatives": (16, False, 8, 0.0),
    "500 creatives": (500, False, 1, 0.0),
}
"""Name → creatives, whether explained, calls of a round, seconds between two calls."""


def main() -> None:
    """Print a line per kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=Path, required=True, help="the checkout to compare with; it needs its `.venv`")
    parser.add_argument("--bundle", type=Path, required=True, help="a bundle folder that both can read")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    other, this = (started(folder, options.bundle.resolve()) for folder in (options.other.resolve(), HERE))
    print(f"{'least CPU, ms':40}{'other':>10}{'this':>10}{'ratio':>10}")
    for name, (count, explain, calls, pause) in KINDS.items():
        wanted = f"{count} {explain} {calls} {pause}\n"
        rounds = [(asked(other, wanted), asked(this, wanted)) for _ in range(max(options.rounds // count, 6))]
        least = [min(min(own) for own in times) / 1e6 for times in zip(*rounds)]
        ratio = median(median(after) / median(before) for before, after in rounds)
        print(f"{name:40}{least[0]:10.2f}{least[1]:10.2f}{ratio:10.3f}", flush=True)
    for process in (other, this):
        process.communicate()


def started(checkout: Path, bundle: Path) -> subprocess.Popen[str]:
    """A checkout that is ready to be asked.

    Raises:
        SystemExit: It cannot load the bundle.
    """
    python = sys.executable if checkout == HERE else str(checkout / ".venv" / "bin" / "python")
    process = subprocess.Popen(
        [python, "-c", SCRIPT, str(bundle)],
        cwd=checkout,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SystemExit(f"{checkout} cannot predict with {bundle}")
    return process


def asked(process: subprocess.Popen[str], wanted: str) -> list[int]:
    """Nanoseconds of CPU of each call."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(wanted)
    process.stdin.flush()
    return [int(spent) for spent in process.stdout.readline().split()]


if __name__ == "__main__":
    main()

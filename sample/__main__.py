"""Write the sample world: `python -m sample --out <folder> --truth <file>`."""

import argparse
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from sample.exports import write_exports
from sample.files import FolderTaken, write
from sample.simulation import simulate_world
from sample.truth import truth, truth_bytes
from sample.worlds import DEFAULT, WORLDS


def main(arguments: list[str] | None = None) -> int:
    """Write the exports, then the truth; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sample", description=__doc__)
    parser.add_argument("--out", default="var/sample-exports", help="folder for the exports (default: %(default)s)")
    parser.add_argument(
        "--truth", default="var/sample-truth.parquet", help="file for the true rates (default: %(default)s)"
    )
    parser.add_argument(
        "--world",
        choices=list(WORLDS),
        default=DEFAULT,
        help="which world, see docs/sample.md (default: %(default)s)",
    )
    size_arguments(parser)
    parser.add_argument(
        "--until", type=_day, help="last day of the exports, YYYY-MM-DD; the figures stay the same (default: yesterday)"
    )
    options = parser.parse_args(arguments)
    out, truth_path = Path(options.out), Path(options.truth)
    if truth_path.resolve().is_relative_to(out.resolve()):
        parser.error("--truth must lie outside --out: nobody may train on it by accident")
    simulation = simulate_world(options.seed, options.creatives, options.days, options.world, _last_day(options.until))
    truth_path.unlink(missing_ok=True)
    try:
        sizes = write_exports(options.seed, simulation.world, simulation.days, simulation.hours, out)
    except (FolderTaken, OSError) as problem:
        print(f"sample: {problem}", file=sys.stderr)
        return 2
    write(truth_path, truth_bytes(truth(simulation.world, simulation.traffic)))
    print(
        f"world {options.world}: {len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB in {out}; truth in {truth_path}"
    )
    return 0


def size_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the size and the seed of a world."""
    for name, default, low, high, what in (
        ("--creatives", 4000, 50, 50_000, "how many creatives run"),
        ("--days", 90, 14, 180, "how many days the exports cover"),
        ("--seed", 7, 0, 2**31, "another number, another world"),
    ):
        text = f"{what}, {low} to {high} (default: %(default)s)"
        parser.add_argument(name, type=_Within(low, high), default=default, help=text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; give one such as 2026-06-30") from None


def _last_day(until: date | None) -> pd.Timestamp:
    """The day asked for, else yesterday in China, where the exports are made."""
    return pd.Timestamp(until or datetime.now(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1))


class _Within:
    """Parse an integer between two bounds, for argparse."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def __call__(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not self.low <= value <= self.high:
            raise argparse.ArgumentTypeError(f"{value} is outside {self.low} to {self.high}")
        return value


if __name__ == "__main__":
    sys.exit(main())

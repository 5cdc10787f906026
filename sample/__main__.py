"""How is the sample world made? `python -m sample --out <folder> --truth <file>`."""

import argparse
import sys
from pathlib import Path

from sample.days import daily
from sample.exports import write_exports
from sample.files import FolderTaken, write
from sample.later import exported_hours
from sample.traffic import simulate
from sample.truth import truth, truth_bytes
from sample.world import build


def main(arguments: list[str] | None = None) -> int:
    """Writes the exports, then the truth; gives the exit status."""
    asked = _parser().parse_args(arguments)
    out, truth_path = Path(asked.out), Path(asked.truth)
    if truth_path.resolve().is_relative_to(out.resolve()):
        _parser().error("--truth must lie outside --out: nobody may train on it by accident")
    world = build(asked.seed, asked.creatives, asked.days)
    traffic = simulate(asked.seed, world)
    hours = exported_hours(asked.seed, world, traffic)
    days = daily(asked.seed, world, hours)
    truth_path.unlink(missing_ok=True)
    try:
        sizes = write_exports(asked.seed, world, days, hours, out)
    except FolderTaken as taken:
        print(f"sample: {taken}", file=sys.stderr)
        return 2
    content = truth_bytes(truth(world, traffic))
    write(truth_path, content)
    print(f"{len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB in {out}; truth in {truth_path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sample", description=__doc__)
    parser.add_argument(
        "--out", default="var/sample-exports", help="folder for the exports (default: %(default)s)"
    )
    parser.add_argument(
        "--truth", default="var/sample-truth.parquet", help="file for the true rates (default: %(default)s)"
    )
    parser.add_argument(
        "--creatives",
        type=_within(10, 50_000),
        default=4000,
        help="how many run, 10 to 50000 (default: %(default)s)",
    )
    parser.add_argument(
        "--days", type=_within(10, 180), default=90, help="days of exports, 10 to 180 (default: 90)"
    )
    parser.add_argument(
        "--seed", type=_within(0, 2**31), default=7, help="another number, another world (default: 7)"
    )
    return parser


class _within:
    """An integer between two bounds, for argparse."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def __call__(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not self.low <= value <= self.high:
            raise argparse.ArgumentTypeError(f"{value} is outside {self.low} … {self.high}")
        return value


if __name__ == "__main__":
    sys.exit(main())

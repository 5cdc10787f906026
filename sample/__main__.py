"""How is the sample world made? `python -m sample --out <folder> --truth <file>`."""

import argparse
import sys
from pathlib import Path

from sample.exports import write_exports
from sample.files import FolderTaken, write
from sample.make import Made, make
from sample.truth import truth, truth_bytes


def main(arguments: list[str] | None = None) -> int:
    """Writes the exports, then the truth; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sample", description=__doc__)
    parser.add_argument("--out", default="var/sample-exports", help="folder for the exports (default: %(default)s)")
    parser.add_argument(
        "--truth", default="var/sample-truth.parquet", help="file for the true rates (default: %(default)s)"
    )
    world_arguments(parser)
    asked = parser.parse_args(arguments)
    out, truth_path = Path(asked.out), Path(asked.truth)
    if truth_path.resolve().is_relative_to(out.resolve()):
        parser.error("--truth must lie outside --out: nobody may train on it by accident")
    made = world_of(asked)
    truth_path.unlink(missing_ok=True)
    try:
        sizes = write_exports(asked.seed, made.world, made.days, made.hours, out)
    except (FolderTaken, OSError) as problem:
        print(f"sample: {problem}", file=sys.stderr)
        return 2
    write(truth_path, truth_bytes(truth(made.world, made.traffic)))
    print(f"{len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB in {out}; truth in {truth_path}")
    return 0


def world_arguments(parser: argparse.ArgumentParser) -> None:
    """What decides a world, the same for every command."""
    for name, default, low, high, what in (
        ("--creatives", 4000, 50, 50_000, "how many creatives run"),
        ("--days", 90, 14, 180, "how many days the exports cover"),
        ("--seed", 7, 0, 2**31, "another number, another world"),
    ):
        told = f"{what}, {low} to {high} (default: %(default)s)"
        parser.add_argument(name, type=_Within(low, high), default=default, help=told)


def world_of(asked: argparse.Namespace) -> Made:
    """The world of parsed `world_arguments`."""
    return make(asked.seed, asked.creatives, asked.days)


class _Within:
    """An integer between two bounds, for argparse."""

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

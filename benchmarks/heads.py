"""Compare designs of the heads on the folds of the training rows, where designs are chosen, and on the holdout.

    python -m benchmarks.heads --data PATH … [--config FILE] [--truth FILE] [--cold-share S] [--out FILE.csv]
    python -m benchmarks.heads --verdict FILE.csv …

Prints, for one data set: ways to set the level of cost, by the funnel model alone (`benchmarks.cost_level`); the
members of the stack; three composed heads against a head of its own for every target; with `--bundle FOLDER`, what
tuning gained for that bundle. `--verdict` reads the figures of several data sets: own heads are taken only if they are
better than composed ones by more than DIRECT_GAIN in deviance (geometric mean over the targets of several heads) on
most of them, by their folds.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks.head_designs import COMPOSED, DIRECT, FIGURES, FOLDS, HEADS, HOLDOUT, compare
from benchmarks.load_files import read, some_creatives
from benchmarks.pages import TextTable, print_table
from benchmarks.tasks import make_task
from configs.errors import GpmcastError
from configs.settings import load_settings
from training.registry.bundle import read_manifest

DIRECT_GAIN = 0.03


def main() -> None:
    """Print one data set's tables or the verdict over several; what a user can fix goes to stderr with exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", default=[], help="exports; may be repeated")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"), help="settings of the run")
    parser.add_argument("--truth", type=Path, help="truth of the sample world")
    parser.add_argument("--cold-share", type=float, default=0.0, help="share of the creatives held out altogether")
    parser.add_argument("--every", type=int, default=1, help="use every Nth creative only")
    parser.add_argument("--bundle", type=Path, help="bundle of a run on these data: prints what tuning gained")
    parser.add_argument("--out", type=Path, help="CSV of the figures")
    parser.add_argument("--verdict", type=Path, nargs="+", help="such files of several data sets")
    options = parser.parse_args()
    out = Console()
    try:
        if options.verdict:
            print_table(verdict({path.stem: pd.read_csv(path) for path in options.verdict}), out)
            return
        if not options.data:
            parser.error("--data or --verdict is needed")
        settings = load_settings(options.config)
        task = make_task(some_creatives(read(options.data, settings), options.every), settings, options.cold_share)
        truth = pd.read_parquet(options.truth) if options.truth else None
        found = compare(task, truth, lambda line: Console(stderr=True).print(line))
        tuned = [tuning(options.bundle)] if options.bundle else []
    except (GpmcastError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    for table in [*tables(found), *tuned]:
        print_table(table, out)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        found.to_csv(options.out, index=False)


def tables(found: pd.DataFrame) -> list[TextTable]:
    """One table per section and place: a line per way, a column per target with its rank, deviance and total."""
    shown = []
    for (section, where), rows in found.groupby(["section", "where"], sort=False):
        table = rows.pivot_table(index=["way", "target"], columns="figure", values="value", sort=False)[list(FIGURES)]
        cells = table.map("{:.3f}".format).agg(" | ".join, axis=1).unstack(sort=False)
        lines = [(str(way), *line) for way, line in zip(cells.index, cells.to_numpy(str).tolist())]
        shown.append(TextTable(f"{section}: {where} (rank | deviance | total)", ("way", *map(str, cells)), lines))
    return shown


def verdict(sets: Mapping[str, pd.DataFrame]) -> TextTable:
    """Deviance of own heads over that of composed ones on every data set, and the rule's verdict by the folds."""
    lines, better = [], 0
    for name, found in sets.items():
        rows = found[(found["section"] == HEADS) & (found["figure"] == "deviance")]
        table = rows.pivot_table(index=["where", "target"], columns="way", values="value")
        logs = pd.Series(np.log(table[DIRECT] / table[COMPOSED]), index=table.index)
        quotient = np.exp(logs.groupby("where").mean())
        better += int(quotient[FOLDS] < 1 - DIRECT_GAIN)
        lines.append((name, *(f"{quotient[where]:.3f}" for where in (FOLDS, HOLDOUT))))
    taken = "own heads" if 2 * better > len(sets) else "composed heads"
    title = f"Deviance of own heads over composed ones: more than {DIRECT_GAIN:.0%} better on {better} of {len(sets)}"
    return TextTable(f"{title}, so {taken}", ("data", FOLDS, HOLDOUT), lines)


def tuning(bundle: Path) -> TextTable:
    """What the study found for a bundle: gain over the hand setting on the folds, and whether it was taken."""
    lines = []
    for name, choice in read_manifest(bundle).choices.items():
        hand = choice.hand.deviance
        gain = "·" if choice.gain is None or not hand else f"{choice.gain / hand:+.2%}"
        error = "·" if choice.gain_error is None or not hand else f"{choice.gain_error / hand:.2%}"
        lines.append((name, "·" if hand is None else f"{hand:.4f}", gain, error, "yes" if choice.tuned else "no"))
    return TextTable("Tuning, on the folds", ("head", "deviance by hand", "gain", "standard error", "taken"), lines)


if __name__ == "__main__":
    main()

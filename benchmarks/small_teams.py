"""How models of little data do on time that they did not see, over many small worlds of the sample:

    python -m benchmarks.small_teams [--world additive …] [--seeds 201 202 …] [--creatives 100 200 400 800] [--days 75]

Each world is split and trained as a run does it, by the funnel model alone (no trees, no study). Two tables, by number
of creatives and over all: later volume (total predicted over total that came: median over worlds, root mean square of
its log, shares of worlds below a half and above two; rank of the typical volume with the outcome; rank of GPM), and
intervals (worlds that have them; share of outcomes inside, by target and promotion type, rows and creatives pooled).
Worlds differ in who becomes a hit: totals of few creatives scatter whatever the model.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from benchmarks.load_files import read
from benchmarks.odd_tables import UNTIL
from configs.settings import Settings
from features.targets import TARGETS
from sample.__main__ import main as write_sample
from sample.worlds import WORLDS
from training.boosting.recipe import Recipe, fit_on, out_of_fold, predict_out_of_sample
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import prepare
from training.errors import TooThinError
from training.evaluation.coverage import interval_side
from training.labels.judged import judged_rows
from training.labels.outcomes import actual_targets
from training.steps import supported_by
from training.uncertainty import OutOfSample, fit_uncertainty

VOLUME = "later_impressions"


@dataclass(frozen=True)
class World:
    """One small world, trained: its holdout as its model predicts it, and the sides of the intervals.

    Attributes:
        creatives: Of the world.
        held: The holdout.
        covered: `target`, `promotion_type`, `creative_id`, `inside` of every judged row with an interval.
    """

    creatives: int
    held: OutOfSample
    covered: pd.DataFrame


def trained(folder: Path, creatives: int) -> World | None:
    """Train on the exports of a folder as a run does, without trees; None where there is too little."""
    try:
        dataset = prepare(read([folder], Settings()), Settings())
        found = supported_by(dataset)
    except TooThinError:
        return None
    dataset = replace(dataset, settings=found.settings)
    ((train, until),), moments = plan_refits(dataset, [(found.train, found.since)])
    dataset = with_refits(dataset, moments)
    model = fit_on(dataset, train, until, Recipe())
    held = predict_out_of_sample(dataset, found.holdout, model)
    fitted = fit_uncertainty(out_of_fold(dataset, train, Recipe()), dataset.funnel, dataset.settings)
    parts = [pd.DataFrame(columns=["target", "promotion_type", "creative_id", "inside"])]
    if fitted is not None:
        own, actual = fitted.of(held.predicted, held.features), actual_targets(held.outcome, dataset.funnel)
        judged = judged_rows(held.outcome, dataset.funnel, dataset.settings.evaluate.min_impressions)
        for target in fitted.targets:
            side = interval_side(own, target, actual[target].to_numpy(np.float64), own.levels(target))
            rows = held.predicted[["promotion_type", "creative_id"]].astype("str")
            rows = rows.assign(target=target, inside=(side == 0).astype(np.float64))
            parts.append(rows[judged[target] & np.isfinite(side)])
    return World(creatives, held, pd.concat(parts, ignore_index=True))


def volume_line(worlds: Sequence[World]) -> dict[str, float]:
    """Later volume and GPM of some worlds."""
    logs, ranks, gpm = [], [], []
    for one in worlds:
        came = one.held.outcome["later:impressions"].to_numpy(np.float64)
        predicted = one.held.predicted
        logs.append(float(np.log(predicted[VOLUME].sum() / max(came.sum(), 1.0))))
        ranks.append(float(spearmanr(predicted["typical_volume"], came).statistic))
        some = came >= Settings().evaluate.min_impressions
        if some.sum() > 20:
            true = one.held.outcome["later:gmv_cny"].to_numpy(np.float64)[some] / came[some]
            gpm.append(float(spearmanr(predicted["gpm"][some], true).statistic))
    total = np.array(logs)
    return {
        "worlds": len(total),
        "total": float(np.exp(np.median(total))),
        "rms log": float(np.sqrt(np.mean(total**2))),
        "< 1/2": float(np.mean(total < -np.log(2))),
        "> 2": float(np.mean(total > np.log(2))),
        "< 1/5": float(np.mean(total < -np.log(5))),
        "rank volume": float(np.mean(ranks)),
        "rank GPM": float(np.nanmean(gpm)) if gpm else float("nan"),
    }


def interval_lines(worlds: Sequence[World]) -> Iterator[dict[str, object]]:
    """Coverage by target and promotion type, over all worlds that have intervals."""
    covered = pd.concat([one.covered.assign(world=place) for place, one in enumerate(worlds)], ignore_index=True)
    for (target, name), rows in covered.groupby(["target", "promotion_type"], sort=False):
        yield {
            "target": TARGETS[str(target)].name,
            "promotion type": name,
            "worlds": int(rows["world"].nunique()),
            "rows": len(rows),
            "creatives": len(rows[["world", "creative_id"]].drop_duplicates()),
            "inside": float(rows["inside"].mean()),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_teams", description=__doc__)
    parser.add_argument("--world", action="append", choices=sorted(WORLDS), help="may be repeated (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[201, 202, 203, 204])
    parser.add_argument("--creatives", nargs="+", type=int, default=[100, 200, 400, 800])
    parser.add_argument("--days", type=int, default=75)
    options = parser.parse_args(arguments)
    found: list[World] = []
    with tempfile.TemporaryDirectory(prefix="gpmcast-small-") as name:
        for world in options.world or sorted(WORLDS):
            for seed in options.seeds:
                for creatives in options.creatives:
                    out = Path(name) / f"{world}-{seed}-{creatives}"
                    size = ["--creatives", str(creatives), "--days", str(options.days), "--until", UNTIL]
                    truth = ["--truth", f"{out}.parquet"]
                    write_sample(["--out", str(out), *truth, "--world", world, "--seed", str(seed), *size])
                    if (one := trained(out, creatives)) is not None:
                        found.append(one)
    groups = [(str(size), [one for one in found if one.creatives == size]) for size in options.creatives]
    for title, lines in (
        (
            "later volume",
            [{"creatives": size, **volume_line(some)} for size, some in [*groups, ("all", found)] if some],
        ),
        ("intervals", [{"of": size, **line} for size, some in groups if some for line in interval_lines(some)]),
    ):
        print(f"\n{title}\n{pd.DataFrame(lines).round(3).to_string(index=False)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

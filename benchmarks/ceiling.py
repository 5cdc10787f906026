"""How near does the mixed model come to itself with the variances and crosses that the sample world was made with?

    python -m benchmarks.ceiling [--seeds 7 11 12] [--creatives 4000]

Makes worlds, fits both on what was known two weeks before the end of the mature data, and ranks what creatives launched
after that by what they are expected to do at age 0. Prints Spearman correlations with the truth inside each promotion
type, in the mean, and our share of the ceiling.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from benchmarks.load_files import read
from configs.settings import Settings
from features.funnel import Stage
from features.funnel_model.design_matrix import term_columns
from features.funnel_model.empirical_bayes import safe_rate, stage_figures
from features.funnel_model.model import expected
from features.funnel_model.solver import solve
from features.funnel_model.terms import KIND, Terms, fit_terms, is_word
from features.funnel_model.working_response import Counts, weigh
from features.point_in_time.snapshots import launches, unit_codes
from features.point_in_time.windowed_sums import seconds
from sample.__main__ import main as make_sample
from sample.effects import BID_SHARE, CROSS_SDS, ENTITY_SDS, LUCK_SDS, STAGES, TAG_SDS
from training.boosting.rolling_fits import fit_at
from training.data.dataset import Dataset, prepare, totals_known
from training.labels.splits import holdout_split

Floats = npt.NDArray[np.float64]

COLUMN = {"product": "product_id", "creator": "creator_id", "account": "account_id"}
REFUNDED = 0.12
"""Share of gmv refunded in the hour: effects on refunds are effects on keep times −share/(1 − share)."""
TARGETS = ("net_gpm", "net_roi")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 11, 12])
    parser.add_argument("--creatives", type=int, default=4000)
    given = parser.parse_args()
    rows = []
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
            rows += compare(seed, given.creatives, Path(folder))
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    mean = table[[name for name in table if name not in ("seed", "type", "creatives")]].mean()
    for target in TARGETS:
        ours, most = mean[f"{target} ours"], mean[f"{target} ceiling"]
        reached = "reached" if ours >= 0.98 * most else "NOT reached"
        print(f"{target}: {ours:.3f} of {most:.3f} = {ours / most:.1%}; 98 % {reached}")


def compare(seed: int, count: int, folder: Path) -> list[dict[str, object]]:
    """Both fits on one world."""
    files = ["--out", str(folder / "exports"), "--truth", str(folder / "truth.parquet")]
    make_sample([*files, "--seed", str(seed), "--creatives", str(count)])
    settings = Settings()
    dataset = prepare(read([folder / "exports"], settings), settings)
    *_, moment = holdout_split(dataset.rows, settings.split.holdout_days)
    truth = pd.read_parquet(folder / "truth.parquet")
    asked = truth[(truth["age_hours"] == 0) & (truth["cutoff"] > moment)].reset_index(drop=True)
    ours, most = ours_at(dataset, moment), ceiling_at(dataset, moment)
    units = unit_codes(asked, dataset.loaded.creatives)
    found: list[dict[str, object]] = []
    for kind, places in asked.groupby("promotion_type").indices.items():
        row: dict[str, object] = {"seed": seed, "type": kind, "creatives": len(places)}
        for target in TARGETS:
            for name, told in (("ours", ours), ("ceiling", most)):
                guess = told[target][units[places]]
                row[f"{target} {name}"] = spearmanr(guess, asked[target].to_numpy()[places]).statistic
        found.append(row)
    return found


def ours_at(dataset: Dataset, moment: pd.Timestamp) -> dict[str, Floats]:
    """What our mixed model expects of every creative at a moment."""
    state = fit_at(dataset, moment, None)
    frame, _ = described(dataset)
    now = np.full(len(frame), int(moment.timestamp()), dtype=np.int64)
    told = expected(state, frame, now, dataset.funnel.stages)
    return targets({name: one.log_rate for name, one in told.items()}, dataset)


def ceiling_at(dataset: Dataset, moment: pd.Timestamp) -> dict[str, Floats]:
    """The same with the world's own variances and crosses."""
    frame, born = described(dataset)
    for factors in CROSS_SDS:  # each cross as a word of its own, also those of three
        parts = [frame[column_of(name)] for name in factors]
        frame[f"tag_{'×'.join(factors)}"] = parts[0].str.cat(parts[1:], sep=" × ")
    known = born.lt(moment).to_numpy()
    launched = seconds(born[known])
    terms = fit_terms(frame[known].reset_index(drop=True), launched, dataset.settings.tags.multi)
    held = term_columns(frame[known].reset_index(drop=True), launched, terms)
    asked = term_columns(frame, np.full(len(frame), int(moment.timestamp()), dtype=np.int64), terms)
    totals = totals_known(dataset, moment)[known].reset_index(drop=True)
    names = list(held)
    whole = sparse.hstack([held[name] for name in names], format="csr")
    every = sparse.hstack([asked[name] for name in names], format="csr")
    sizes = [held[name].shape[1] for name in names]
    rates = {}
    for stage in dataset.funnel.stages:
        ridge = np.repeat([1.0 / variance(name, stage.name, terms) for name in names], sizes)
        intercept, effects = fitted(stage, totals, whole, sizes, ridge)
        rates[stage.name] = intercept + every @ effects
    return targets(rates, dataset)


def fitted(
    stage: Stage, totals: pd.DataFrame, whole: sparse.csr_matrix, sizes: list[int], ridge: Floats
) -> tuple[float, Floats]:
    """Effects under known variances: iteratively reweighted least squares with the world's own luck."""
    count, exposure, events = stage_figures(stage, totals)
    rows = np.flatnonzero(np.isfinite(count) & np.isfinite(exposure) & (exposure > 0) & (events > 0))
    count, exposure, events, own = count[rows], exposure[rows], events[rows], luck(stage.name)
    intercept = float(np.log(safe_rate(count.sum(), exposure.sum())))
    dispersion = {"value": 1 / 8, "keep": REFUNDED / (1 - REFUNDED)}.get(stage.name, 1.0)
    counts = Counts(count, exposure, None if stage.events == "expected" else events, intercept)
    effects = np.zeros(whole.shape[1])
    for _ in range(15):
        told = whole[rows] @ effects
        off, weight, _ = weigh(counts, told, own, dispersion)
        effects, _ = solve(whole[rows], sizes, weight, told + off, ridge, effects)
    return intercept, effects


def variance(term: str, stage: str, terms: Terms) -> float:
    """σ² of a term's effects in the world."""
    named: Mapping[str, tuple[float, ...]] = {
        column_of(name).removeprefix("tag_"): sds for name, sds in TAG_SDS.items()
    }
    named = {**named, **{column_of(name): sds for name, sds in ENTITY_SDS.items()}}
    named = {**named, **{"×".join(names): sds for names, sds in CROSS_SDS.items()}}
    if term in named:
        return max(_of_stage(named[term], stage), 1e-6)
    if is_word(term):
        return 1e-6  # editors and sources say nothing in this world
    return 25.0 if term == KIND else 0.1


def luck(stage: str) -> float:
    """s² of the world."""
    return max(_of_stage(LUCK_SDS, stage), 1e-4)


def _of_stage(sds: tuple[float, ...], stage: str) -> float:
    by_stage = dict(zip(STAGES, sds))
    if stage == "keep":
        return (by_stage["refund"] * REFUNDED / (1 - REFUNDED)) ** 2
    bid = BID_SHARE**2 * sum(by_stage[name] ** 2 for name in ("click", "order", "value")) if stage == "cost" else 0.0
    return by_stage[stage] ** 2 + bid


def column_of(name: str) -> str:
    """Column of the creatives that holds a factor of the world."""
    return name if name == "category" else COLUMN.get(name, f"tag_{name}")


def described(dataset: Dataset) -> tuple[pd.DataFrame, pd.Series]:
    """Creatives with the hour of their launch, and when they were launched."""
    creatives = dataset.loaded.creatives.reset_index(drop=True)
    born = launches(dataset.loaded.metrics, creatives)
    return creatives.drop(columns="launched_at").assign(launch_hour=born["launch_hour"]), born["launched_at"]


def targets(log_rates: Mapping[str, Floats], dataset: Dataset) -> dict[str, Floats]:
    """Net GPM and net ROI from log stage rates."""
    price = dataset.loaded.creatives["price_cny"].fillna(dataset.funnel.typical_price or 1.0).to_numpy(np.float64)
    earned = np.exp(log_rates["click"] + log_rates["order"] + log_rates["value"]) * price
    net = earned * np.minimum(np.exp(log_rates["keep"]), 1.0)
    return {"net_gpm": 1000.0 * net, "net_roi": net / np.exp(log_rates["cost"])}


if __name__ == "__main__":
    main()

"""How near do the effects that the strategist's report tells come to those that the sample world was made with?

    python -m benchmarks.report_effects [--data var/sample-exports] [--bundle …] [--seed 7] [--creatives 4000]

A line per stage, over all values of all single-valued tags: how many, Spearman correlation of told and true log
factors, the share of true ones inside the told intervals (80 %), and how far they are apart on average. True is what a
value does on average over the creatives that carry it, its pairs and triples with others included; the seed, creatives
and days are those that wrote the exports.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from configs.errors import GpmcastError
from configs.settings import load_settings
from features.store.duckdb_store import open_store
from features.store.load import load
from sample.effects import CROSS_SDS, STAGES, TAG_SDS, _group, _with_bid
from sample.world import build
from serving.report.context import Chosen, see
from serving.report.drivers import HeatRow, heat
from serving.report.effects import baseline, bootstrap
from serving.report.run import Asked, model_of
from training.workspace import workspace

TAGS = [name for name in TAG_SDS if name != "selling_point"]
TOLD = [stage for stage in STAGES if stage != "refund"]
"""What stands for keep is no log factor on it."""


def main() -> None:
    """Print the table; what is not there is said on stderr, with exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="var/sample-exports", help="already in its workspace's store")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--bundle", type=Path, default=None)
    for name, standard in (("--seed", 7), ("--creatives", 4000), ("--days", 90)):
        parser.add_argument(name, type=int, default=standard)
    given = parser.parse_args()
    try:
        rows = told(given.data, given.config, given.bundle)
    except GpmcastError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(beside(rows, true_effects(given.seed, given.creatives, given.days)).to_string(index=False))


def told(data: str, config: Path, bundle: Path | None) -> list[HeatRow]:
    """The heat map of the report on all creatives."""
    settings = load_settings(config)
    space = workspace([data], settings)
    served = model_of(Asked([data], Path("-.html"), Chosen(), bundle=bundle), settings, space)
    with open_store(space.store) as store:
        seen = see(served, load(store, settings), Chosen())
    return heat(seen, baseline(seen), bootstrap(len(seen.observed)))


def true_effects(seed: int, count: int, days: int) -> dict[tuple[str, str], dict[str, float]]:
    """Tag and value → stage → mean log effect over the creatives that carry it, against those of the mean creative."""
    creatives = build(seed, count, days).creatives
    codes = {name: creatives[f"{name}_code"].to_numpy(np.int64) for names in CROSS_SDS for name in names}
    codes |= {name: creatives[f"{name}_code"].to_numpy(np.int64) for name in TAGS}
    found: dict[tuple[str, str], dict[str, float]] = {}
    for tag in TAGS:
        effect = _group(seed, tag, codes[tag], TAG_SDS[tag])
        for names, sds in CROSS_SDS.items():
            if tag in names:
                joint = np.zeros(len(creatives), dtype=np.int64)
                for name in names:
                    joint = joint * 1000 + codes[name]
                effect = effect + _group(seed, " × ".join(names), joint, sds)
        logs = pd.DataFrame(_with_bid(effect), columns=list(STAGES))
        means = (logs - logs.mean()).groupby(creatives[tag].to_numpy()).mean()
        found |= {(tag, str(value)): {str(s): float(log) for s, log in row.items()} for value, row in means.iterrows()}
    return found


def beside(rows: list[HeatRow], true: dict[tuple[str, str], dict[str, float]]) -> pd.DataFrame:
    """Told beside true, by stage and over all."""
    lines = [
        {
            "stage": stage,
            "told": np.log(cell.factor),
            "true": true[row.tag, row.value][stage],
            "inside": np.log(cell.low) <= true[row.tag, row.value][stage] <= np.log(cell.high),
        }
        for row in rows
        if (row.tag, row.value) in true
        for stage, cell in row.cells.items()
        if stage in TOLD
    ]
    table = pd.DataFrame(lines)
    found = []
    for name, part in [*table.groupby("stage", sort=False), ("all", table)]:
        found.append(
            {
                "stage": name,
                "effects": len(part),
                "spearman": round(float(part["told"].corr(part["true"], method="spearman")), 2),
                "inside": round(float(part["inside"].mean()), 2),
                "log_error": round(float((part["told"] - part["true"]).abs().mean()), 3),
            }
        )
    return pd.DataFrame(found)


if __name__ == "__main__":
    main()

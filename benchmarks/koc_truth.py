"""Compare what the report says of KOCs, alone and with products, with the true effects of the sample world.

    python -m benchmarks.koc_truth [--data var/sample-exports] [--world interplay] [--seed 7]

The true effect of a KOC (with a product) is the mean, over its creatives, of everything in the world that depends on
the KOC, less that mean over the promotion type. One line per kind and grade: how many effects, how many true ones lie
inside the stated intervals, how often the sign is right. `--model` names a bundle folder; without it the champion of
these data is used.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from benchmarks.lever_truth import true_terms
from benchmarks.sample_report import report_and_world
from sample.world import World
from serving.report.context import ReportContext
from serving.report.kocs import koc_table
from serving.report.levers.slice_effects import KOC, PRODUCT

KEYS = ["promotion_type", "account_id", "creative_id"]


def main() -> None:
    """Print the table."""
    context, world, seed = report_and_world(__doc__.splitlines()[0])
    print(table(effects(context, world, seed), context.settings.interval.level).to_string(index=False))


def effects(context: ReportContext, world: World, seed: int) -> pd.DataFrame:
    """One row per KOC, and per KOC with a product, of each promotion type: stated log effect, deviation, true one."""
    terms = true_terms(world, seed, KOC)
    assert terms is not None  # every world has KOCs
    known = context.observed[[*KEYS, KOC, PRODUCT]].merge(terms, how="left", on=KEYS)
    signs = context.funnel.compositions[context.roi].signs
    known["true"] = sum(sign * known[name] for name, sign in signs.items())
    stated, rows = koc_table(context), []
    for one in stated.types:
        mine = known[known["promotion_type"] == one.promotion_type]
        mean = mine["true"].mean()
        alone, pairs = mine.groupby(KOC)["true"].mean() - mean, mine.groupby([KOC, PRODUCT])["true"].mean() - mean
        for effect in one.kocs:
            rows.append(("KOC", effect.log, effect.sd, effect.grade, alone[stated.kocs[effect.of].id]))
        for pair in one.pairs:
            key = stated.kocs[pair.koc].id, stated.products[pair.of].id
            rows.append(("KOC × product", pair.log, pair.sd, pair.grade, pairs[key]))
    return pd.DataFrame(rows, columns=["effect of", "log", "sd", "grade", "true"]).dropna()


def table(found: pd.DataFrame, level: float) -> pd.DataFrame:
    """One line per kind of effect and grade."""
    z = norm.ppf(0.5 + level / 2)
    found = found.assign(
        inside=(found["log"] - found["true"]).abs() <= z * found["sd"],
        right=np.sign(found["log"]) == np.sign(found["true"]),
    )
    lines = []
    for (kind, grade), rows in found.groupby(["effect of", "grade"], sort=False):
        inside, right = f"{rows['inside'].mean():.0%}", f"{rows['right'].mean():.0%}"
        lines.append(
            {"effect of": kind, "called": grade, "effects": len(rows), f"inside {level:.0%}": inside, "sign": right}
        )
    return pd.DataFrame(lines)


if __name__ == "__main__":
    main()

"""How long does the mixed model take where there are many KOCs and products, and how much memory?

python -m benchmarks.mixed_scale                      # 100 000 creatives, 20 000 KOCs, 5 000 products, all stages
python -m benchmarks.mixed_scale --creatives 10000 --creators 2000 --products 500
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from features.funnel import build_funnel
from features.funnel_model.design_matrix import term_columns
from features.funnel_model.fit import fit_funnel_model
from features.funnel_model.terms import fit_terms

TAGS = {"hook": 11, "scene": 8, "face": 8, "script": 11, "style": 6, "viewpoint": 4, "audience": 7, "bgm": 7}
COLUMNS = ["impressions", "clicks", "orders", "gmv_cny", "net_gmv_cny", "spend_cny", "plays", "plays_3s", "likes"]
NOW = pd.Timestamp("2026-06-30")


def main() -> None:
    """Print the time of a first fit and of a refit, the columns and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("creatives", 100_000), ("creators", 20_000), ("products", 5_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    frame, totals, moments = make(given.creatives, given.creators, given.products)
    funnel = build_funnel(COLUMNS, "net_gmv_cny", 139.0)
    terms = fit_terms(frame, moments, ())
    width = sum(column.shape[1] for column in term_columns(frame, moments, terms).values())
    print(f"{given.creatives:,} creatives, {width:,} columns, {len(funnel.stages)} stages")
    state = None
    with threadpool_limits(2):
        for step in ("first fit", "refit"):
            began = time.perf_counter()
            state = fit_funnel_model(totals, frame, moments, funnel, terms, (("creator_id", "category"),), NOW, state)
            print(f"{step:10} {time.perf_counter() - began:8.1f} s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def make(count: int, creators: int, products: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Creatives, their totals, and launches, from effects of every word, with power-law exposure."""
    draw = np.random.default_rng(1)
    words = {"creator_id": creators, "product_id": products, "account_id": 200, "category": 12}
    words |= {f"tag_{name}": size for name, size in TAGS.items()}
    codes = {name: draw.integers(0, size, count) for name, size in words.items()}
    frame = pd.DataFrame({name: pd.Series(code).astype(str) for name, code in codes.items()})
    frame["promotion_type"] = draw.choice(["live", "product"], count)
    frame["price_cny"] = np.exp(draw.normal(4.9, 0.8, count))
    frame["duration_s"] = np.exp(draw.normal(3.4, 0.4, count))
    frame["launch_hour"] = draw.integers(7, 22, count).astype(float)
    effect = sum(draw.normal(0, 0.1, words[name])[code] for name, code in codes.items())
    shown = np.round(np.exp(draw.normal(6.0, 2.2, count))) + 1
    clicks = draw.poisson(shown * 0.03 * np.exp(effect))
    orders = draw.poisson(clicks * 0.05 * np.exp(draw.normal(0, 0.3, count) + effect))
    gmv = orders * frame["price_cny"] * draw.gamma(8.0, 1 / 8.0, count)
    kept = gmv * draw.beta(18, 2, count)
    plays = shown
    totals = {
        "impressions": shown,
        "clicks": clicks,
        "orders": orders,
        "order_worth_cny": orders * frame["price_cny"],
        "gmv_cny": gmv,
        "settled_gmv_cny": gmv,
        "settled_net_cny": kept,
        "settled_orders": orders,
        "spend_cny": shown * 0.2 * np.exp(0.3 * effect),
        "plays": plays,
        "plays_3s": draw.binomial(plays.astype(int), 0.3),
        "engagements": draw.poisson(shown * 0.01),
    }
    start = int((NOW - pd.Timedelta(days=180)).timestamp())
    return frame, pd.DataFrame(totals).astype(float), start + draw.integers(0, 180, count) * 86_400


if __name__ == "__main__":
    main()

"""Compare the main figures of the sample worlds with those of real accounts (docs/sample.md).

python -m sample.figures [--world NAME …] [--creatives 4000] [--days 90] [--seed 7]
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln

from sample.__main__ import size_arguments
from sample.randomness import Floats
from sample.simulation import simulate_world
from sample.worlds import WORLDS

REAL: dict[str, float] = {
    "live ctr %": 5.9,
    "live cvr %": 6.0,
    "live aov": 190,
    "live cpm": 219,
    "live gpm": 670,
    "live net gpm": 588,
    "live roi": 3.06,
    "live net roi": 2.69,
    "live refunds in 1 h %": 12,
    "live boosted spend %": 74,
    "live top 1 % of spend %": 61,
    "live top 5 % of spend %": 90,
    "live top 10 % of spend %": 95,
    "live gini of spend": 0.95,
    "live without an order %": 90,
    "live median spend": 0.53,
    "live mean ln spend": -0.34,
    "live sd ln spend": 2.23,
    "live ctr a+b": 200,
    "live cvr mean %": 5.6,
    "live cvr a+b": 35,
    "live 3-s mean %": 31.5,
    "live 3-s a+b": 41,
    "live 5-s mean %": 23.7,
    "live 5-s a+b": 37,
    "live finish mean %": 15.5,
    "live finish a+b": 9,
    "live 3-s p10 %": 19,
    "live 3-s p50 %": 25.5,
    "live 3-s p90 %": 36,
    "live ctr p10 %": 4.3,
    "live ctr p50 %": 6.2,
    "live ctr p90 %": 9.7,
    "live cpm p10": 85,
    "live cpm p50": 160,
    "live cpm p90": 285,
    "live gpm p50": 463,
    "live gpm p90": 1624,
    "live roi p50": 2.9,
    "live roi p90": 12.2,
    "product ctr %": 0.9,
    "product cpc": 5.0,
    "product roi": 1.25,
}
"""Figures of real accounts: 336 creatives of one 推直播 account; 推商品 from advertisers' own tools."""

UNKNOWN = [
    "product cvr %", "product aov", "product cpm", "product gpm", "product net gpm", "product net roi",
    "product top 1 % of spend %", "product top 5 % of spend %", "product top 10 % of spend %",
    "product without an order %",
]  # fmt: skip
"""Figures without a real counterpart."""

PERCENTILE_IMPRESSIONS = 100
"""Impressions from which a creative counts in percentiles."""


def figures(days: pd.DataFrame) -> dict[str, float]:
    """Figures of a world's daily rows, each creative in each account counting once."""
    sums = ["impressions", "clicks", "orders", "gmv", "net_gmv", "spend", "boost_spend", "plays", "plays_3s"]
    sums += ["plays_5s", "finishes"]
    of_live, of_product = (
        days[days["promotion_type"] == promotion_type].groupby("row")[sums].sum()
        for promotion_type in ("live", "product")
    )
    live = _totals("live", of_live) | _spend("live", of_live) | _spreads(of_live) | _percentiles(of_live)
    product = _totals("product", of_product) | _spend("product", of_product)
    product["product cpc"] = product["product cpm"] / product["product ctr %"] / 10
    found = live | product
    return {name: found[name] for name in [*REAL, *UNKNOWN]}


def beta_binomial(successes: Floats, trials: Floats) -> tuple[float, float]:
    """Mean and a + b of a beta-binomial distribution by maximum likelihood (Nelder–Mead)."""
    seen = trials > 0
    successes, trials = successes[seen], trials[seen]

    def loss(parameters: Floats) -> float:
        mean, strength = 1 / (1 + np.exp(-parameters[0])), np.exp(parameters[1])
        a, b = mean * strength, (1 - mean) * strength
        return -float(np.sum(betaln(successes + a, trials - successes + b) - betaln(a, b)))

    mean = (successes.sum() + 1) / (trials.sum() + 2)
    found = minimize(loss, np.array([np.log(mean / (1 - mean)), np.log(30.0)]), method="Nelder-Mead").x
    return float(1 / (1 + np.exp(-found[0]))), float(np.exp(found[1]))


def gini(values: Floats) -> float:
    """Gini coefficient: 0 for equal shares, near 1 if one has all."""
    ordered = np.sort(values)
    places = np.arange(1, len(ordered) + 1)
    return float(2 * np.sum(places * ordered) / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(ordered))


def _totals(name: str, creatives: pd.DataFrame) -> dict[str, float]:
    total = {column: float(creatives[column].sum()) for column in creatives}
    return {
        f"{name} ctr %": 100 * total["clicks"] / total["impressions"],
        f"{name} cvr %": 100 * total["orders"] / total["clicks"],
        f"{name} aov": total["gmv"] / total["orders"],
        f"{name} cpm": 1000 * total["spend"] / total["impressions"],
        f"{name} gpm": 1000 * total["gmv"] / total["impressions"],
        f"{name} net gpm": 1000 * total["net_gmv"] / total["impressions"],
        f"{name} roi": total["gmv"] / total["spend"],
        f"{name} net roi": total["net_gmv"] / total["spend"],
        f"{name} refunds in 1 h %": 100 * (1 - total["net_gmv"] / total["gmv"]),
        f"{name} boosted spend %": 100 * total["boost_spend"] / total["spend"],
    }


def _spend(name: str, creatives: pd.DataFrame) -> dict[str, float]:
    spend = np.sort(creatives["spend"].to_numpy(np.float64))[::-1]
    logs = np.log(spend[spend > 0])

    def top(share: float) -> float:
        return float(100 * spend[: max(1, round(len(spend) * share))].sum() / spend.sum())

    return {
        f"{name} top 1 % of spend %": top(0.01),
        f"{name} top 5 % of spend %": top(0.05),
        f"{name} top 10 % of spend %": top(0.10),
        f"{name} gini of spend": gini(spend),
        f"{name} without an order %": float(100 * (creatives["orders"] == 0).mean()),
        f"{name} median spend": float(np.median(spend)),
        f"{name} mean ln spend": float(logs.mean()),
        f"{name} sd ln spend": float(logs.std()),
    }


def _spreads(creatives: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, successes, trials in (
        ("ctr", "clicks", "impressions"),
        ("cvr", "orders", "clicks"),
        ("3-s", "plays_3s", "plays"),
        ("5-s", "plays_5s", "plays"),
        ("finish", "finishes", "plays"),
    ):
        mean, strength = beta_binomial(creatives[successes].to_numpy(float), creatives[trials].to_numpy(float))
        found |= {f"live {name} mean %": 100 * mean, f"live {name} a+b": strength}
    return found


def _percentiles(creatives: pd.DataFrame) -> dict[str, float]:
    seen = creatives[creatives["impressions"] >= PERCENTILE_IMPRESSIONS]
    rates = {
        "3-s p{} %": 100 * seen["plays_3s"] / seen["plays"],
        "ctr p{} %": 100 * seen["clicks"] / seen["impressions"],
        "cpm p{}": 1000 * seen["spend"] / seen["impressions"],
        "gpm p{}": 1000 * seen["gmv"] / seen["impressions"],
        "roi p{}": seen["gmv"] / seen["spend"],
    }
    return {
        f"live {name.format(percent)}": float(np.percentile(rate, percent))
        for name, rate in rates.items()
        for percent in (10, 50, 90)
    }


def table(worlds: dict[str, dict[str, float]]) -> str:
    """Markdown: figure, real, and a column per world."""
    lines = [" | ".join(["| figure | real", *worlds]) + " |", "|---" * (2 + len(worlds)) + "|"]
    for name in [*REAL, *UNKNOWN]:
        real = f"{REAL[name]:g}" if name in REAL else "–"
        lines.append(" | ".join([f"| {name} | {real}", *(_short(found[name]) for found in worlds.values())]) + " |")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate worlds and print their table."""
    parser = argparse.ArgumentParser(prog="python -m sample.figures", description="Figures of worlds beside real ones.")
    parser.add_argument("--world", nargs="+", choices=list(WORLDS), default=list(WORLDS), help="default: all")
    size_arguments(parser)
    options = parser.parse_args(arguments)
    worlds = {
        name: figures(simulate_world(options.seed, options.creatives, options.days, name).days)
        for name in options.world
    }
    print(table(worlds))
    return 0


if __name__ == "__main__":
    sys.exit(main())

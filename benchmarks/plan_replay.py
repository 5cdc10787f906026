"""Replay plans in the sample's worlds, whose truth is known: money, winners killed, false stops under hourly looking.

    python -m benchmarks.plan_replay [--seeds 200] [--creatives 16] [--public <folder>] [--out <file>]

Every seed is a market of 16 creatives of each world, about a quarter of them at or above target, with the money that
the platform would spend by itself for 14 days (`benchmarks/plan_market.py`); every rule (`benchmarks/plan_rules.py`)
plays all of them at three elasticities of delivery. How unevenly money comes the plan learns from each account's past
(`benchmarks/plan_past.py`). Bands are 95 % of a bootstrap over seeds. Columns:

- gain: net money less target times spend, in CNY per 1 000 CNY of the budget; what is not spent gains 0.
- regret: what it gains less than the oracle. apart: what it gains less (−) or more than the plan, on the same markets.
- killed: of the winners (true ROI 1.3 times the target at least), the share stopped or with under a tenth of an equal
  share at the end. false stops: of the creatives that were at or above target, by true rates and the spend so far, the
  share stopped at that moment. saved: of what an equal split spends in hours below target, the share not spent so.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.plan_launches import launch_table
from benchmarks.plan_market import DAYS, Market, State, market, play
from benchmarks.plan_past import past_market, with_past
from benchmarks.plan_public import public_table
from benchmarks.plan_rules import CALLS, EQUAL, ORACLE, PLAN, RULES, STOP_ALONE
from features.arrays import Floats
from features.atomic_write import write_table
from sample.worlds import WORLDS

ELASTICITIES = (0.0, 0.5, 1.0)
DRAWS = 400


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200, help="markets per world (default: %(default)s)")
    parser.add_argument("--creatives", type=int, default=16, help="in each market (default: %(default)s)")
    parser.add_argument("--public", type=Path, help="folder of the public data sets: display ads by day too")
    parser.add_argument("--out", type=Path, help="CSV of the first table")
    options = parser.parse_args()
    size = options.seeds, options.creatives
    pasts = {name: past_market(name, options.seeds) for name in WORLDS}
    markets = {name: with_past(market(name, *size), pasts[name]) for name in WORLDS}
    best, plain = oracle_gains(markets), {name: play(own, EQUAL, 0.5) for name, own in markets.items()}
    money = money_table(markets, best)
    print("All worlds, by elasticity of delivery. Each cell: mean (band).")
    print(shown(money))
    print("\nThe plan with wrong models, elasticity 0.5; apart: from the plan with the right one.")
    print(shown(prior_table(markets, best, plain)))
    print("\nWrong calls of the plan's rule under hourly looking; equal split, elasticity 0.5.")
    print(error_table(markets, pasts).to_string(index=False))
    print("\nHow soon what is below target is stopped within 14 days; equal split, elasticity 0.5.")
    print(power_table(markets["interplay"], pasts["interplay"]).to_string(index=False))
    print("\nLaunches: 8 of 40 candidates, equal split without stopping, elasticity 0.5.")
    print(launch_table(options.seeds, DRAWS).to_string(index=False))
    if options.public:
        print("\nDisplay ads by day (public data): calls while looking every day, and what the ads earned afterwards.")
        print(public_table(options.public).to_string(index=False))
    if options.out:
        write_table(money, options.out)
    sys.stdout.flush()


def figures(state: State, own: Market, best: Floats, plain: State) -> pd.DataFrame:
    """One row per seed: sums and counts whose ratios are the figures of a rule.

    Args:
        state: At the end.
        own: The market.
        best: (seeds,) Gain of the oracle, CNY per 1 000 of the budget.
        plain: State of the equal split at the same elasticity.
    """
    budget = own.natural.sum(axis=1) * DAYS
    gain = 1000.0 * (state.expected - own.target * state.spend).sum(axis=1) / budget
    little = state.asked < 0.1 * own.natural.mean(axis=1, keepdims=True)
    good = state.expected >= own.target * state.spend * (1.0 - 1e-9)
    return pd.DataFrame(
        {
            "gain": gain,
            "regret": best - gain,
            "killed": (own.winners & (state.stopped | little)).sum(axis=1),
            "winners": own.winners.sum(axis=1),
            "wrong": state.wrong_stop.sum(axis=1),
            "right": (state.wrong_stop | (good & ~state.stopped)).sum(axis=1),
            "lost": state.lost.sum(axis=1),
            "plain": plain.lost.sum(axis=1),
        }
    )


def bands(rows: pd.DataFrame, plan: pd.DataFrame | None = None) -> dict[str, tuple[float, float, float]]:
    """Figure → mean and band, by a bootstrap over the rows; `plan`: figures of the plan on the same rows."""
    chance = np.random.default_rng(5)
    weights = chance.multinomial(len(rows), np.full(len(rows), 1.0 / len(rows)), DRAWS)
    weights = np.vstack([np.ones(len(rows)), weights])
    sums = {str(name): weights @ rows[name].to_numpy(np.float64) for name in rows}
    found = {name: sums[name] / len(rows) for name in ("gain", "regret")}
    if plan is not None:
        found["apart"] = weights @ (rows["gain"].to_numpy() - plan["gain"].to_numpy()) / len(rows)
    found["killed"] = sums["killed"] / np.maximum(sums["winners"], 1.0)
    found["false stops"] = sums["wrong"] / np.maximum(sums["right"], 1.0)
    found["saved"] = 1.0 - sums["lost"] / np.maximum(sums["plain"], 1e-9)
    return {name: (each[0], *np.quantile(each[1:], [0.025, 0.975])) for name, each in found.items()}


def money_table(markets: Mapping[str, Market], best: Mapping[str, Floats]) -> pd.DataFrame:
    """One row per elasticity and rule, over all markets, with bands; `best`: of `oracle_gains`."""
    lines = []
    for elasticity in ELASTICITIES:
        plain = {name: play(own, EQUAL, elasticity) for name, own in markets.items()}
        played = {
            rule.name: pd.concat(
                figures(plain[name] if rule is EQUAL else play(own, rule, elasticity), own, best[name], plain[name])
                for name, own in markets.items()
            )
            for rule in RULES
        }
        for rule in RULES:
            lines.append(
                {"elasticity": elasticity, "rule": rule.name} | flat(bands(played[rule.name], played[PLAN.name]))
            )
    top = {"elasticity": "any", "rule": ORACLE.name, "gain": float(np.mean([gain.mean() for gain in best.values()]))}
    return pd.DataFrame([*lines, top])


def oracle_gains(markets: Mapping[str, Market]) -> dict[str, Floats]:
    """World → (seeds,) gain of the oracle; it is delivered what it asks for, whatever the elasticity."""
    found = {}
    for name, own in markets.items():
        state = play(own, ORACLE, 1.0)
        found[name] = 1000.0 * (state.expected - own.target * state.spend).sum(axis=1) / own.natural.sum(axis=1) / DAYS
    return found


def prior_table(markets: Mapping[str, Market], best: Mapping[str, Floats], plain: Mapping[str, State]) -> pd.DataFrame:
    """The plan with several wrong models; `plain`: of the equal split."""
    models = {
        "as good as a trained one": lambda own: own,
        "all predictions 1.5 times as high": lambda own: own.believed(shift=1.5),
        "all predictions 1.5 times as low": lambda own: own.believed(shift=1 / 1.5),
        "overconfident: a fifth of the variance": lambda own: own.believed(variance=0.2),
        "1.5 times as high and overconfident": lambda own: own.believed(1.5, 0.2),
        "knows the market alone": Market.uninformed,
    }
    played: dict[str, pd.DataFrame] = {}
    for name, change in models.items():
        rows = []
        for world, own in markets.items():
            rows.append(figures(play(change(own), PLAN, 0.5), own, best[world], plain[world]))
        played[name] = pd.concat(rows)
    first = played[next(iter(models))]
    return pd.DataFrame([{"model": name} | flat(bands(rows, first)) for name, rows in played.items()])


def error_table(markets: Mapping[str, Market], pasts: Mapping[str, Market]) -> pd.DataFrame:
    """False stops and false calls to scale of the plan's rule, by world: ones too whose money comes unevenly."""
    worlds, some = dict(markets), markets["interplay"]
    odd = {
        "orders in bursts": replace(some, bursts="hour"),
        "orders in bursts of a day": replace(some, bursts="day"),
        "order values thrice as uneven": replace(some, uneven=3.0),
        "order values five times as uneven": replace(some, uneven=5.0),
        "thrice as uneven and in bursts": replace(some, bursts="hour", uneven=3.0),
    }
    worlds["all at target"] = replace(some, exact=1.0)
    for name, own in odd.items():
        learnt = with_past(own, pasts["interplay"])
        worlds |= {name: learnt, f"all at target, {name}": replace(learnt, exact=1.0)}
    lines = []
    for name, own in worlds.items():
        state = play(own, CALLS, 0.5)
        rows = figures(state, own, np.zeros(len(own.target)), state)
        low = state.expected <= own.target * state.spend * (1.0 + 1e-9)
        scales = rows.assign(wrong=state.wrong_scale.sum(axis=1), right=(low | state.wrong_scale).sum(axis=1))
        shares = {"false stops": cell(bands(rows)["false stops"]), "false scales": cell(bands(scales)["false stops"])}
        lines.append({"world": name} | shares)
    return pd.DataFrame(lines)


def power_table(some: Market, past: Market) -> pd.DataFrame:
    """Share of creatives below target that is stopped, and orders asked for until then, by what is known of values."""
    lines = []
    for values, uneven in (("even", 0.0), ("thrice as uneven", 3.0)):
        own = replace(some, uneven=uneven)
        learnt = with_past(own, past)
        for share in (0.4, 0.6, 0.8):
            line: dict[str, object] = {"order values": values, "ROI of target": share}
            for name, known in (
                ("learnt", learnt),
                ("assumed", replace(own, dispersion=np.full_like(own.dispersion, np.nan))),
            ):
                state = play(replace(known, exact=share), STOP_ALONE, 0.5)
                asked = (own.target * state.spend / own.value)[state.stopped]
                line[f"{name}: stopped"] = f"{state.stopped.mean():.2f}"
                line[f"{name}: orders asked for, median"] = f"{np.median(asked):.1f}" if len(asked) else "–"
            lines.append(line)
    return pd.DataFrame(lines)


def flat(found: Mapping[str, tuple[float, float, float]]) -> dict[str, float]:
    """Mean and band of every figure as columns."""
    ends = ("", "_low", "_high")
    return {f"{name}{end}": value for name, values in found.items() for end, value in zip(ends, values)}


def shown(table: pd.DataFrame) -> str:
    """The table with one cell per figure."""
    names = [name for name in map(str, table) if f"{name}_low" in table]
    plain = [name for name in map(str, table) if name not in names and not name.endswith(("_low", "_high"))]
    cells = table[plain].assign(
        **{name: [cell(line) for line in table[[name, f"{name}_low", f"{name}_high"]].to_numpy()] for name in names}
    )
    return cells.to_string(index=False)


def cell(values: tuple[float, float, float] | Floats) -> str:
    """A mean with its band."""
    mean, low, high = (float(value) for value in values)
    if np.isnan(low):
        return "–" if np.isnan(mean) else f"{mean:.0f}"
    if max(abs(low), abs(high)) > 2.0:
        return f"{mean:.0f} ({low:.0f} to {high:.0f})"
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()

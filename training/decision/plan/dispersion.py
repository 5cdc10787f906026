"""How unevenly the money of a creative comes: what the rule for stopping needs to know, learnt from past days.

Money of equal spend varies from day to day because orders are few, because their values differ, and because they come
in bursts. All three are in the index of dispersion of the money of a day, Var(X) / E[X]: for orders that come as a
Poisson process it is E[V²]/E[V] of the order value V, whatever the length of a day. It is measured in predicted order
values of the creative, so that creatives of all prices can be put together.

Two successive days of a creative, with money x₁, x₂ at one rate and the shares p₁, p₂ of the spend of both, have

    E[(x₁ p₂ − x₂ p₁)²] = index · p₁ p₂ · E[x₁ + x₂],

so the index of an account is the ratio of the sums over all pairs; a rate that changes between the days makes it
larger. The bound is one-sided, 95 %: the jackknife over creatives on the log scale (Efron 1982), and at least 1, which
equal orders without bursts have.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.arrays import Codes, Floats
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.windowed_sums import DAY
from features.schema import KEY, Loaded
from training.boosting.model import CreativeModel
from training.data.metrics_source import MetricsSource

LEAST_CREATIVES = 10
"""Creatives with money on successive days, below which nothing is said of an account."""
BOUND_Z = 1.6449
"""Normal quantile of the one-sided 95 % bound."""


def money_dispersion(source: MetricsSource, model: CreativeModel, settings: Settings) -> Mapping[str, float]:
    """Bound on the index of every account, in predicted order values.

    Args:
        source: Metrics and creatives.
        model: Predicts the value of an order.
        settings: Of the run.

    Returns:
        `account_of` each account → bound; accounts with too few creatives are absent, and all are where orders have no
        value or spend is not known.
    """
    fitted = model.fitted
    if "value" not in fitted.funnel.to_gmv or not fitted.funnel.main_roi or pd.isna(source.until):
        return {}
    function = partial(_pairs_of_creatives, model=model, settings=settings)
    table = source.apply_latest(function, fitted.funnel, fitted.entities, settings)
    names = account_of(table)
    codes, accounts = pd.factorize(names)
    bound = upper_bounds(codes.astype(np.int64), table["top"].to_numpy(np.float64), table["below"].to_numpy(np.float64))
    return {str(name): float(value) for name, value in zip(accounts, bound) if np.isfinite(value)}


def account_of(creatives: pd.DataFrame) -> pd.Series:
    """Promotion type and account of each creative, as one text."""
    return creatives[KEY[0]].astype("str") + " " + creatives[KEY[1]].astype("str")


def day_pairs(units: Codes, days: Codes, money: Floats, spend: Floats, count: int) -> tuple[Floats, Floats]:
    """Both sums of each creative over its pairs of successive days with spend; their ratio is the index.

    Args:
        units: (days of creatives,) code of the creative.
        days: Of the same: number of the day.
        money: In order values.
        spend: CNY; a day without any is left out.
        count: Of creatives.

    Returns:
        Σ (x₁ p₂ − x₂ p₁)² and Σ p₁ p₂ (x₁ + x₂), each (count,).
    """
    known = np.flatnonzero((spend > 0) & np.isfinite(money))
    order = known[np.lexsort((days[known], units[known]))]
    first, second = order[:-1], order[1:]
    pair = (units[first] == units[second]) & (days[second] == days[first] + 1)
    first, second = first[pair], second[pair]
    share = spend[first] / (spend[first] + spend[second])
    top = (money[first] * (1.0 - share) - money[second] * share) ** 2
    below = share * (1.0 - share) * (money[first] + money[second])
    top, below = (np.bincount(units[first], values, minlength=count).astype(np.float64) for values in (top, below))
    return top, below


def upper_bounds(accounts: Codes, top: Floats, below: Floats) -> Floats:
    """(accounts,) Upper bound on the index of each; NaN with fewer than LEAST_CREATIVES creatives with money.

    Args:
        accounts: (creatives,) code of the account.
        top, below: (creatives,) of `day_pairs`.
    """
    size, known = int(accounts.max(initial=-1)) + 1, below > 0
    accounts, top, below = accounts[known], top[known], below[known]

    def by_account(values: Floats | None = None) -> Floats:
        return np.bincount(accounts, values, minlength=size).astype(np.float64)

    count, tops, belows = by_account(), by_account(top), by_account(below)
    told = count >= LEAST_CREATIVES
    index = np.divide(tops, belows, out=np.full(size, np.nan), where=told)
    rest = told[accounts]
    others = (tops[accounts] - top)[rest] / np.maximum((belows[accounts] - below)[rest], 1e-12)
    logs = np.zeros(len(accounts))
    logs[rest] = np.log(np.maximum(others, 1e-6))
    mean = by_account(logs) / np.maximum(count, 1.0)
    square = by_account((logs - mean[accounts]) ** 2)
    error = np.sqrt((count - 1.0) / np.maximum(count, 1.0) * square, out=np.zeros(size), where=told)
    return np.maximum(index, 1.0) * np.exp(BOUND_Z * error)


def _pairs_of_creatives(
    observed: ArrayFrame, loaded: Loaded, now: pd.Timestamp, *, model: CreativeModel, settings: Settings
) -> pd.DataFrame:
    """KEY of every creative of some accounts, `top` and `below` of `day_pairs`; arguments as of `figures_of`."""
    rows, funnel = MetricRows.of(loaded), model.fitted.funnel
    value = np.asarray(model.predict(build_features(observed, model.fitted), trees=False)["value"], dtype=np.float64)
    measured = rows.measures(funnel, settings)
    money = np.asarray(measured["settled_net_cny" if funnel.net_only else "gmv_cny"], dtype=np.float64)
    spend = np.nan_to_num(measured["spend_cny"])
    short = rows.end_seconds - rows.start_seconds <= DAY
    count, days = len(value), rows.start_seconds // DAY
    first = int(days.min(initial=0))
    width = int(days.max(initial=0)) - first + 1
    place = rows.units * width + (days - first)
    used, where = np.unique(place[short], return_inverse=True)
    sums = [np.bincount(where, values[short], minlength=len(used)).astype(np.float64) for values in (money, spend)]
    units = used // width
    top, below = day_pairs(units, used % width, sums[0] / value[units], sums[1], count)
    return observed.select(KEY).frame().assign(top=top, below=below)

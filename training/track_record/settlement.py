"""Net money that is still settling: how much of it is known by the age of a day, and an estimate of the rest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from configs.settings import Settings
from features.arrays import Floats, Seconds
from features.funnel import Funnel
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.windowed_sums import DAY, TimedSums, seconds
from training.labels.outcomes import settle_days

PLATEAU_DAYS = 28
"""Days after settlement whose share of net money the curve is compared with."""
ACCOUNT_WEIGHT_CNY = 5_000.0
"""Gross money of an account at which its own share of net money and that of its promotion type weigh the same."""


@dataclass(frozen=True)
class Settlement:
    """How far the net money of recent days has settled.

    Attributes:
        known_share: (days,) share of a day's final net money that is known once the day is so many days old; the last
            is 1: settled.
        keep: (creatives,) final net money per gross money to expect of each creative.
    """

    known_share: Floats
    keep: Floats

    def at_age(self, days: npt.NDArray[np.int64]) -> Floats:
        """Share of the final net money that is known of days of these ages."""
        return self.known_share[np.clip(days, 0, len(self.known_share) - 1)]


def fit_settlement(rows: MetricRows, funnel: Funnel, settings: Settings) -> Settlement | None:
    """Estimate the curve from one state of the data: net per gross money of days by their age, over that of old days.

    Days of one age stand for how a day looks at that age, as in chain-ladder with one diagonal (Mack 1993); the curve
    never falls. None where the data have no net money beside gross money.
    """
    measured = rows.measures(funnel, settings)
    if "settled_gmv_cny" not in measured:
        return None
    gross = np.nan_to_num(measured["settled_gmv_cny"])
    net = np.nan_to_num(measured["settled_net_cny"])
    age = ages_in_days(rows)
    last = int(np.ceil(settle_days(settings)))
    old = (age >= last) & (age < last + PLATEAU_DAYS)
    plateau = net[old].sum() / gross[old].sum() if gross[old].sum() > 0 else np.nan
    known = np.ones(last + 1)
    if np.isfinite(plateau) and plateau > 0:
        young = np.clip(age, 0, last)
        sums = np.bincount(young, gross, minlength=last + 1)
        kept = np.bincount(young, net, minlength=last + 1) / np.maximum(sums, 1e-9) / plateau
        known = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(
            np.arange(last + 1), kept, sample_weight=sums + 1e-9
        )
        known[last] = 1.0
    settled = age >= last
    return Settlement(known, _keep(rows, np.where(settled, gross, 0.0), np.where(settled, net, 0.0)))


def ages_in_days(rows: MetricRows) -> npt.NDArray[np.int64]:
    """(rows,) whole days from the end of each period to the end of its account's data."""
    until = seconds(rows.account_until[rows.units])
    return (until - rows.end_seconds) // DAY


def expected_net(
    settlement: Settlement,
    rows: MetricRows,
    funnel: Funnel,
    settings: Settings,
    windows: tuple[npt.NDArray[np.int64], Seconds, Seconds],
) -> tuple[Floats, Floats]:
    """Net money of windows as it is to be expected once settled, and the share of it that is an estimate.

    What is known stays; the unknown share of each day is its gross money times the expected share of net money
    (Bornhuetter and Ferguson 1972), which a day without any settled order cannot throw off.

    Args:
        settlement: Of the same rows.
        rows: Metrics.
        funnel: Of the data.
        settings: Of the answers.
        windows: (windows,) each: creative, begin, end in seconds.
    """
    measured = rows.measures(funnel, settings)
    gross = np.nan_to_num(measured["settled_gmv_cny"])
    open_gross = (1.0 - settlement.at_age(ages_in_days(rows))) * gross
    values = {"net": np.nan_to_num(measured["settled_net_cny"]), "open": np.round(open_gross, 4)}
    sums = TimedSums(rows.units, rows.start_seconds, rows.end_seconds, values).between(*windows)
    rest = sums["open"] * settlement.keep[windows[0]]
    total = sums["net"] + rest
    return total, np.divide(rest, total, out=np.zeros_like(total), where=total > 0)


def _keep(rows: MetricRows, gross: Floats, net: Floats) -> Floats:
    """Share of net money of each creative's account, shrunk towards that of its promotion type."""
    types, accounts = rows.creatives.categories("promotion_type").codes, rows.account_codes

    def by(codes: npt.NDArray[np.int64], values: Floats) -> Floats:
        sums = np.bincount(codes[rows.units], values, minlength=int(codes.max(initial=0)) + 1)
        return sums[codes].astype(np.float64)

    overall = net.sum() / gross.sum() if gross.sum() > 0 else 1.0
    of_type = np.where(by(types, gross) > 0, by(types, net) / np.maximum(by(types, gross), 1e-9), overall)
    return (by(accounts, net) + ACCOUNT_WEIGHT_CNY * of_type) / (by(accounts, gross) + ACCOUNT_WEIGHT_CNY)

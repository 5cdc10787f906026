"""Waterfalls: from what the account really earned to the prediction for a creative, factor by factor.

All on the log scale. A bar of a feature group is its contribution less the mean contribution over the account's
creatives of the same promotion type, weighted by the exposure that the target is measured over: what the creative has
that the account's usual traffic has not. So the bars start from the account's actual value, and one bar, `level`, says
by how much the model's level for its mean creative now differs from what it actually was. The value of an order is
predicted in reference prices, which stand in the baseline of a contribution; here they are part of the price.
"""

import numpy as np

from features.arrays import Floats
from features.attributes import ATTRIBUTE_OF
from features.targets import TARGETS
from serving.report.cards.actuals import actual_values
from serving.report.cards.steps import AccountGroups
from serving.report.context import ReportContext
from serving.report.contribution_groups import ACCOUNT
from serving.report.effects import ReportPart

MOST_BARS, LEAST_LOG = 8, 0.02
"""Bars of a waterfall, and the least that one of them changes: what is smaller stands in `others`."""
PRICE = ATTRIBUTE_OF["price_cny"].report_group
DECIMALS = 6
"""Decimals of contributions in cards; the additivity of answers is checked to the same precision."""


class Waterfall(ReportPart):
    """From the account to the prediction on the log scale: start + level + bars + others + own = log prediction.

    Attributes:
        start: Log of the account's actual value (of later volume: of its mean prediction).
        actual: Whether `start` is what was counted; otherwise (nothing was) it is the model's level.
        level: The model's level for the account's mean creative over `start`.
        bars: Feature group, its contribution over the account's mean, and the part of it that is SHAP values of the
            heads' trees; the largest first.
        others: Contribution of the remaining groups together.
        own: Contribution of the creative's own early counts.
    """

    start: float
    actual: bool
    level: float
    bars: list[tuple[str, float, float]]
    others: float
    own: float


class AccountWaterfalls:
    """Waterfalls of one target.

    Attributes:
        groups: Names of the feature groups.
        logs: (creatives, groups) Contributions over the account's mean.
    """

    def __init__(self, context: ReportContext, target: str, accounts: AccountGroups) -> None:
        grouped = context.targets[target]
        self.groups = tuple(dict.fromkeys([*(name for name in grouped.groups if name != ACCOUNT), PRICE]))
        logs = np.column_stack([grouped.of_group(name) for name in self.groups])
        shap = np.column_stack([grouped.shap_of_group(name) for name in self.groups])
        logs[:, self.groups.index(PRICE)] += _log_reference_price(context, target)
        weights = _weights(context, target, accounts)
        means = _means(np.column_stack([logs, shap, grouped.total - grouped.own_evidence]), weights, accounts)
        mean_logs, mean_shap, level = np.split(means[accounts.codes], [logs.shape[1], 2 * logs.shape[1]], axis=1)
        actual = _actual(context, target, accounts)[accounts.codes]
        self.logs = logs - mean_logs
        start = np.round(np.where(np.isfinite(actual), actual, level[:, 0]), DECIMALS)
        self._actual: list[bool] = np.isfinite(actual).tolist()
        self._start: list[float] = start.tolist()
        self._order = np.argsort(-np.abs(self.logs), axis=1, kind="stable")[:, :MOST_BARS]
        rounded, own = np.round(self.logs, DECIMALS), np.round(grouped.own_evidence, DECIMALS)
        shown = np.take_along_axis(rounded, self._order, axis=1)
        shown = np.where(np.abs(shown) >= LEAST_LOG, shown, 0.0)
        self._shown: list[list[float]] = shown.tolist()
        shap -= mean_shap
        self._shap: list[list[float]] = np.round(np.take_along_axis(shap, self._order, axis=1), DECIMALS).tolist()
        others = np.round(rounded.sum(axis=1) - shown.sum(axis=1), DECIMALS)
        self._others: list[float] = others.tolist()
        self._own: list[float] = own.tolist()
        # The level takes the rounding errors too, so that the bars add up.
        rest = grouped.total - start - own - others - shown.sum(axis=1)
        self._level: list[float] = np.round(rest, DECIMALS).tolist()

    def of_row(self, row: int) -> Waterfall:
        """The waterfall of one creative."""
        parts = zip(self._order[row].tolist(), self._shown[row], self._shap[row])
        return Waterfall(
            start=self._start[row],
            actual=self._actual[row],
            level=self._level[row],
            bars=[(self.groups[place], log, shap) for place, log, shap in parts if log != 0.0],
            others=self._others[row],
            own=self._own[row],
        )


def _log_reference_price(context: ReportContext, target: str) -> Floats:
    """(creatives,) Log of the price that an order's value is predicted in; 0 where the target has no such stage."""
    stages = context.funnel.compositions[target].signs
    priced = any(stage.priced for stage in context.funnel.stages if stage.name in stages)
    prices = context.features.reference_price
    return np.log(prices) if priced else np.zeros(len(prices))


def _weights(context: ReportContext, target: str, accounts: AccountGroups) -> Floats:
    """(creatives,) Weight of each creative in its account's mean: its exposure; 1 where the account has none."""
    exposure = TARGETS[target].exposure
    ones = np.ones(len(accounts.codes))
    if not exposure:
        return ones
    weights = np.nan_to_num(context.counts(exposure))
    return np.where(accounts.sums(weights)[accounts.codes] > 0, weights, ones)


def _means(table: Floats, weights: Floats, accounts: AccountGroups) -> Floats:
    """(accounts, columns) Weighted means of a table (creatives, columns)."""
    totals = np.column_stack(
        [accounts.sums(weights * column) for column in table.T] or [np.zeros((len(accounts.keys), 0))]
    )
    return totals / accounts.sums(weights)[:, None]


def _actual(context: ReportContext, target: str, accounts: AccountGroups) -> Floats:
    """(accounts,) Log of what the account's chosen creatives made together so far; NaN where that is not above 0."""
    if TARGETS[target].is_volume:
        return np.full(len(accounts.keys), np.nan)
    values = actual_values(target, lambda name: accounts.sums(context.counts(name)))
    return np.log(np.where(values > 0, values, np.nan))

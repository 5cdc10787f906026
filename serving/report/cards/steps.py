"""Each step of the funnel of a creative beside its account: rate, benchmark, percentile, and where it leaks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints, Mask
from features.funnel_model.empirical_bayes import ratio_and_events
from features.stages import COST, ORDER, Stage
from serving.report.context import ReportContext
from serving.report.effects import ReportPart

LEAST_EVENTS = 5.0
"""Events (for counts: those expected at the benchmark) below which an own rate is not shown beside the account's."""
LEAK_PLACE = 0.4
"""A step leaks if it is clearly below the benchmark and at most this share of the account's creatives is worse."""
CLEAR_SDS = 1.96
"""Sampling standard deviations from which a rate differs from its benchmark."""


class StepBenchmark(ReportPart):
    """What one step of the funnel is in one account and promotion type.

    Attributes:
        stage, account_id, promotion_type: Of what.
        rate: All its creatives together: numerator over exposure; None where nothing was exposed.
        creatives: Creatives with LEAST_EVENTS or more, among which percentiles are counted.
    """

    stage: str
    account_id: str
    promotion_type: str
    rate: float | None
    creatives: int


class Step(ReportPart):
    """One step of the funnel of one creative.

    Attributes:
        observed: Its rate so far; None with fewer than LEAST_EVENTS events.
        predicted: As the service predicts it.
        percentile: Share of the account's creatives of its promotion type that are worse (half of the equal ones too);
            by the observed rate where there is one, else by the predicted one. None where there is no other.
        clear: Whether the observed rate differs from the benchmark by more than CLEAR_SDS of its sampling error.
    """

    observed: float | None
    predicted: float
    percentile: float | None
    clear: bool


class AccountGroups:
    """Creatives of one account and promotion type: what benchmarks, percentiles and waterfalls compare with.

    Attributes:
        codes: (creatives,) Number of the group.
        keys: Account and promotion type of each group.
    """

    def __init__(self, context: ReportContext) -> None:
        codes, keys = pd.factorize(
            pd.MultiIndex.from_frame(context.observed[["account_id", "promotion_type"]]), sort=True
        )
        self.codes: Ints = codes.astype(np.int64)
        self.keys: list[tuple[str, str]] = [(str(account), str(kind)) for account, kind in keys]

    def sums(self, values: Floats) -> Floats:
        """(groups,) sums of a number; unknown ones do not count."""
        return np.bincount(self.codes, np.nan_to_num(values), len(self.keys)).astype(np.float64)

    def medians(self, values: Floats, rows: Mask) -> Floats:
        """(groups,) medians over some rows; NaN where a group has none of them."""
        found = np.full(len(self.keys), np.nan)
        for code in np.unique(self.codes[rows]).tolist():
            found[code] = float(np.median(values[rows & (self.codes == code)]))
        return found

    def percentiles(self, values: Floats, rows: Mask) -> Floats:
        """(creatives,) share of the other chosen rows of the group below, half of the equal ones; NaN for other rows.

        Args:
            values: (creatives,) Larger is better.
            rows: Which are compared.
        """
        found = np.full(len(values), np.nan)
        for code in np.unique(self.codes[rows]).tolist():
            members = np.flatnonzero(rows & (self.codes == code))
            own = values[members]
            if len(own) > 1:
                line = np.sort(own)
                below = (np.searchsorted(line, own, "left") + np.searchsorted(line, own, "right") - 1) / 2
                found[members] = below / (len(own) - 1)
        return found


@dataclass(frozen=True)
class StageSteps:
    """One step of all chosen creatives.

    Attributes:
        rates, compared: (groups,) Rates of accounts, and how many of their creatives percentiles are counted among.
        observed, predicted, percentile, clear: (creatives,) As in `Step`; NaN where there is none.
    """

    rates: Floats
    compared: Floats
    observed: Floats
    predicted: Floats
    percentile: Floats
    clear: Mask


class FunnelSteps:
    """Steps of all chosen creatives."""

    def __init__(self, context: ReportContext, groups: AccountGroups) -> None:
        self._context, self._groups = context, groups

    @cached_property
    def _found(self) -> dict[str, StageSteps]:
        return {stage.name: self._of_stage(stage) for stage in self._context.funnel.stages}

    def _of_stage(self, stage: Stage) -> StageSteps:
        context, groups = self._context, self._groups
        count, exposure = context.counts(stage.numerator), context.counts(exposure_of(stage))
        rates = np.full(len(groups.keys), np.nan)
        exposed = groups.sums(exposure)
        np.divide(groups.sums(count), exposed, out=rates, where=exposed > 0)
        events = context.counts(stage.events_column)
        ratio, informed = ratio_and_events(stage.is_poisson, count, exposure, events, rates[groups.codes])
        enough = informed >= LEAST_EVENTS
        observed = np.divide(count, exposure, out=np.full(len(count), np.nan), where=enough & (exposure > 0))
        dispersion = context.loaded_model.model.fitted.priors[stage.name].dispersion
        clear = enough & (np.abs(ratio - 1.0) * np.sqrt(informed / dispersion) >= CLEAR_SDS)
        sign = good_sign(stage.name)
        percentile = groups.percentiles(sign * observed, enough)
        predicted = context.predicted[stage.name].to_numpy(np.float64)
        by_prediction = groups.percentiles(sign * predicted, np.ones(len(count), dtype=bool))
        return StageSteps(
            rates=rates,
            compared=groups.sums(enough.astype(np.float64)),
            observed=observed,
            predicted=predicted,
            percentile=np.where(enough, percentile, by_prediction),
            clear=clear,
        )

    def benchmarks(self) -> list[StepBenchmark]:
        """What steps are compared with, for every account, promotion type and step."""
        return [
            StepBenchmark(
                stage=name,
                account_id=account,
                promotion_type=kind,
                rate=finite(found.rates[place]),
                creatives=int(found.compared[place]),
            )
            for place, (account, kind) in enumerate(self._groups.keys)
            for name, found in self._found.items()
        ]

    def of_row(self, row: int) -> dict[str, Step]:
        """Stage → step of one creative."""
        return {
            name: Step(
                observed=finite(found.observed[row]),
                predicted=float(found.predicted[row]),
                percentile=finite(found.percentile[row]),
                clear=bool(found.clear[row]),
            )
            for name, found in self._found.items()
        }

    def leak(self, row: int) -> str:
        """The step that leaks by the largest factor below the account's; empty where none does.

        Steps that make up GPM and ROI come before those that are only explained (3-s plays, interactions).
        """
        losses: list[tuple[bool, float, str]] = []
        code = self._groups.codes[row]
        for name, found in self._found.items():
            if found.clear[row] and found.percentile[row] <= LEAK_PLACE:
                loss = good_sign(name) * np.log(max(found.observed[row], 1e-12) / found.rates[code])
                if loss < 0:
                    losses.append((name not in self._context.funnel.composed_stages, float(loss), name))
        return min(losses)[2] if losses else ""


def exposure_of(stage: Stage) -> str:
    """Column that a stage's rate is read over: of the value of orders, the orders."""
    return ORDER.numerator if stage.priced else stage.exposure


def good_sign(stage: str) -> float:
    """−1 for cost, of which less is better, else 1."""
    return -1.0 if stage == COST.name else 1.0


def finite(value: float) -> float | None:
    """The number; None for NaN and infinity."""
    return float(value) if np.isfinite(value) else None

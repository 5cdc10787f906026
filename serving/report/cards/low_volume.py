"""Why a creative gets little traffic: what stands out against the account, or that nothing does.

A creative that waits or runs gets little if its predicted later volume is below LOW times the median of the account's
creatives of the same promotion type and status. What is then looked at: the model's own contributions to later volume
(`Waterfall` of it), the cost of traffic, the life so far, the platform's label, and whether an older creative shows the
same idea.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY, MULTI
from features.stages import COST
from serving.report.cards.life import FADING, Life
from serving.report.cards.steps import AccountGroups, finite
from serving.report.cards.waterfall import AccountWaterfalls
from serving.report.context import ReportContext
from serving.report.contribution_groups import PACE
from serving.report.effects import ReportPart
from training.decision.similar import SameIdeas
from training.decision.status import STOPPED

LOW = 0.5
CLEAR_FACTOR = 0.87
"""A feature group stands out if its factor on later volume is so small or smaller."""
DEAR = 1.2
"""Traffic is dear from so many times the account's cost of 1 000 impressions."""
MOST_CAUSES = 3
BAD_LABELS = ("低质", "低效", "同质化", "搬运")
"""Labels of the platform that go with less traffic (素材评估)."""
GOOD_STATES = ("投放中", "正常")
"""States of the platform that are no reason for little traffic."""


class VolumeCause(ReportPart):
    """One thing that goes with little traffic.

    Attributes:
        kind: `group` (a feature group lowers the prediction), `cost` (traffic is dear), `fading` (the last days are
            far below its best), `label` and `status` (what the platform says) or `idea` (an older creative shows the
            same).
        name: Feature group, or what the platform says; else empty.
        factor: On later volume; of `cost` its price of traffic over the account's, of `fading` the last days over the
            best; else None.
    """

    kind: str
    name: str
    factor: float | None


class LowVolume(ReportPart):
    """A creative that gets little traffic.

    Attributes:
        expected: Predicted later volume.
        usual: Median of those it is compared with.
        usual_roi_target: Median ROI target of its account's creatives; None where none is stated.
        causes: What stands out; empty where nothing does.
    """

    expected: float
    usual: float
    usual_roi_target: float | None
    causes: list[VolumeCause]


class LowVolumes:
    """Finds out why creatives get little traffic."""

    def __init__(self, context: ReportContext, accounts: AccountGroups, lives: list[Life], ideas: SameIdeas) -> None:
        self._context, self._lives, self._ideas = context, lives, ideas
        target = context.funnel.volume_target
        self._expected = context.predicted[target].to_numpy(np.float64)
        status = np.array(context.status)
        self._usual = np.full(len(status), np.nan)
        for one in np.unique(status[status != STOPPED]).tolist():
            rows = status == one
            self._usual[rows] = accounts.medians(self._expected, rows)[accounts.codes[rows]]
        self._falls = AccountWaterfalls(context, target, accounts)
        self._cost = self._cost_over_account(accounts)
        self._labels = _said(context, "platform_label")
        self._states = _said(context, "platform_status")
        stated = context.observed.get("roi_target", pd.Series(np.full(len(status), np.nan))).to_numpy(np.float64)
        self._usual_roi_target = accounts.medians(stated, np.isfinite(stated))[accounts.codes]

    def of_row(self, row: int) -> LowVolume | None:
        """Why this creative gets little traffic; None where it does not, or has stopped."""
        expected, usual = float(self._expected[row]), float(self._usual[row])
        if not expected < LOW * usual:
            return None
        return LowVolume(
            expected=expected,
            usual=usual,
            usual_roi_target=finite(self._usual_roi_target[row]),
            causes=[*self._of_groups(row), *self._others(row)],
        )

    def _of_groups(self, row: int) -> list[VolumeCause]:
        """Feature groups that lower the prediction; the pace of delivery is told of a fading life instead."""
        factors = np.exp(self._falls.logs[row])
        fading = self._lives[row].phase == FADING
        found = [
            VolumeCause(kind="group", name=self._falls.groups[place], factor=float(factors[place]))
            for place in np.argsort(factors, kind="stable").tolist()
            if factors[place] <= CLEAR_FACTOR and not (fading and self._falls.groups[place] == PACE)
        ]
        return found[:MOST_CAUSES]

    def _others(self, row: int) -> list[VolumeCause]:
        found = []
        if self._cost[row] >= DEAR:
            found.append(VolumeCause(kind="cost", name="", factor=float(self._cost[row])))
        life = self._lives[row]
        if life.phase == FADING and life.peak and life.recent is not None:
            found.append(VolumeCause(kind="fading", name="", factor=life.recent / life.peak))
        if any(bad in self._labels[row] for bad in BAD_LABELS):
            found.append(VolumeCause(kind="label", name=self._labels[row].replace(MULTI, "、"), factor=None))
        if self._states[row] and not any(good in self._states[row] for good in GOOD_STATES):
            found.append(VolumeCause(kind="status", name=self._states[row], factor=None))
        if self._ideas.first[row] != row:
            found.append(VolumeCause(kind="idea", name="", factor=None))
        return found

    def _cost_over_account(self, accounts: AccountGroups) -> npt.NDArray[np.float64]:
        """(creatives,) Predicted cost of an impression over the account's so far; NaN where either is not known."""
        if COST.name not in self._context.predicted:
            return np.full(len(accounts.codes), np.nan)
        spend = accounts.sums(self._context.counts(COST.numerator))
        shown = accounts.sums(self._context.counts(COST.exposure))
        rates = np.divide(spend, shown, out=np.full_like(spend, np.nan), where=(shown > 0) & (spend > 0))
        return np.asarray(self._context.predicted[COST.name].to_numpy(np.float64) / rates[accounts.codes])


def _said(context: ReportContext, column: str) -> list[str]:
    """What the platform says of each creative in a column of its attributes; empty where it says nothing."""
    creatives = context.loaded.creatives
    if column not in creatives:
        return [""] * len(context.observed)
    said = context.observed[KEY].merge(creatives[[*KEY, column]], on=KEY, how="left")[column]
    return said.fillna("").astype("str").tolist()

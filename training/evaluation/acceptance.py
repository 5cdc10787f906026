"""What a model can be used for: ranking, level, intervals and chances of every target, judged on the holdout.

Every threshold of an acceptance is defined here and nowhere else. `training.evaluation.page.sentences` says the
judgements in words. A group (an age, a tenth of predictions, a cell of coverage) is judged only where it matters: it
has MIN_GROUP_ROWS rows and holds MIN_SHARE of the exposure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.schema import KEY
from features.targets import TARGETS
from training.evaluation.coverage import ROI_LEVEL_SHARES
from training.evaluation.deciles import WHOLE
from training.evaluation.metrics import (
    ALL_AGES,
    BOOTSTRAP_DRAWS,
    COLUMN_PREFIXES,
    METHODS,
    OWN,
    band,
    comparable_rows,
    drawn_spearman,
    evaluated_targets,
    with_observed_sample,
)
from training.labels.judged import MIN_GROUP_ROWS

Range = tuple[float, float]

Aspect = Literal["ranking", "level", "intervals", "chances"]
Verdict = Literal["usable", "caution", "unusable", "undecided"]
ASPECTS: tuple[Aspect, ...] = ("ranking", "level", "intervals", "chances")
"""What is judged, in the order of reading."""
MIN_SHARE = 0.01
"""Share of a target's exposure (impressions, spend; volume: impressions) below which a group is not judged."""
LEVEL_RANGE = (0.9, 1.1)
"""Predicted over actual total of all rows that is right."""
GROUP_LEVEL_RANGE = (0.85, 1.18)
"""Allowed predicted over actual of an age or of a tenth of predictions, after the factor to read the target by."""
LEAST_TO_HALF = 10
"""Creatives that bring half of a total of volume; with fewer, a total that is off decides nothing."""
COVERAGE_TOLERANCE = 0.02
"""Allowed distance of the observed from the nominal coverage of all rows: 78–82 % for 80 %."""
GROUP_TOLERANCE = 0.06
"""The same in one group of age, early-volume quarter and promotion type: 74–86 % for 80 %."""
PROBABILITY_TOLERANCE = 0.05
"""Allowed distance of a bin's mean predicted probability from its observed frequency."""
NORMAL = 1.645
"""Standard errors to either side of a share that enclose 90 % of a normal distribution, the level of all bands."""


@dataclass(frozen=True)
class Measured:
    """One figure with its band.

    Attributes:
        of: What it belongs to: a baseline, an age, a tenth, a bin, a group, or several of these.
        value: The figure.
        low: Lower end of its 90 % band.
        high: Upper end of its 90 % band.
        rows: Number of rows behind it.
    """

    of: tuple[str, ...]
    value: float
    low: float
    high: float
    rows: int

    def outside(self, allowed: Range) -> bool:
        """Whether the whole band lies outside a range."""
        return self.high < allowed[0] or self.low > allowed[1]


@dataclass(frozen=True)
class Judgement:
    """What one target can be used for in one aspect.

    Attributes:
        of: A target; of chances `roi` or `hit`.
        aspect: What is judged.
        verdict: `usable`; `caution`: usable with what its sentence says; `unusable`; `undecided`: too few rows, or
            too few creatives that bring most of the total.
        figure: Of all rows. Ranking: Spearman correlation with the outcome. Level: predicted over actual total.
            Intervals: share of outcomes inside. Chances: observed frequency minus predicted probability, of the bin
            where they differ most (`of` is its number).
        factor: Level only: what to multiply predictions by; 1 where the level is right.
        half_by: Level of volume only: how many creatives brought half of the total, where they are so few that nothing
            is decided; else 0.
        rivals: Ranking only: correlation minus that of each baseline on the same rows.
        worst: Group whose whole band lies outside its tolerance, the farthest off of these; None where there is none.
            Ranking: age and baseline; level: age and tenth of predictions, after the factor; intervals: age, quarter
            and promotion type.
    """

    of: str
    aspect: Aspect
    verdict: Verdict
    figure: Measured
    factor: float = 1.0
    rivals: tuple[Measured, ...] = ()
    worst: Measured | None = None
    half_by: int = 0


def judgements(
    holdout: pd.DataFrame,
    groups: pd.DataFrame,
    bins: pd.DataFrame,
    deciles: pd.DataFrame,
    *,
    level: float,
    least_volume: float,
    draws: int = BOOTSTRAP_DRAWS,
) -> list[Judgement]:
    """Judge every aspect of every target, in the order of ASPECTS.

    Args:
        holdout: A holdout frame (`training.evaluation.metrics`). Outcomes are ranked by `typical_<target>` where the
            frame has it, else by `predicted_<target>`.
        groups: Coverage by group (`training.evaluation.coverage.Coverage`).
        bins: Reliability by bin of probability (`training.evaluation.coverage.Coverage`).
        deciles: As of `training.evaluation.deciles.calibration_table`.
        level: Nominal coverage of the intervals.
        least_volume: Least later volume of a row that counts for a rate.
        draws: Replicates of the bootstrap over creatives.
    """
    compared = {
        target: holdout[comparable_rows(holdout, target, least_volume)] for target in evaluated_targets(holdout)
    }
    return [
        *(_ranking(rows, target, draws) for target, rows in compared.items()),
        *(_level(deciles[deciles["target"] == target], target, rows) for target, rows in compared.items()),
        *(_intervals(groups[groups["target"] == target], rows, target, level) for target, rows in compared.items()),
        *(_chances(of_one, str(name)) for name, of_one in bins.groupby("chance", sort=False)),
    ]


def rank_correlations(rows: pd.DataFrame, target: str, draws: int) -> tuple[Measured, list[Measured]]:
    """Compute the rank correlation with the outcome, and how far it is above that of each baseline.

    A baseline of identical predictions is left out; one whose predictions do not vary counts as a correlation of 0.
    """
    truth = rows[f"actual_{target}"].to_numpy(np.float64)
    drawn = with_observed_sample(rows, draws)
    typical = f"typical_{target}"
    predicted = rows[f"{COLUMN_PREFIXES[OWN]}_{target}"].to_numpy(np.float64)
    guess = rows[typical].to_numpy(np.float64) if typical in rows else predicted
    own = drawn_spearman(guess, truth, drawn)
    rivals = []
    for baseline in (method for method in METHODS if method != OWN):
        name = f"{COLUMN_PREFIXES[baseline]}_{target}"
        if name in rows and not np.array_equal(rows[name].to_numpy(np.float64), predicted):
            gain = own - np.nan_to_num(drawn_spearman(rows[name].to_numpy(np.float64), truth, drawn))
            rivals.append(Measured((baseline,), float(gain[0]), *band(gain[1:]), len(rows)))
    return Measured((target,), float(own[0]), *band(own[1:]), len(rows)), rivals


def _ranking(rows: pd.DataFrame, target: str, draws: int) -> Judgement:
    """Usable: better than every baseline, with the whole band. Unusable: no better than chance, or worse than one."""
    own, rivals = rank_correlations(rows, target, draws)
    if own.rows < MIN_GROUP_ROWS:
        return Judgement(target, "ranking", "undecided", own, rivals=tuple(rivals))
    weight = rows[f"{'actual' if TARGETS[target].is_volume else 'exposure'}_{target}"]
    behind = []
    for age, of_age in rows.groupby("age_hours"):
        if len(of_age) >= MIN_GROUP_ROWS and weight[of_age.index].sum() >= MIN_SHARE * weight.sum():
            worse = (one for one in rank_correlations(of_age, target, draws)[1] if one.high < 0)
            behind += [Measured((f"{age:g}", *one.of), one.value, one.low, one.high, one.rows) for one in worse]
    verdict: Verdict = "caution"
    if not own.low > 0 or any(one.high < 0 for one in rivals):
        verdict = "unusable"
    elif all(one.low > 0 for one in rivals) and not behind:
        verdict = "usable"
    worst = min(behind, key=lambda one: one.value, default=None)
    return Judgement(target, "ranking", verdict, own, rivals=tuple(rivals), worst=worst)


def _level(deciles: pd.DataFrame, target: str, rows: pd.DataFrame) -> Judgement:
    """Usable: right in total and in every group. Unusable: half of the exposure is off even after the factor.

    A total of volume that is off while a few creatives brought half of it decides nothing: its tail is so heavy that
    the bootstrap's band is too narrow (Athreya 1987), and who becomes a hit next multiplies it again.
    """
    is_whole = (deciles["age_hours"] == ALL_AGES) & (deciles["decile"] == WHOLE)
    whole = [_total(row) for row in _records(deciles[is_whole])]
    total = whole[0] if whole else Measured((target,), np.nan, np.nan, np.nan, 0)
    if total.rows < MIN_GROUP_ROWS or not total.value > 0:
        return Judgement(target, "level", "undecided", total)
    is_right = LEVEL_RANGE[0] <= total.value <= LEVEL_RANGE[1]
    few = _half_by(rows, target) if TARGETS[target].is_volume and not is_right else LEAST_TO_HALF
    if few < LEAST_TO_HALF:
        return Judgement(target, "level", "undecided", total, half_by=few)
    factor = 1.0 if is_right else round(1.0 / total.value, 2)
    judged = ~is_whole & (deciles["rows"] >= MIN_GROUP_ROWS) & (deciles["share"] >= MIN_SHARE)
    tenths, off = 0.0, []
    for row in _records(deciles[judged]):
        one = _total(row, factor)
        if one.outside(GROUP_LEVEL_RANGE):
            off.append(one)
            tenths += float(row["share"]) if row["age_hours"] == ALL_AGES else 0.0
    verdict: Verdict = "unusable" if tenths > 0.5 else "usable" if is_right and not off else "caution"
    worst = max(off, key=lambda one: abs(np.log(max(one.value, 1e-9))), default=None)
    return Judgement(target, "level", verdict, total, factor=factor, worst=worst)


def _half_by(rows: pd.DataFrame, target: str) -> int:
    """How many creatives brought half of the total that came; one counts by its largest row, as rows overlap."""
    brought = rows.groupby(KEY, observed=True)[f"actual_{target}"].max().sort_values(ascending=False)
    return int(np.searchsorted(brought.cumsum().to_numpy(), brought.sum() / 2.0)) + 1


def _intervals(groups: pd.DataFrame, rows: pd.DataFrame, target: str, level: float) -> Judgement:
    """Usable: right in total and in every group. Unusable: too narrow in total and in every group, beyond chance."""
    groups = groups[groups["enough_volume"].astype(bool)]
    overall = _records(groups[groups["age_hours"] == "all"])
    if not overall:
        return Judgement(target, "intervals", "undecided", Measured((target,), np.nan, np.nan, np.nan, 0))
    # Rows of one creative are dependent: for the band of all rows each creative counts once.
    creatives = max(len(rows[KEY].drop_duplicates()), 1)
    covered = _share(overall[0], "covered", (target,), creatives)
    if covered.rows < MIN_GROUP_ROWS:
        return Judgement(target, "intervals", "undecided", covered)
    of_groups = groups[(groups["age_hours"] != "all") & (groups["rows"] >= MIN_GROUP_ROWS)]
    judged = [
        _share(row, "covered", tuple(str(row[name]) for name in ("age_hours", "quarter", "promotion_type")))
        for row in _records(of_groups[of_groups["share"] >= MIN_SHARE])
    ]
    allowed = (level - GROUP_TOLERANCE, level + GROUP_TOLERANCE)
    off = [one for one in judged if one.outside(allowed)]
    verdict: Verdict = "caution"
    if all(one.high < allowed[0] for one in (covered, *judged)):
        verdict = "unusable"
    elif abs(covered.value - level) <= COVERAGE_TOLERANCE and not off:
        verdict = "usable"
    worst = max(off, key=lambda one: abs(one.value - level), default=None)
    return Judgement(target, "intervals", verdict, covered, worst=worst)


def _chances(bins: pd.DataFrame, chance: str) -> Judgement:
    """Usable: every bin is within the tolerance. Unusable: every bin is outside, beyond chance."""
    # P(ROI ≥ x) is evaluated at several x per row: these repeats are not independent observations.
    repeats = len(ROI_LEVEL_SHARES) if chance == "roi" else 1
    judged = []
    for row in _records(bins[bins["rows"] >= MIN_GROUP_ROWS]):
        true, stated = _share(row, "true", (f"{row['bin']:g}",), float(row["rows"]) / repeats), float(row["stated"])
        judged.append(Measured(true.of, true.value - stated, true.low - stated, true.high - stated, true.rows))
    if not judged:
        return Judgement(chance, "chances", "undecided", Measured((), np.nan, np.nan, np.nan, int(bins["rows"].sum())))
    allowed = (-PROBABILITY_TOLERANCE, PROBABILITY_TOLERANCE)
    farthest = max(judged, key=lambda one: abs(one.value))
    verdict: Verdict = "caution"
    if all(one.outside(allowed) for one in judged):
        verdict = "unusable"
    elif allowed[0] <= farthest.value <= allowed[1]:
        verdict = "usable"
    return Judgement(chance, "chances", verdict, farthest)


def _records(table: pd.DataFrame) -> list[dict[str, str | float]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _total(row: Mapping[str, str | float], factor: float = 1.0) -> Measured:
    """Predicted × factor over actual of a line of the calibration table."""
    of = ("all" if row["age_hours"] == ALL_AGES else f"{row['age_hours']:g}", f"{row['decile']:g}")
    value, low, high = (factor * float(row[name]) for name in ("total", "total_low", "total_high"))
    return Measured(of, value, low, high, int(row["rows"]))


def _share(
    row: Mapping[str, str | float], name: str, of: tuple[str, ...], independent: float | None = None
) -> Measured:
    """A share with its band; `independent` is the number of independent rows, by default all."""
    share, rows = float(row[name]), int(row["rows"])
    low, high = share_band(share, rows if independent is None else independent)
    return Measured(of, float(share), float(low), float(high), rows)


def share_band(share: Floats | float, rows: Floats | float) -> tuple[Floats, Floats]:
    """Return the 90 % band of observed shares from their binomial standard error, for independent rows."""
    error = NORMAL * np.sqrt(share * (1.0 - np.asarray(share)) / rows)
    return np.maximum(share - error, 0.0), np.minimum(share + error, 1.0)

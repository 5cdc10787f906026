"""Acceptance checks of an evaluation: PASS, REVIEW or FAIL by the thresholds defined here and nowhere else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.evaluation.coverage import MIN_GROUP_ROWS, ROI_LEVEL_SHARES
from training.evaluation.deciles import WHOLE
from training.evaluation.metrics import (
    ALL_AGES,
    COLUMN_PREFIXES,
    METHODS,
    OWN,
    band,
    comparable_rows,
    evaluated_targets,
    ratio,
    with_observed_sample,
)

Floats = npt.NDArray[np.float64]

PASS, REVIEW, FAIL = "PASS", "REVIEW", "FAIL"
BASELINES, DECILE_TOTALS, COVERAGE, GROUP_COVERAGE, PROBABILITIES = CHECKS = (
    "baselines",
    "deciles",
    "coverage",
    "group_coverage",
    "probabilities",
)
"""Names of the checks, in the order of reading."""
COVERAGE_TOLERANCE = (-0.02, 0.04)
"""Allowed distance of the observed from the nominal coverage: 78–84 % for 80 %. Order counts are integers, so an
interval cannot have exactly the nominal coverage; there is more tolerance above."""
GROUP_TOLERANCE = -0.06
"""Allowed shortfall of coverage in one group of age, early-volume quarter and promotion type: 74 % for 80 %."""
PROBABILITY_TOLERANCE = 0.05
"""Allowed distance of a bin's mean predicted probability from its observed frequency."""
DECILE_RANGE = (0.85, 1.18)
"""Allowed predicted over actual of a tenth of predictions."""
NORMAL = 1.645
"""Standard errors to either side of a share that enclose 90 % of a normal distribution, the level of all bands."""


@dataclass(frozen=True)
class CheckedFigure:
    """One figure of at least MIN_GROUP_ROWS rows.

    Attributes:
        of: What it belongs to: a target (or `roi`, `hit`), and the baseline, age, tenth, bin or group.
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


@dataclass(frozen=True)
class Check:
    """One acceptance check.

    Attributes:
        name: One of CHECKS.
        allowed: Range in which each figure must lie.
        figures: The checked figures.
        too_few: Number of further figures on fewer than MIN_GROUP_ROWS rows, which are not checked.
        whole_band: True if the whole band must lie inside the range. The comparison with baselines asks this, so that
            sampling variance alone cannot pass it.
    """

    name: str
    allowed: tuple[float, float]
    figures: Sequence[CheckedFigure]
    too_few: int
    whole_band: bool = False

    def status_of(self, one: CheckedFigure) -> str:
        """Return PASS inside the range, FAIL where the whole band lies outside, else REVIEW."""
        low, high = self.allowed
        inside = low <= one.low and one.high <= high if self.whole_band else low <= one.value <= high
        if inside:
            return PASS
        return REVIEW if one.low <= high and one.high >= low else FAIL

    @property
    def status(self) -> str:
        """The worst status of the figures; REVIEW where no figure has enough rows."""
        found = {self.status_of(one) for one in self.figures}
        return FAIL if FAIL in found else REVIEW if REVIEW in found or not found else PASS

    @property
    def worst(self) -> CheckedFigure | None:
        """The figure with the worst status; among equals, the one farthest outside or nearest to the limit."""
        return max(self.figures, key=self._badness, default=None)

    def _badness(self, one: CheckedFigure) -> tuple[int, float]:
        low, high = self.allowed
        return (PASS, REVIEW, FAIL).index(self.status_of(one)), max(low - one.value, one.value - high)


def overall(checks: Iterable[Check]) -> str:
    """Return the worst status: FAIL where one check fails, PASS where all pass."""
    found = {check.status for check in checks}
    return FAIL if FAIL in found else REVIEW if REVIEW in found else PASS


def acceptance_checks(
    holdout: pd.DataFrame,
    groups: pd.DataFrame,
    bins: pd.DataFrame,
    deciles: pd.DataFrame,
    *,
    level: float,
    least_volume: float,
    draws: int = 200,
    seed: int = 7,
) -> list[Check]:
    """Compute every check, in the order of CHECKS.

    Args:
        holdout: A holdout frame (`training.evaluation.metrics`).
        groups: Coverage by group (`training.evaluation.coverage.Coverage`).
        bins: Reliability by bin of probability (`training.evaluation.coverage.Coverage`).
        deciles: As of `training.evaluation.deciles.calibration_table`.
        level: Nominal coverage of the intervals.
        least_volume: Least later volume of a row that counts for a rate.
        draws: Replicates of the bootstrap over creatives.
        seed: Of the bootstrap.
    """
    return [
        _baselines(holdout, least_volume, draws, seed),
        _deciles(deciles),
        _coverage(holdout, level, least_volume, draws, seed),
        _group_coverage(groups, level),
        _probabilities(bins),
    ]


def deviances(guess: Floats, truth: Floats, exposure: Floats, drawn: Floats) -> Floats:
    """Compute the Poisson deviance of each bootstrap replicate, up to a factor that all methods share.

    Args:
        guess, truth, exposure: Axis 0: rows.
        drawn: Axis 0: replicates, axis 1: rows.

    Returns:
        One deviance per replicate, with the weights of `training.evaluation.metrics.evaluate`.
    """
    weight = drawn * np.minimum(exposure, 10.0 * np.median(exposure))
    guess = np.maximum(guess, 1e-9)
    gain = truth * np.log(np.where(truth > 0, truth, 1.0) / guess) - (truth - guess)
    return weight @ gain


def interval_coverage(
    holdout: pd.DataFrame, target: str, least_volume: float, *, draws: int = 200, seed: int = 7
) -> CheckedFigure | None:
    """Compute the share of a target's outcomes inside their intervals; None where there are no intervals."""
    if f"{target}_low" not in holdout:
        return None
    rows = holdout[comparable_rows(holdout, target, least_volume) & holdout[f"{target}_low"].notna().to_numpy(np.bool_)]
    if rows.empty:
        return None
    inside = rows[f"actual_{target}"].between(rows[f"{target}_low"], rows[f"{target}_high"]).to_numpy(np.float64)
    drawn = with_observed_sample(rows, draws, seed)[1:]
    return CheckedFigure((target,), float(inside.mean()), *band(ratio(drawn @ inside, drawn.sum(axis=1))), len(rows))


def _baselines(holdout: pd.DataFrame, least_volume: float, draws: int, seed: int) -> Check:
    """Deviance of the model over that of each baseline; a baseline with identical predictions is skipped."""
    found = []
    for target in evaluated_targets(holdout):
        rows = holdout[comparable_rows(holdout, target, least_volume)]
        if rows.empty:
            continue
        drawn = with_observed_sample(rows, draws, seed)
        truth, exposure = (rows[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
        own = rows[f"{COLUMN_PREFIXES[OWN]}_{target}"].to_numpy(np.float64)
        for baseline in (method for method in METHODS if method != OWN):
            name = f"{COLUMN_PREFIXES[baseline]}_{target}"
            if name not in rows or np.array_equal(rows[name].to_numpy(np.float64), own):
                continue
            other = deviances(rows[name].to_numpy(np.float64), truth, exposure, drawn)
            quotient = ratio(deviances(own, truth, exposure, drawn), other)
            found.append(CheckedFigure((target, baseline), float(quotient[0]), *band(quotient[1:]), len(rows)))
    return _check(BASELINES, (-np.inf, 1.0), found, whole_band=True)


def _deciles(deciles: pd.DataFrame) -> Check:
    rows = deciles[(deciles["decile"] != WHOLE) & deciles["total"].notna()]
    found = [
        CheckedFigure(
            (str(target), "all" if age == ALL_AGES else f"{age:g}", str(decile)), total, low, high, int(count)
        )
        for target, age, decile, total, low, high, count in zip(
            *(
                rows[name].tolist()
                for name in ("target", "age_hours", "decile", "total", "total_low", "total_high", "rows")
            )
        )
    ]
    return _check(DECILE_TOTALS, DECILE_RANGE, found)


def _coverage(holdout: pd.DataFrame, level: float, least_volume: float, draws: int, seed: int) -> Check:
    found = [
        interval_coverage(holdout, target, least_volume, draws=draws, seed=seed)
        for target in evaluated_targets(holdout)
    ]
    allowed = (level + COVERAGE_TOLERANCE[0], level + COVERAGE_TOLERANCE[1])
    return _check(COVERAGE, allowed, [one for one in found if one])


def _group_coverage(groups: pd.DataFrame, level: float) -> Check:
    rows = groups[(groups["age_hours"] != "all") & groups["enough_volume"].astype(bool)]
    found = [
        _share_figure(
            tuple(str(row[name]) for name in ("target", "age_hours", "quarter", "promotion_type")), row, "covered"
        )
        for row in _records(rows)
    ]
    return _check(GROUP_COVERAGE, (level + GROUP_TOLERANCE, np.inf), found)


def _probabilities(bins: pd.DataFrame) -> Check:
    """Observed frequency minus mean predicted probability of each bin."""
    found = []
    for row in _records(bins):
        # P(ROI ≥ x) is evaluated at several x per row: these repeats are not independent observations.
        repeats = len(ROI_LEVEL_SHARES) if row["chance"] == "roi" else 1
        one = _share_figure((str(row["chance"]), str(row["bin"])), row, "true", repeats)
        stated = float(row["stated"])
        found.append(CheckedFigure(one.of, one.value - stated, one.low - stated, one.high - stated, one.rows))
    return _check(PROBABILITIES, (-PROBABILITY_TOLERANCE, PROBABILITY_TOLERANCE), found)


def _records(table: pd.DataFrame) -> list[dict[str, str | float]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _share_figure(of: tuple[str, ...], row: Mapping[str, str | float], name: str, repeats: int = 1) -> CheckedFigure:
    """A share with its band from the binomial standard error, of `rows` / `repeats` independent rows."""
    share, rows = float(row[name]), float(row["rows"])
    error = NORMAL * float(np.sqrt(share * (1.0 - share) * repeats / rows))
    return CheckedFigure(of, share, share - error, share + error, int(rows))


def _check(
    name: str, allowed: tuple[float, float], found: Sequence[CheckedFigure], *, whole_band: bool = False
) -> Check:
    enough = [one for one in found if one.rows >= MIN_GROUP_ROWS]
    return Check(name, allowed, enough, len(found) - len(enough), whole_band)

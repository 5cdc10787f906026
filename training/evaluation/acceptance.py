"""Is an evaluation to be believed? PASS, REVIEW or FAIL by thresholds that stand here and nowhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.evaluation.bootstrap import band, creative_draws
from training.evaluation.calibration_table import WHOLE
from training.evaluation.coverage import ASKED_SHARES, LEAST_ROWS
from training.evaluation.holdout_frame import PARTS, judged_rows, judged_targets
from training.evaluation.metrics import ALL_AGES, METHODS, OWN

Floats = npt.NDArray[np.float64]

PASS, REVIEW, FAIL = "PASS", "REVIEW", "FAIL"
INSIDE = (-0.02, 0.04)
"""How far the share of outcomes inside their intervals may lie from the level: 78–84 % of 80 %. What is counted in
whole orders cannot be cut finer, so more room above."""
CELL = -0.06
"""The same of one cell of age, quarter and promotion type: at least 74 % of 80 %."""
CHANCE = 0.05
"""How far a tenth of stated chances may lie from the share that came true."""
TENTH = (0.85, 1.18)
"""Predicted over actual of a tenth of predictions."""
NORMAL = 1.645
"""Standard errors to either side of a share that hold LEVEL of `training.evaluation.bootstrap`."""


@dataclass(frozen=True)
class Measured:
    """One figure of at least LEAST_ROWS rows.

    Attributes:
        of: Whose: a target, with age, tenth, cell or rule where there are several.
        value: The figure.
        low: Of its band of 90 %.
        high: Of its band.
        rows: That it stands on.
    """

    of: tuple[str, ...]
    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class Check:
    """One question, and what was measured.

    Attributes:
        name: `coverage`, `cells`, `chances`, `tenths` or `better`.
        allowed: Where each figure must lie.
        measured: The figures.
        thin: How many more stand on fewer than LEAST_ROWS rows and are not judged.
        surely: The whole band must lie inside: who claims to be better must show more than luck.
    """

    name: str
    allowed: tuple[float, float]
    measured: Sequence[Measured]
    thin: int
    surely: bool = False

    def judge(self, one: Measured) -> str:
        """PASS inside; FAIL where the whole band lies outside; else luck can explain it: REVIEW."""
        low, high = self.allowed
        inside = low <= one.low and one.high <= high if self.surely else low <= one.value <= high
        if inside:
            return PASS
        return REVIEW if one.low <= high and one.high >= low else FAIL

    @property
    def status(self) -> str:
        """The worst of its figures; REVIEW where not one stands on enough rows."""
        found = {self.judge(one) for one in self.measured}
        return FAIL if FAIL in found else REVIEW if REVIEW in found or not found else PASS

    @property
    def worst(self) -> Measured | None:
        """The figure of the worst status, and of those the one farthest outside (or nearest to the edge)."""
        return max(self.measured, key=self._badness, default=None)

    def _badness(self, one: Measured) -> tuple[int, float]:
        low, high = self.allowed
        return (PASS, REVIEW, FAIL).index(self.judge(one)), max(low - one.value, one.value - high)


def overall(checks: Iterable[Check]) -> str:
    """FAIL where one fails, PASS where all pass."""
    found = {check.status for check in checks}
    return FAIL if FAIL in found else REVIEW if REVIEW in found else PASS


def checks(
    beside: pd.DataFrame,
    cells: pd.DataFrame,
    bins: pd.DataFrame,
    deciles: pd.DataFrame,
    *,
    level: float,
    least_volume: float,
    draws: int = 200,
    seed: int = 7,
) -> list[Check]:
    """Every question, in the order of reading.

    Args:
        beside: As of `training.evaluation.holdout.judge`.
        cells: Of `training.evaluation.coverage.Coverage`.
        bins: Of `training.evaluation.coverage.Coverage`.
        deciles: Of `training.evaluation.calibration_table`.
        level: Of the intervals.
        least_volume: Later volume from which a row's rates are compared.
        draws: Of the bootstrap over creatives.
        seed: Of the bootstrap.
    """
    return [
        _better(beside, least_volume, draws, seed),
        _tenths(deciles),
        _coverage(beside, level, least_volume, draws, seed),
        _cells(cells, level),
        _chances(bins),
    ]


def deviances(guess: Floats, truth: Floats, exposure: Floats, drawn: Floats) -> Floats:
    """Poisson deviance of each draw, as `training.evaluation.metrics` defines it but for a factor that all methods
    share."""
    weight = drawn * np.minimum(exposure, 10.0 * np.median(exposure))
    guess = np.maximum(guess, 1e-9)
    gain = truth * np.log(np.where(truth > 0, truth, 1.0) / guess) - (truth - guess)
    return weight @ gain


def covered(
    beside: pd.DataFrame, target: str, least_volume: float, *, draws: int = 200, seed: int = 7
) -> Measured | None:
    """Share of a target's outcomes inside their intervals; None where there are none."""
    if f"{target}_low" not in beside:
        return None
    rows = beside[judged_rows(beside, target, least_volume) & beside[f"{target}_low"].notna().to_numpy()]
    if rows.empty:
        return None
    inside = rows[f"actual_{target}"].between(rows[f"{target}_low"], rows[f"{target}_high"]).to_numpy(np.float64)
    drawn = creative_draws(rows, draws, seed)
    return Measured((target,), float(inside.mean()), *band(_share(drawn @ inside, drawn.sum(axis=1))), len(rows))


def _better(beside: pd.DataFrame, least_volume: float, draws: int, seed: int) -> Check:
    """Deviance over that of each rule to beat; a rule that predicts the same is none."""
    found = []
    for target in judged_targets(beside):
        rows = beside[judged_rows(beside, target, least_volume)]
        if rows.empty:
            continue
        drawn = np.vstack([np.ones((1, len(rows))), creative_draws(rows, draws, seed)])
        truth, exposure = (rows[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
        own = rows[f"{PARTS[OWN]}_{target}"].to_numpy(np.float64)
        for rule in (method for method in METHODS if method != OWN):
            name = f"{PARTS[rule]}_{target}"
            if name not in rows or np.array_equal(rows[name].to_numpy(np.float64), own):
                continue
            other = deviances(rows[name].to_numpy(np.float64), truth, exposure, drawn)
            ratio = _share(deviances(own, truth, exposure, drawn), other)
            found.append(Measured((target, rule), float(ratio[0]), *band(ratio[1:]), len(rows)))
    return _check("better", (-np.inf, 1.0), found, surely=True)


def _tenths(deciles: pd.DataFrame) -> Check:
    rows = deciles[(deciles["decile"] != WHOLE) & deciles["total"].notna()]
    found = [
        Measured(
            (row["target"], "all" if row["age_hours"] == ALL_AGES else f"{row['age_hours']:g}", str(row["decile"])),
            row["total"], row["total_low"], row["total_high"], row["rows"],
        )
        for row in rows.to_dict("records")
    ]  # fmt: skip
    return _check("tenths", TENTH, found)


def _coverage(beside: pd.DataFrame, level: float, least_volume: float, draws: int, seed: int) -> Check:
    ofs = [covered(beside, target, least_volume, draws=draws, seed=seed) for target in judged_targets(beside)]
    return _check("coverage", (level + INSIDE[0], level + INSIDE[1]), [one for one in ofs if one])


def _cells(cells: pd.DataFrame, level: float) -> Check:
    rows = cells[(cells["age_hours"] != "all") & cells["judged"].astype(bool)]
    found = [
        _shared(tuple(str(row[name]) for name in ("target", "age_hours", "quarter", "promotion_type")), row, "covered")
        for row in rows.to_dict("records")
    ]
    return _check("cells", (level + CELL, np.inf), found)


def _chances(bins: pd.DataFrame) -> Check:
    found = []
    for row in bins.to_dict("records"):
        # Of ROI, each row is asked at several targets: it is one row's luck all the same.
        asked = len(ASKED_SHARES) if row["chance"] == "roi" else 1
        one = _shared((str(row["chance"]), str(row["bin"])), row, "true", asked)
        off = row["stated"]
        found.append(Measured(one.of, one.value - off, one.low - off, one.high - off, one.rows))
    return _check("chances", (-CHANCE, CHANCE), found)


def _shared(of: tuple[str, ...], row: dict[str, float], name: str, asked: int = 1) -> Measured:
    share = float(row[name])
    error = NORMAL * float(np.sqrt(share * (1.0 - share) * asked / row["rows"]))
    return Measured(of, share, share - error, share + error, int(row["rows"]))


def _check(name: str, allowed: tuple[float, float], found: Sequence[Measured], *, surely: bool = False) -> Check:
    enough = [one for one in found if one.rows >= LEAST_ROWS]
    return Check(name, allowed, enough, len(found) - len(enough), surely)


def _share(top: Floats, below: Floats) -> Floats:
    return np.divide(top, below, out=np.full_like(top, np.nan), where=below > 0)

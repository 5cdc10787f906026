"""Intervals, probabilities and verdicts of predicted rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings, Verdict
from features.matrix.feature_matrix import Features
from features.point_in_time.array_frame import ArrayFrame
from training.boosting.model import CreativeModel
from training.decision.verdict import VERDICT_COLUMNS, VerdictInputs, no_verdict, verdict
from training.uncertainty import Predicted, PredictiveUncertainty, RowUncertainty

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Advice:
    """Decision support of some rows, in row order.

    Attributes:
        figures: One value per row: `<target>_low` and `<target>_high` of each target; `asked_roi` (the creative's own
            ROI target, else the settings'); `net_roi_chance` (`roi_chance` where net ROI is not predicted), the
            probability of reaching it; `hit_chance`.
        verdicts: Per row: the verdict, its reason in Chinese and in English.
        targets: Of the funnel.
        rows: Distributions of the rows; None without intervals.
    """

    figures: dict[str, Floats]
    verdicts: list[tuple[str, str, str]]
    targets: Sequence[str]
    rows: RowUncertainty | None

    @property
    def typical(self) -> dict[str, Floats]:
        """`typical_<target>` of each target, one value per row: expm1 of the mean of log1p.

        It ranks creatives by what one of them will most likely show. Only the batch states it.
        """
        unknown = np.full(len(self.verdicts), np.nan)
        return {
            f"typical_{target}": unknown if self.rows is None else self.rows.typical(target) for target in self.targets
        }

    def frame(self) -> pd.DataFrame:
        """Return all of it as columns; those of the verdicts are VERDICT_COLUMNS."""
        verdicts = pd.DataFrame(self.verdicts, columns=VERDICT_COLUMNS, dtype="str")
        return pd.concat([pd.DataFrame({**self.typical, **self.figures}), verdicts], axis=1)


def advise(
    predicted: Predicted,
    features: Features,
    observed: ArrayFrame,
    model: CreativeModel,
    settings: Settings,
    own_targets: Floats | None = None,
) -> Advice:
    """Compute intervals, probabilities and verdicts; NaN and empty where the model has no intervals.

    Args:
        predicted: Predictions of the model, one column per stage and target.
        features: Of the same rows.
        observed: Counts of the same rows.
        model: The model that predicted.
        settings: Of the model's run.
        own_targets: ROI target per row, NaN without one; None takes them from the features.
    """
    funnel, uncertainty = model.fitted.funnel, model.uncertainty
    rate, count = funnel.main_roi, len(features.reference_price)
    roi_to_reach = roi_targets(features, settings.verdict, own_targets)
    name = f"{rate or 'roi'}_chance"
    unknown = np.full(count, np.nan)
    if uncertainty is None:
        ends = {f"{target}_{end}": unknown for target in funnel.targets for end in ("low", "high")}
        verdicts = [no_verdict(rate, 0, settings.interval.min_rows)] * count
        figures = {**ends, "asked_roi": roi_to_reach, name: unknown, "hit_chance": unknown}
        return Advice(figures, verdicts, funnel.targets, None)
    rows = uncertainty.of(predicted, features)
    chance = rows.chance(roi_to_reach) if rate else unknown
    hit_chance = rows.hit_chance()
    if rate not in uncertainty.targets:
        verdicts = [no_verdict(rate, uncertainty.calibration_rows.get(rate, 0), settings.interval.min_rows)] * count
    else:
        inputs = _verdict_inputs(uncertainty, rows, observed, (roi_to_reach, chance, hit_chance), settings.verdict)
        verdicts = [verdict(one, settings.verdict) for one in inputs]
    figures = {**rows.intervals, "asked_roi": roi_to_reach, name: chance, "hit_chance": hit_chance}
    return Advice(figures, verdicts, funnel.targets, rows)


def roi_targets(features: Features, settings: Verdict, own_targets: Floats | None = None) -> Floats:
    """Return the ROI to reach of each creative: its own target, else the settings'."""
    own = own_targets
    if own is None and "roi_target" in features.values:
        own = features.values["roi_target"]
    if own is None:
        return np.full(len(features.reference_price), settings.roi_target)
    return np.where(own > 0, own, settings.roi_target)


def _verdict_inputs(
    uncertainty: PredictiveUncertainty,
    rows: RowUncertainty,
    observed: ArrayFrame,
    chances: tuple[Floats, Floats, Floats],
    settings: Verdict,
) -> list[VerdictInputs]:
    required = rows.required_evidence(settings.distinguish_probability)
    like = rows.comparable_creatives()
    spend = observed.floats("early:spend_cny")
    rate, counts_orders = uncertainty.funnel.main_roi, uncertainty.evidence_stage == "order"
    roi_to_reach, chance, hit_chance = chances
    columns = {
        "roi_to_reach": roi_to_reach,
        "chance": chance,
        "hit_chance": hit_chance,
        "spend_cny": spend,
        "creatives_like": like,
        **required,
    }
    lists = zip(*(values.tolist() for values in columns.values()))
    return [VerdictInputs(rate=rate, counts_orders=counts_orders, **dict(zip(columns, row))) for row in lists]

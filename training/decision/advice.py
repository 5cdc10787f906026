"""What a prediction comes with: its interval, the chance of its ROI target and of a hit, a verdict and its reason."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings, Verdict
from features.matrix.feature_matrix import Features
from features.point_in_time.array_frame import ArrayFrame
from training.boosting.model import CreativeModel
from training.decision.verdict import COLUMNS, VerdictInputs, no_verdict, verdict
from training.uncertainty import Predicted, PredictiveUncertainty, RowUncertainty

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Advice:
    """In row order.

    Attributes:
        figures: `<target>_low`, `<target>_high` per target; `asked_roi` (the creative's own target, else
            `verdict.roi_target`); `net_roi_chance` (`roi_chance` where net ROI is not known): of reaching it;
            `hit_chance`.
        verdicts: By row: the verdict, its reason in Chinese and in English.
    """

    figures: dict[str, Floats]
    verdicts: list[tuple[str, str, str]]

    def frame(self) -> pd.DataFrame:
        """All as columns; those of the verdicts are called COLUMNS."""
        return pd.concat(
            [pd.DataFrame(self.figures), pd.DataFrame(self.verdicts, columns=COLUMNS, dtype="str")], axis=1
        )


def advise(
    predicted: Predicted,
    features: Features,
    observed: ArrayFrame,
    model: CreativeModel,
    settings: Settings,
    own_targets: Floats | None = None,
) -> Advice:
    """Of each row; where the model does not know how far off it is, figures are NaN and the verdict is empty.

    Args:
        predicted: Of the model.
        features: The rows.
        observed: Their counts.
        model: Which predicted.
        settings: Of the model's run.
        own_targets: ROI targets of the creatives, NaN without one; those that the features tell, if not told here.
    """
    funnel, uncertainty = model.fitted.funnel, model.uncertainty
    rate, count = funnel.main_roi, len(features.reference_price)
    asked = asked_roi(features, settings.verdict, own_targets)
    name = f"{rate or 'roi'}_chance"
    nothing = np.full(count, np.nan)
    if uncertainty is None:
        ends = {f"{target}_{end}": nothing for target in funnel.targets for end in ("low", "high")}
        told = [no_verdict(rate, 0, settings.interval.min_rows)] * count
        return Advice({**ends, "asked_roi": asked, name: nothing, "hit_chance": nothing}, told)
    rows = uncertainty.of(predicted, features)
    chance = rows.chance(asked) if rate else nothing
    hit_chance = rows.hit_chance()
    if rate not in uncertainty.targets:
        told = [no_verdict(rate, uncertainty.calibration_rows.get(rate, 0), settings.interval.min_rows)] * count
    else:
        known = _known(uncertainty, rows, observed, (asked, chance, hit_chance), settings.verdict)
        told = [verdict(one, settings.verdict) for one in known]
    return Advice({**rows.intervals, "asked_roi": asked, name: chance, "hit_chance": hit_chance}, told)


def asked_roi(features: Features, settings: Verdict, own_targets: Floats | None = None) -> Floats:
    """The ROI asked of each creative: its own target, else the config's."""
    own = own_targets
    if own is None and "roi_target" in features.values:
        own = features.values["roi_target"]
    if own is None:
        return np.full(len(features.reference_price), settings.roi_target)
    return np.where(own > 0, own, settings.roi_target)


def _known(
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
    asked, chance, hit_chance = chances
    columns = {
        "asked": asked,
        "chance": chance,
        "hit_chance": hit_chance,
        "spend_cny": spend,
        "creatives_like": like,
        **required,
    }
    lists = zip(*(values.tolist() for values in columns.values()))
    return [VerdictInputs(rate=rate, counts_orders=counts_orders, **dict(zip(columns, row))) for row in lists]

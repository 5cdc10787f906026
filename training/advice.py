"""What a prediction comes with: its interval, the chance of its ROI target and of a hit, a verdict and its reason."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings, Verdict
from features.build import Features
from training.interval import Uncertainty, roi_target
from training.model import CreativeModel
from training.verdict import COLUMNS, Known, no_verdict, verdict

Floats = npt.NDArray[np.float64]


def advise(
    predicted: pd.DataFrame,
    features: Features,
    observed: pd.DataFrame,
    model: CreativeModel,
    settings: Settings,
    own_targets: Floats | None = None,
) -> pd.DataFrame:
    """Of each row; where the model does not know how far off it is, figures are NaN and the verdict is empty.

    Args:
        predicted: Of the model.
        features: The rows.
        observed: Their counts.
        model: Which predicted.
        settings: Of the model's run.
        own_targets: ROI targets of the creatives, NaN without one; those that the features tell, if not told here.

    Returns:
        In row order: `<target>_low`, `<target>_high` per target; `asked_roi` (the creative's own target, else
        `verdict.roi_target`); `net_roi_chance` (`roi_chance` where net ROI is not known): of reaching it; `hit_chance`;
        `verdict`, `verdict_reason_zh`, `verdict_reason_en`.
    """
    plan, uncertainty = model.fitted.plan, model.uncertainty
    rate = roi_target(plan)
    asked = asked_roi(features, settings.verdict, own_targets)
    name = f"{rate or 'roi'}_chance"
    nothing = np.full(len(predicted), np.nan)
    if uncertainty is None:
        ends = {f"{target}_{end}": nothing for target in plan.targets for end in ("low", "high")}
        table = pd.DataFrame({**ends, "asked_roi": asked, name: nothing, "hit_chance": nothing})
        told = [no_verdict(rate, 0, settings.interval.min_rows)] * len(predicted)
        return pd.concat([table, pd.DataFrame(told, columns=COLUMNS, dtype="str")], axis=1)
    chance = uncertainty.chance(predicted, features, asked) if rate else nothing
    hit_chance = uncertainty.hit_chance(predicted, features)
    table = uncertainty.bounds(predicted, features).assign(
        **{"asked_roi": asked, name: chance, "hit_chance": hit_chance}
    )
    if rate not in uncertainty.rates:
        told = [no_verdict(rate, uncertainty.rows.get(rate, 0), settings.interval.min_rows)] * len(predicted)
    else:
        known = _known(uncertainty, predicted, features, observed, (asked, chance, hit_chance), settings.verdict)
        told = [verdict(one, settings.verdict) for one in known]
    return pd.concat([table, pd.DataFrame(told, columns=COLUMNS, dtype="str")], axis=1)


def asked_roi(features: Features, settings: Verdict, own_targets: Floats | None = None) -> Floats:
    """The ROI asked of each creative: its own target, else the config's."""
    own = own_targets
    if own is None and "roi_target" in features.values:
        own = features.values["roi_target"].to_numpy(np.float64)
    if own is None:
        return np.full(len(features.values), settings.roi_target)
    return np.where(own > 0, own, settings.roi_target)


def _known(
    uncertainty: Uncertainty,
    predicted: pd.DataFrame,
    features: Features,
    observed: pd.DataFrame,
    chances: tuple[Floats, Floats, Floats],
    settings: Verdict,
) -> list[Known]:
    rate = roi_target(uncertainty.plan)
    needed = uncertainty.needed(predicted, features, settings.told_apart)
    like = uncertainty.creatives_like(predicted, features)
    spend = np.full(len(predicted), np.nan)
    if "early:spend_cny" in observed:
        spend = observed["early:spend_cny"].to_numpy(np.float64)
    return [
        Known(
            rate=rate,
            asked=float(asked),
            chance=float(chance),
            hit_chance=float(hit),
            spend_cny=float(spent),
            own_events=row["own_events"],
            more_events=row["more_events"],
            more_cny=row["more_cny"],
            more_volume=row["more_volume"],
            creatives_like=int(count),
            counts_orders=uncertainty.evidence.stage == "order",
        )
        for asked, chance, hit, spent, count, row in zip(*chances, spend, like, needed.to_dict("records"))
    ]

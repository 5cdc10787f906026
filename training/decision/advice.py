"""Intervals, probabilities and decisions of predicted rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.decision_rules import Figure
from configs.decision_settings import VerdictSettings
from configs.settings import Settings
from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from features.point_in_time.array_frame import ArrayFrame
from features.targets import TARGETS
from training.boosting.model import CreativeModel
from training.decision.rules import Decision, Facts, Known, decide, no_verdict, not_reported, what_came
from training.decision.status import RUNNING, STOPPED, WAITING
from training.uncertainty import Predicted, RowUncertainty

FIGURES: tuple[Figure, ...] = get_args(Figure)
NAMED = ("asked_roi", "roi", "later_low", "own_events", "more_cny", "more_volume", "decide_events", "later_spend")
"""Columns that reasons name beside the figures of conditions."""
EVEN = 0.5
"""Probability of a decision that is reached by what is missing until it: half of the creatives need more than that."""
VERDICT_COLUMNS = ["verdict", "verdict_reason_zh", "verdict_reason_en"]


@dataclass(frozen=True)
class Advice:
    """Decision support of some rows, in row order.

    Attributes:
        figures: One value per row: `<target>_low` and `<target>_high` of each target; `asked_roi` (the creative's own
            ROI target, else the settings'); `net_roi_chance` (`roi_chance` where net ROI is not predicted), the
            probability of reaching it in the outcome window; `rate_chance`, that of its true ROI; `hit_chance`;
            `stake_cny` of running creatives: predicted later spend ×
            (predicted ROI − its target), what the spend to come is expected to bring beyond its target; `decide_cny`
            and `decide_days` of running creatives: spend until the true ROI can be told from its target, and how many
            days that is at the predicted spend (both NaN where no amount of data can); `test_cny` of waiting
            creatives: spend until one can be told from the median candidate. NaN where it does not apply or is not
            known.
        status: Per row: waiting, running or stopped.
        verdicts: Per row: the verdict, its reason in Chinese and in English.
        targets: Of the funnel.
        rows: Distributions of the rows; None without intervals.
    """

    figures: dict[str, Floats]
    status: Sequence[str]
    verdicts: list[Decision]
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
        """Return all of it as columns: `status`, VERDICT_COLUMNS and all figures."""
        verdicts = pd.DataFrame(self.verdicts, columns=VERDICT_COLUMNS, dtype="str")
        status = pd.DataFrame({"status": pd.Series(self.status, dtype="str")})
        return pd.concat([pd.DataFrame({**self.typical, **self.figures}), status, verdicts], axis=1)


def advise(
    predicted: Predicted,
    features: Features,
    observed: ArrayFrame,
    status: Sequence[str],
    model: CreativeModel,
    settings: Settings,
    own_targets: Floats | None = None,
    unreported: npt.NDArray[np.bool_] | None = None,
) -> Advice:
    """Compute intervals, probabilities and decisions; NaN and empty where the model has no intervals.

    Args:
        predicted: Predictions of the model, one column per stage and target.
        features: Of the same rows.
        observed: Counts of the same rows.
        status: Of the same rows (`training.decision.status.statuses`).
        model: The model that predicted.
        settings: Of the model's run.
        own_targets: ROI target per row, NaN without one; None takes them from the features.
        unreported: Whether each has metrics that are not among its counts, so that nothing is decided; None: none has.
    """
    funnel, uncertainty = model.fitted.funnel, model.uncertainty
    rate, roi_to_reach = funnel.main_roi, roi_targets(features, settings.verdict, own_targets)
    unknown = np.full(len(features.reference_price), np.nan)
    rows = None if uncertainty is None else uncertainty.of(predicted, features)
    required = rows.required_evidence(settings.verdict.distinguish_probability) if rows else {"more_cny": unknown}
    is_running, is_waiting = (np.array([one == name for one in status]) for name in (RUNNING, WAITING))
    silent = np.zeros(len(status), dtype=bool) if unreported is None else unreported & is_running
    verdict, later_spend = settings.verdict, _later_spend(predicted, funnel)
    until = dict.fromkeys(("rate_chance", "decide_events", "decide_cny"), unknown)
    if rows and uncertainty is not None and rate in uncertainty.targets:
        lines = verdict.stop_rate_chance, verdict.scale_rate_chance
        until = dict(rows.spend_until_decided(roi_to_reach, *lines, EVEN))
    with np.errstate(divide="ignore", invalid="ignore"):
        days = until["decide_cny"] / later_spend * settings.outcome_days
    chance, hit_chance = rows.chances(roi_to_reach) if rows else (unknown, unknown)
    none = [f"{name}_{end}" for name in funnel.targets for end in ("low", "high")]
    figures = {
        **(rows.intervals if rows else dict.fromkeys(none, unknown)),
        "asked_roi": roi_to_reach,
        f"{rate or 'roi'}_chance": chance,
        "rate_chance": until["rate_chance"],
        "hit_chance": hit_chance,
        "stake_cny": np.where(is_running & ~silent, _stake(predicted, funnel, roi_to_reach, later_spend), np.nan),
        "decide_cny": np.where(is_running & ~silent & np.isfinite(until["decide_cny"]), until["decide_cny"], np.nan),
        "decide_days": np.where(is_running & ~silent & np.isfinite(days), days, np.nan),
        "test_cny": np.where(is_waiting, required["more_cny"], np.nan),
    }
    known = None
    if uncertainty is not None and rows is not None and rate in uncertainty.targets:
        columns = {**required, **until, "asked_roi": roi_to_reach, "hit_chance": hit_chance, "later_spend": later_spend}
        columns |= {f"later_{end}": figures[f"{funnel.volume_target}_{end}"] for end in ("low", "high")}
        columns |= {"chance": figures[f"{rate}_chance"], "roi": np.asarray(predicted[rate], dtype=np.float64)}
        columns |= {"spend_cny": observed.floats("early:spend_cny"), "place": rows.place_at_launch()}
        columns["roi_to_target"] = columns["roi"] / roi_to_reach
        known = _known(columns, rows.comparable_creatives(), status, observed, rate)
    calibrated = uncertainty.calibration_rows.get(rate, 0) if uncertainty else 0
    missing = no_verdict(rate, calibrated, settings.interval.min_rows, model.calibration)
    facts = facts_of(model, settings)
    came = _came(observed, funnel) if STOPPED in status else ()
    verdicts = [
        what_came(rate, roi_to_reach[row], *(values[row] for values in came))
        if one == STOPPED
        else not_reported()
        if silent[row]
        else decide(known[row], facts)
        if known
        else missing
        for row, one in enumerate(status)
    ]
    return Advice(figures, status, verdicts, funnel.targets, rows)


def roi_targets(features: Features, settings: VerdictSettings, own_targets: Floats | None = None) -> Floats:
    """Return the ROI to reach of each creative: its own target, else the settings'."""
    own = own_targets
    if own is None and "roi_target" in features.values:
        own = features.values["roi_target"]
    if own is None:
        return np.full(len(features.reference_price), settings.roi_target)
    return np.where(own > 0, own, settings.roi_target)


def facts_of(model: CreativeModel, settings: Settings) -> Facts:
    """What decisions by this model share."""
    uncertainty = model.uncertainty
    return Facts(
        settings=settings.verdict,
        hit_share=settings.interval.hit_share,
        hit_measure=uncertainty.hit_measure if uncertainty else "",
        outcome_days=settings.outcome_days,
        counts_orders=bool(uncertainty and uncertainty.evidence_stage == "order"),
        counts_impressions=model.fitted.funnel.volume_of == "impressions",
    )


def _later_spend(predicted: Predicted, funnel: Funnel) -> Floats:
    """(rows,) Expected later volume × expected cost of traffic, the two taken as independent; NaN without a cost."""
    spend = np.asarray(predicted[funnel.volume_target], dtype=np.float64)
    if funnel.volume_of == "spend_cny":
        return spend
    return (
        spend * np.asarray(predicted["cost"], dtype=np.float64) if "cost" in predicted else np.full_like(spend, np.nan)
    )


def _stake(predicted: Predicted, funnel: Funnel, asked_roi: Floats, later_spend: Floats) -> Floats:
    """(rows,) Predicted later spend × (predicted ROI − target), CNY; NaN where ROI is not predicted."""
    if not funnel.main_roi:
        return np.full(len(asked_roi), np.nan)
    return np.asarray(later_spend * (np.asarray(predicted[funnel.main_roi], dtype=np.float64) - asked_roi))


def _came(observed: ArrayFrame, funnel: Funnel) -> tuple[list[float], list[float], list[float]]:
    """(rows,) each: spend, orders and ROI so far; NaN where not known."""

    def counted(name: str) -> Floats:
        return observed.floats(f"early:{name}")

    spend, roi = counted("spend_cny"), np.full(len(observed), np.nan)
    if funnel.main_roi:
        target = TARGETS[funnel.main_roi]
        # Money after refunds is compared with the spend of the same, settled periods.
        roi = target.rate(counted(target.numerator), counted("settled_spend_cny") if target.net else spend)
    return spend.tolist(), counted("orders").tolist(), roi.tolist()


def _known(
    columns: dict[str, Floats],
    creatives_like: npt.NDArray[np.int64],
    status: Sequence[str],
    observed: ArrayFrame,
    rate: str,
) -> list[Known]:
    """What is decided about each row; columns: name → (rows,), the figures and what reasons name."""
    types = observed.categories("promotion_type").listed()
    lists = {name: values.tolist() for name, values in columns.items()}
    return [
        Known(
            status=one,
            promotion_type=types[row],
            figures={name: lists[name][row] for name in FIGURES},
            rate=rate,
            creatives_like=int(creatives_like[row]),
            **{name: lists[name][row] for name in NAMED},
        )
        for row, one in enumerate(status)
    ]

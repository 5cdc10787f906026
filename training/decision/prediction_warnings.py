"""Warnings of a prediction: every code, text (Chinese and English) and threshold, for the batch and for the service.

The service returns `code`, `zh` and `en`; the columns `warnings` and `warnings_zh` of the batch join the texts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import BASES, Settings
from features.bilingual import Words
from features.funnel import Funnel
from features.matrix.catalogue import column_label
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import Fitted
from features.point_in_time.metric_rows import SETTLED, unit_codes
from features.schema import MULTI, VALUE_LABELS, Loaded
from features.targets import GPM, NET_GPM
from training.decision.status import reported_until
from training.decision.unknown_ids import KnownIds, unknown_of_each

NO_DELIVERY_DAYS = 1.0
"""Days without delivery from which a running creative is warned about: one day is already missing from the counts of
the last day, which later volume depends on."""
STALE_HISTORY_DAYS = 3.0
"""Days from the end of the model's history of other creatives to the request, above which it is warned about."""
DERIVED = {*SETTLED, "engagements", "reference_gmv_cny"}
"""Counted columns that are computed from others, so that no export has them."""
SEPARATOR = "; "
AGE = Words("投放小时", "hours since launch")


class PredictionWarning(NamedTuple):
    """One warning: `code` for programs, `zh` and `en` for people."""

    code: str
    zh: str
    en: str


def batch_warnings(
    rows: pd.DataFrame, loaded: Loaded, fitted: Fitted, settings: Settings, now: pd.Timestamp, known_ids: KnownIds
) -> list[list[PredictionWarning]]:
    """Return the warnings of each snapshot.

    Args:
        rows: The latest snapshots (`features.point_in_time.snapshots`).
        loaded: Metrics and creatives of their accounts.
        fitted: What the model was fitted on.
        settings: Of the model.
        now: End of the last period of all data; accounts without metrics are compared with it.
        known_ids: Accounts, products and KOCs of the model's data.
    """
    general = not_predicted(fitted.funnel) + _missing_from_data(loaded, fitted, settings)
    creatives = loaded.creatives.reset_index(drop=True)
    of_ids = unknown_of_each(creatives, known_ids)
    unseen = [ids + others for ids, others in zip(of_ids, unseen_categories(creatives, fitted.encoder))]
    trained = {kind for prior in fitted.priors.values() for kind in prior.rate}
    days = silent_days(rows, loaded, now)
    return [
        [
            *general,
            *unseen_promotion_type(kind, trained),
            *(unseen_value(*found) for found in unseen[place]),
            *no_delivery(float(silent), settings.outcome_days),
        ]
        for kind, place, silent in zip(rows["promotion_type"].astype("str"), unit_codes(rows, creatives), days)
    ]


def silent_days(rows: pd.DataFrame, loaded: Loaded, now: pd.Timestamp) -> npt.NDArray[np.float64]:
    """(rows,) Days from a snapshot's cutoff to the end of its account's data; `now` for accounts without metrics."""
    span = reported_until(rows, loaded, now) - rows["cutoff"].to_numpy("datetime64[us]")
    return np.asarray(span / np.timedelta64(1, "D"))


def unseen_categories(creatives: pd.DataFrame, encoder: Encoder) -> list[list[tuple[str, str]]]:
    """Return, for each creative, its (column, value) pairs that are not in the training data.

    Promotion types have a warning of their own (`unseen_promotion_type`).
    """
    found: list[list[tuple[str, str]]] = [[] for _ in range(len(creatives))]
    for column, known in encoder.seen.items():
        if column not in creatives or column == "promotion_type":
            continue
        values = creatives[column].astype("object").reset_index(drop=True).dropna()
        parts = {value: value.split(MULTI) if column in encoder.multi else [value] for value in values.unique()}
        unseen = {value: kept for value, each in parts.items() if (kept := [p for p in each if p not in known])}
        for place, value in values[values.isin(list(unseen))].items():
            found[int(str(place))] += [(column, part) for part in unseen[value]]
    return found


def not_predicted(funnel: Funnel) -> list[PredictionWarning]:
    """Warn about targets and stages that the columns of the training data do not allow."""
    return [
        PredictionWarning(
            "not_predicted",
            f"不预测 {name}：训练数据缺少 {funnel.missing[name]}。",
            f"{name} is not predicted: the training data lack {funnel.missing[name]}",
        )
        for name in (GPM.name, NET_GPM.name, "keep", "cost")
        if name in funnel.missing
    ]


def no_delivery(days: float, outcome_days: int) -> list[PredictionWarning]:
    """Warn about a creative without delivery for NO_DELIVERY_DAYS days or more.

    Args:
        days: From the creative's last period to the end of the data (batch) or to the request (service).
        outcome_days: Length of the predicted window, which begins at the end of that last period.
    """
    if not days >= NO_DELIVERY_DAYS:
        return []
    zh = f"最近 {days:.0f} 天没有投放数据"
    en = f"no delivery for {days:.0f} day{'' if days < 1.5 else 's'}"
    if days >= outcome_days:
        zh, en = f"{zh}，预测窗口已过", f"{en}: the predicted window has passed"
    return [PredictionWarning("no_delivery", f"{zh}。", en)]


def stale_history(days: float, until: datetime) -> list[PredictionWarning]:
    """Warn where the history of other creatives ended more than STALE_HISTORY_DAYS days ago."""
    if not days > STALE_HISTORY_DAYS:
        return []
    return [
        PredictionWarning(
            "stale_history",
            f"账户、商品、达人与标签的历史只到 {until.isoformat()}，距今 {days:.0f} 天；请重新训练。",
            f"the history of account, product, KOC and tags ends {until.isoformat()}, {days:.0f} days ago: train again",
        )
    ]


def unseen_promotion_type(promotion_type: str, trained: Iterable[str]) -> list[PredictionWarning]:
    """Warn about a promotion type that is not in the training data."""
    if promotion_type in trained:
        return []
    return [
        PredictionWarning(
            "unseen_promotion_type",
            f"模型训练时没有见过推广方式“{promotion_type}”，起点是其它推广方式的平均。",
            f"the promotion type “{promotion_type}” is not in the training data, its prior is the mean of the others",
        )
    ]


def unseen_value(column: str, value: str) -> PredictionWarning:
    """A category that is not in the training data."""
    zh, en = column_label(column)
    return PredictionWarning(
        "unseen_value",
        f"模型训练时没有见过{zh}“{value}”，按未知处理。",
        f"the value “{value}” of {en} is not in the training data, it counts as unknown",
    )


def missing_attributes(names: Sequence[str]) -> list[PredictionWarning]:
    """Warn about attributes that the model uses and the input does not give."""
    return [_not_given(tuple(names))] if names else []


@lru_cache(maxsize=1024)
def _not_given(names: tuple[str, ...]) -> PredictionWarning:
    zh, en = zip(*map(column_label, names))
    return PredictionWarning("missing", f"没有给出：{'、'.join(zh)}。", f"not given: {', '.join(en)}")


def missing_metrics(names: Sequence[str]) -> list[PredictionWarning]:
    """Warn about metrics that the funnel counts and the input does not give."""
    return [_without_figures(tuple(names))] if names else []


@lru_cache(maxsize=1024)
def _without_figures(names: tuple[str, ...]) -> PredictionWarning:
    words = _metrics(names)
    return PredictionWarning(
        "missing_figures",
        f"已有数据缺少：{words.zh}；相应环节没有用上自身数据。",
        f"metrics without {words.en}: their stages do not use the creative's own counts",
    )


def unused_metrics(names: Sequence[str]) -> list[PredictionWarning]:
    """Warn about metrics that the training data did not have."""
    if not names:
        return []
    words = _metrics(names)
    return [PredictionWarning("unused_figures", f"模型不使用：{words.zh}。", f"the model does not use {words.en}")]


def outside_range(name: str, value: float, low: float, high: float) -> list[PredictionWarning]:
    """Warn about a number outside the range of the training data."""
    if low <= value <= high:
        return []
    label = {**VALUE_LABELS, "age_hours": AGE}.get(name) or Words(*column_label(name))
    return [
        PredictionWarning(
            "outside_range",
            f"{label.zh} {value:g} 超出训练数据范围 {low:g}–{high:g}，预测是外推。",
            f"{label.en} = {value:g} is outside the training range {low:g}–{high:g}, the prediction extrapolates",
        )
    ]


def not_predictable(names: Sequence[str]) -> PredictionWarning:
    """A creative of which some rates or targets are no numbers; the service answers it without figures."""
    return PredictionWarning(
        "not_predictable",
        f"这条素材的 {'、'.join(names)} 算不出有效数值，因此没有给出预测；请检查它的属性与投放数据。",
        f"no number comes out for {', '.join(names)}, so nothing is predicted: check its attributes and metrics",
    )


def pace_unknown() -> PredictionWarning:
    """Only sums over the life are given, which do not show the last days."""
    return PredictionWarning(
        "pace_unknown",
        "只给了累计数据，看不到近几天的走势；给出逐时或逐日数据会更准。",
        "sums do not show the trend of the last days, rows by hour or day do",
    )


def known_without_metrics(until: datetime) -> PredictionWarning:
    """The model's data have metrics of this creative, until this moment, and the request gives none."""
    day = (until - timedelta(microseconds=1)).date()  # a whole day of rows ends at midnight
    return PredictionWarning(
        "known_without_metrics",
        f"模型的数据里已有这条素材的投放（到 {day}），这次没有给出它的数据：状态和累计按那份数据写，"
        "预测只看它的属性，没有用上它自己的表现。",
        f"the model's data have deliveries of this creative (until {day}) and the request none: status and sums are "
        "those of the data, the prediction goes by its attributes alone",
    )


def _missing_from_data(loaded: Loaded, fitted: Fitted, settings: Settings) -> list[PredictionWarning]:
    wanted = {name for name in fitted.funnel.counted_columns if name not in DERIVED}
    net_money = BASES[settings.basis][0]
    if fitted.funnel.has("keep") and net_money:
        wanted.add(net_money)
    metrics = sorted(wanted - set(loaded.metrics))
    attributes = [column for column in fitted.encoder.seen if column not in loaded.creatives]
    return missing_metrics(metrics) + missing_attributes(attributes)


def _metrics(names: Sequence[str]) -> Words:
    """What people call these value columns of metrics; of a measure that is none its name."""
    labels = [VALUE_LABELS.get(name, Words(name, name)) for name in names]
    return Words("、".join(one.zh for one in labels), ", ".join(one.en for one in labels))

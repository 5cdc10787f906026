"""Every sentence about a prediction that a strategist reads: Chinese first, then English."""

from collections.abc import Sequence

Warned = dict[str, str]


def warned(code: str, zh: str, en: str) -> Warned:
    """A warning as callers get it."""
    return {"code": code, "zh": zh, "en": en}


def unseen_value(field: str, value: str) -> Warned:
    """A word that training never saw."""
    return warned(
        "unseen_value",
        f"模型训练时没有见过 {field} 的取值“{value}”,按未知处理。",
        f"training never saw the value “{value}” of {field}; it counts as not known",
    )


def unseen_promotion(kind: str) -> Warned:
    """A promotion type that training never saw."""
    return warned(
        "unseen_promotion_type",
        f"模型训练时没有见过推广方式“{kind}”,起点是其它推广方式的平均。",
        f"training never saw the promotion type “{kind}”; it starts from the mean of the others",
    )


def missing(names: Sequence[str]) -> Warned:
    """What the model uses and the request does not tell."""
    told = "、".join(names)
    return warned("missing", f"没有给出:{told}。", f"not given: {', '.join(names)}")


def missing_figures(names: Sequence[str]) -> Warned:
    """Figures that the funnel counts and the metrics so far do not tell."""
    told = "、".join(names)
    return warned(
        "missing_figures",
        f"已有数据缺少:{told};相应环节没有用上自身数据。",
        f"metrics without {', '.join(names)}; these steps could not use the creative's own counts",
    )


def unused_figures(names: Sequence[str]) -> Warned:
    """Figures that the model's data never had."""
    told = "、".join(names)
    return warned("unused_figures", f"模型不使用:{told}。", f"the model does not use {', '.join(names)}")


def outside(name: str, value: float, low: float, high: float) -> Warned:
    """A number beyond all that training saw."""
    return warned(
        "outside_range",
        f"{name}={value:g} 超出训练数据范围 {low:g}–{high:g},预测是外推。",
        f"{name} = {value:g} lies outside what training saw ({low:g}–{high:g}); the prediction extrapolates",
    )


def pace_unknown() -> Warned:
    """Sums of a life do not tell its last days."""
    return warned(
        "pace_unknown",
        "只给了累计数据,看不到近几天的走势;给出逐时或逐日数据会更准。",
        "sums do not tell how the last days went; rows by the hour or day do",
    )


def no_metrics_though_known() -> Warned:
    """A creative that the model's data know, asked about without its metrics."""
    return warned(
        "known_without_metrics",
        "模型的数据里已有这条创意的投放记录,但这次没有给出;按未投放预测。",
        "the model's data hold deliveries of this creative, the request none; it is predicted as not launched",
    )


def stale_history(days: float, until: str) -> Warned:
    """What others did is known only until a day that is long past."""
    return warned(
        "stale_history",
        f"账户、商品、达人与标签的历史只到 {until},距今 {days:.0f} 天;请重新训练。",
        f"the history of account, product, KOC and tags ends {until}, {days:.0f} days ago; train again",
    )


def silent(days: float) -> Warned:
    """No delivery of late."""
    return warned(
        "no_delivery",
        f"最近 {days:.0f} 天没有投放数据。",
        f"no delivery for {days:.0f} day{'' if days < 1.5 else 's'}",
    )


def not_predicted(target: str, columns: str) -> Warned:
    """A target that the model's data do not allow."""
    return warned(
        "not_predicted",
        f"不预测 {target}:训练数据缺少 {columns}。",
        f"{target} is not predicted: training data had no {columns}",
    )

"""Predictions as a file that people open in a spreadsheet: names first, Chinese headers on request, a dictionary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from configs.settings import Settings
from features.atomic_write import write_table
from features.attributes import ATTRIBUTE_OF, KEY_LABELS, PROMOTION_TYPES
from features.bilingual import Words
from features.funnel import Funnel
from features.sanitise import spreadsheet_id
from features.targets import TARGETS, Target
from training.boosting.model import CreativeModel
from training.decision.advice import facts_of
from training.decision.rules import VERDICT_LABELS, Facts, hit_words
from training.decision.status import STATUS_LABELS

Headers = Literal["codes", "zh"]
DICTIONARY = "{stem}_columns.csv"
"""Name of the dictionary beside a file of predictions."""
UNITS = {
    "cny per 1,000": Words("元/千次展示", "CNY per 1,000 impressions"),
    "ratio": Words("倍", "ratio"),
    "count": Words("次", "count"),
    "cny": Words("元", "CNY"),
}
FIGURES = {
    "": Words("平均（预期值，可加总）", "expected: the mean, which adds up to totals"),
    "typical": Words("典型值（用于排序）", "typical: what one creative will most likely show; ranks creatives"),
    "low": Words("多半落在的区间的下限；平均可能在区间外", "lower end of the interval; the mean may lie outside"),
    "high": Words("多半落在的区间的上限；平均可能在区间外", "upper end of the interval; the mean may lie outside"),
}
SHORT = {
    "": Words("平均", "mean"),
    "typical": Words("典型值", "typical"),
    "low": Words("多半下限", "likely from"),
    "high": Words("多半上限", "likely to"),
}
HIT_CHANCE = Words("爆款概率", "chance of a hit")
CHANCE_ABOUT = Words("窗口内有流量时达到要求的概率", "in the window, where it gets traffic")
OTHERS = {
    "status": (Words("状态", "status"), Words("待投、在投、已停", "waiting, running or stopped")),
    "age_hours": (Words("投放小时", "hours since launch"), Words("0 = 未投放", "0 before launch")),
    "cutoff": (Words("数据截至", "data until"), Words("预测此后一个结果窗口", "the predicted window begins here")),
    "asked_roi": (
        Words("要求的ROI", "ROI to reach"),
        Words("素材目标，否则配置", "its own, else the settings'"),
    ),
    "net_roi_chance": (Words("净ROI达标概率", "chance of the net ROI target"), CHANCE_ABOUT),
    "roi_chance": (Words("ROI达标概率", "chance of the ROI target"), CHANCE_ABOUT),
    "verdict": (
        Words("决策", "verdict"),
        Words("已停的素材没有；理由见旁", "none of stopped creatives; see the reason"),
    ),
    "stake_cny": (
        Words("盈亏金额（元）", "CNY at stake"),
        Words(
            "在投：预计后续消耗 ×（预计ROI 平均 − 目标）；正数可赚，负数会亏",
            "running: predicted later spend × (expected ROI − target); above 0 gained, below lost",
        ),
    ),
    "rate_chance": (
        Words("给够流量达标的把握", "certainty of the ROI target with enough traffic"),
        Words("真实ROI达到要求的概率，不含几单的运气", "that the true ROI reaches it, without the luck of few orders"),
    ),
    "decide_cny": (
        Words("离下结论还差（元）", "CNY until a decision"),
        Words(
            "在投：再花这么多，有一半可能下结论；0 = 够了；空：离目标太近，再多数据也难分",
            "running: spend after which a decision is as likely as not; 0: enough; empty: too close to its target",
        ),
    ),
    "decide_days": (
        Words("离下结论还差（天）", "days until a decision"),
        Words("同上，照预计消耗算", "the same, at the predicted spend"),
    ),
    "test_cny": (
        Words("试投预算（元）", "test budget, CNY"),
        Words(
            "待投：花到能与中位素材分出高低为止（把握见配置 verdict.distinguish_probability）",
            "waiting: spend until it can be told from the median candidate (verdict.distinguish_probability)",
        ),
    ),
    "verdict_reason_zh": (Words("理由", "reason, Chinese"), Words("", "")),
    "verdict_reason_en": (Words("理由（英文）", "reason"), Words("", "")),
    "early_impressions": (Words("已有展示", "impressions so far"), Words("次", "count")),
    "early_clicks": (Words("已有点击", "clicks so far"), Words("次", "count")),
    "early_orders": (Words("已有订单", "orders so far"), Words("单", "count")),
    "early_spend_cny": (Words("已有消耗", "spend so far"), Words("元", "CNY")),
    "warnings": (Words("提示（英文）", "warnings"), Words("空：没有", "empty: none")),
    "warnings_zh": (Words("提示", "warnings, Chinese"), Words("空：没有", "empty: none")),
}
"""Column → its label and what it means, for the columns that are neither keys, attributes, targets nor stages."""
NAMES = ("creative_name", "product_name", "creator_name")
TARGET_ORDER = ("net_roi", "roi", "net_gpm", "gpm", "later_impressions", "later_spend_cny")


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Put the columns that people read first: names, status, decision, targets; then keys, stages and the rest."""
    figures = [column for name in TARGET_ORDER for column in (f"typical_{name}", name, f"{name}_low", f"{name}_high")]
    first = [*NAMES, "promotion_type", "status", "verdict", "verdict_reason_zh", "stake_cny", "test_cny", *figures]
    first = [name for name in first if name in table]
    return table[[*first, *(name for name in map(str, table) if name not in first)]]


def write_predictions(
    table: pd.DataFrame, model: CreativeModel, settings: Settings, path: Path, headers: Headers = "codes"
) -> None:
    """Write predictions, and beside a CSV the dictionary of its columns.

    Args:
        table: Of `training.decision.predict.predict_latest`.
        model: That predicted.
        settings: Of the model's run.
        path: CSV or Parquet.
        headers: `codes`: names of columns and values as other tools join by them; `zh`: Chinese, for a spreadsheet.
    """
    table = ordered(table)
    named = dictionary(table, model.fitted.funnel, facts_of(model, settings))
    if headers == "zh":
        table = table.assign(
            promotion_type=table["promotion_type"].map(lambda code: _zh(PROMOTION_TYPES, code)),
            status=table["status"].map(lambda code: _zh(STATUS_LABELS, code)),
            verdict=table["verdict"].map(lambda code: _zh(VERDICT_LABELS, code)),
        ).drop(columns=["verdict_reason_en", "warnings"])
        table = table.rename(columns=dict(zip(named["column"], named["列名"])))
        if path.suffix == ".csv":
            texts = table.select_dtypes(exclude=["number", "bool", "datetime"]).columns
            table = table.assign(**{str(name): table[name].map(spreadsheet_id) for name in texts})
    write_table(table, path)
    if path.suffix == ".csv":
        write_table(named, path.with_name(DICTIONARY.format(stem=path.stem)))


def dictionary(table: pd.DataFrame, funnel: Funnel, facts: Facts) -> pd.DataFrame:
    """Return `column`, `列名`, `说明`, `name` and `about` of every column of the predictions."""
    rows = []
    for column in map(str, table):
        label, about = _described(column, funnel, facts)
        rows.append({"column": column, "列名": label.zh, "说明": about.zh, "name": label.en, "about": about.en})
    return pd.DataFrame(rows)


def _described(column: str, funnel: Funnel, facts: Facts) -> tuple[Words, Words]:
    """Label and explanation of one column."""
    if column == "hit_chance":
        return HIT_CHANCE, hit_words(facts, "") if facts.hit_measure else Words("没有足够的爆款", "too few hits")
    if column in OTHERS:
        return OTHERS[column]
    if column in KEY_LABELS:
        return KEY_LABELS[column], Words("ID", "id")
    if column in ATTRIBUTE_OF:
        return ATTRIBUTE_OF[column].full_label, Words("", "")
    for name, target in TARGETS.items():
        columns = {name: "", f"typical_{name}": "typical", f"{name}_low": "low", f"{name}_high": "high"}
        if column in columns:
            return _of_target(target, columns[column])
    stage = next(one for one in funnel.stages if one.name == column)
    return (
        Words(f"环节：{stage.label.zh}", f"stage: {stage.label.en}"),
        Words(f"{stage.numerator} ÷ {stage.exposure}", f"{stage.numerator} ÷ {stage.exposure}"),
    )


def _of_target(target: Target, figure: str) -> tuple[Words, Words]:
    short, about, unit = SHORT[figure], FIGURES[figure], UNITS[target.unit]
    return (
        Words(f"{target.label.zh} {short.zh}", f"{target.label.en}, {short.en}"),
        Words(f"{about.zh};{unit.zh}", f"{about.en}; {unit.en}"),
    )


def _zh(labels: Mapping[str, Words], code: object) -> object:
    return labels[code].zh if isinstance(code, str) and code in labels else code

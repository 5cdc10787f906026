"""How reliable the numbers are."""

import re
from collections.abc import Mapping
from functools import cache

from configs.export_layout import ExportLayout, read_layout
from configs.settings import CONFIG_DIR
from features.bilingual import Words
from features.stages import CLICK, COST, ENGAGE, HOLD, KEEP, ORDER, VALUE
from features.targets import TARGETS
from serving.report.model_quality import ModelQuality, TargetAccuracy
from serving.report.wording.common import METRIC_COLUMNS, target

TITLE = Words("可信度明细", "How reliable")
"""Heading, and entry of the menu."""
NOT_EVALUATED = Words(
    "没有找到这一版模型在这份数据上的检验结果，所以还不能说哪些数字能用。请负责训练的同事在同一份数据上重新训练，再出报告。",
    "No evaluation of this very model was found on these data, so nothing says yet which figures can be used. Have "
    "the model trained again on these data by whoever trains it, then the report made again.",
)
TEXTS = {
    "use": Words("能用来做什么", "What it can be used for"),
    "checked": Words("用模型没学过的素材检验", "Checked on creatives that it had not learned from"),
    "checked_elsewhere": Words("训练时的检验（不是这份数据）", "Checked when it was trained, on other data"),
    "about": Words("这份报告", "This report"),
    "missing": Words("报表里缺的列", "Columns that the exports lack"),
    "model": Words("模型", "model"),
    "learned": Words("模型学到", "learned until"),
    "data_until": Words("数据截至", "data until"),
    "checked_since": Words("检验用的素材自", "checked on data since"),
    "ahead": Words("预测未来", "predicts"),
    "typical": Words("投放前的平均素材：{of}", "mean creative before launch: {of}"),
    "cost_baseline": Words("投放前的平均素材：千展成本", "mean creative before launch: cost per 1,000"),
}
"""Headings and paragraphs, by name."""
NEEDS = {
    "money after refunds (basis: payment counts gross money)": Words(
        "退款后的金额（现在的成交口径是支付）", "money after refunds (the basis counts paid money)"
    ),
    "likes, comments, shares or follows, and impressions": Words(
        "点赞、评论、分享或涨粉，以及展示次数", "likes, comments, shares or follows, and impressions"
    ),
}
"""What a stage lacks, as `features.funnel` says it, where that is more than names of columns."""


def accuracy(one: TargetAccuracy, level: float) -> Words:
    """Accuracy of a target on the holdout."""
    name = target(one.target)
    zh = f"{name.zh}：任取两条素材比高低，100 次猜对约 {one.pair_accuracy * 100:.0f} 次（瞎猜 50"
    en = f"{name.en}: of two creatives the better one is named {one.pair_accuracy * 100:.0f} times in 100 (guessing: 50"
    if "carry-forward" in one.baselines:
        rule = one.baselines["carry-forward"] * 100
        zh, en = f"{zh}，“维持现状” {rule:.0f}", f"{en}, carry-forward: {rule:.0f}"
    zh, en = f"{zh}）", f"{en})"
    if one.total is not None:
        zh, en = f"{zh}；预测合计是实际的 {one.total:.0%}", f"{en}; predicted {one.total:.0%} of the actual total"
    if one.covered is not None:
        zh = f"{zh}；{level:.0%} 区间里实际落了 {one.covered:.0%}"
        en = f"{en}; {level:.0%} intervals cover {one.covered:.0%}"
    return Words(f"{zh}（{one.rows:,} 次预测）。", f"{en} ({one.rows:,} predictions).")


def evidence(model: ModelQuality) -> Words:
    """How many creatives have no mature outcome or too little evidence yet."""
    days, not_launched, young = model.outcome_days, f"{model.not_launched:,}", f"{model.too_young:,}"
    return Words(
        f"{model.creatives:,} 条素材里，{not_launched} 条待投，{young} 条的头 {days} 天还没走完（结果未定），"
        f"{model.watched:,} 条在投素材先观察。",
        f"Of {model.creatives:,} creatives {not_launched} are not launched, {young} are within their first {days} days "
        f"(outcome open), {model.watched:,} running ones are to be watched.",
    )


def lacking(missing: Mapping[str, str]) -> list[Words]:
    """What cannot be told, and the columns that it needs.

    Args:
        missing: Of the funnel: stage or target → what it needs.
    """
    labels = {stage.name: stage.label for stage in (HOLD, ENGAGE, CLICK, ORDER, VALUE, COST, KEEP)}
    labels |= {name: one.label for name, one in TARGETS.items()}
    needed: dict[str, list[Words]] = {}
    for name, needs in missing.items():
        needed.setdefault(needs, []).append(labels.get(name, Words(name, name)))
    found = []
    for needs, names in needed.items():
        zh, en = "、".join(one.zh for one in names), ", ".join(one.en for one in names)
        column = NEEDS.get(needs) or _columns(needs)
        found.append(Words(f"{zh}：需要{column.zh}", f"{en}: needs {column.en}"))
    return found


def _columns(needs: str) -> Words:
    """Names of columns as people know them."""
    named = [METRIC_COLUMNS.get(name) or _export_column(name) for name in re.split(r", ", needs)]
    return Words("、".join(one.zh for one in named), ", ".join(one.en for one in named))


def _export_column(name: str) -> Words:
    """Header of a column of the platform's exports."""
    column = _export().columns.get(name)
    header = column.headers[0] if column else name
    return Words(f"“{header}”", f"{name.removesuffix('_cny').replace('_', ' ')} ({header})")


@cache
def _export() -> ExportLayout:
    return read_layout(CONFIG_DIR / "sources" / "qianchuan_export.yaml")

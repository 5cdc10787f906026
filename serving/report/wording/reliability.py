"""How reliable the numbers are."""

from features.bilingual import Words
from serving.report.model_quality import ModelQuality, TargetAccuracy
from serving.report.wording.common import target

TITLE = Words("可信度明细", "How reliable")
"""Heading, and entry of the menu."""
NOT_EVALUATED = Words(
    "没有找到这一版模型的评估，下面的数字还没有在留出期上检验过：请在同一数据上运行 make train 后再出报告。",
    "No evaluation of this very model was found, so nothing below was checked on a holdout: run make train on "
    "these data.",
)
TEXTS = {
    "missing": Words(
        "缺的列：{columns}。加上它们，相应的环节才能回答。",
        "Columns missing: {columns}. With them these steps could be answered.",
    ),
    "model_quality": Words("这些数字可信吗？", "How reliable are these numbers?"),
    "baseline": Words("基准（投放前的平均创意）", "baseline (mean creative before launch)"),
    "cost_baseline": Words("千次展现成本基准", "cost of 1 000 impressions"),
}
"""Headings and paragraphs, by name."""


def accuracy(one: TargetAccuracy, level: float) -> Words:
    """Accuracy of a target on the holdout."""
    name = target(one.target)
    zh = f"{name.zh}：任取两条比高低，100 次猜对约 {one.pair_accuracy * 100:.0f} 次(瞎猜 50"
    en = f"{name.en}: of two creatives the better one is named {one.pair_accuracy * 100:.0f} times in 100 (guessing: 50"
    if "carry-forward" in one.baselines:
        rule = one.baselines["carry-forward"] * 100
        zh, en = f"{zh}，“维持现状” {rule:.0f}", f"{en}, carry-forward: {rule:.0f}"
    zh, en = f"{zh})", f"{en})"
    if one.total is not None:
        zh, en = f"{zh}；预测总量为实际的 {one.total:.0%}", f"{en}; predicted {one.total:.0%} of the actual total"
    if one.covered is not None:
        zh = f"{zh}；{level:.0%} 区间实际盖住 {one.covered:.0%}"
        en = f"{en}; {level:.0%} intervals cover {one.covered:.0%}"
    return Words(f"{zh}（{one.rows:,} 行）。", f"{en} ({one.rows:,} rows).")


def evidence(model: ModelQuality) -> Words:
    """How many creatives have no mature outcome or too little evidence yet."""
    days, not_launched, young = model.outcome_days, f"{model.not_launched:,}", f"{model.too_young:,}"
    return Words(
        f"{model.creatives:,} 条创意中，{not_launched} 条还没投放，{young} 条的首个 {days} 天窗口还没走完（结果未定），"
        f"{model.watched:,} 条在投素材先观察。",
        f"Of {model.creatives:,} creatives {not_launched} are not launched, {young} are within their first {days} days "
        f"(outcome open), {model.watched:,} running ones are to be watched.",
    )

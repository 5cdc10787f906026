"""Sentences of an evaluation's page and model card that depend on the run: Chinese first, then English."""

from features.attributes import promotion_type_label
from features.bilingual import Words
from features.targets import TARGETS
from training.evaluation.deciles import IDEAL
from training.evaluation.metrics import CARRY, EMPIRICAL_BAYES, OWN
from training.labels.outcomes import NOT_CLOSED, NOT_COVERED, NOT_SETTLED

METHOD_LABELS = {
    OWN: Words("gpmcast", "gpmcast"),
    EMPIRICAL_BAYES: Words("经验贝叶斯", "empirical Bayes"),
    CARRY: Words("维持现状", "carry-forward"),
    IDEAL: Words("事后全知", "ideal (ranked by the outcome)"),
}
ROW_PARTS = {
    "all": Words("全部", "all"),
    "cold": Words("训练没见过的素材", "creatives not in training"),
    "warm": Words("见过更早数据的素材", "creatives in training at a younger age"),
}
CHANCES = {"roi": Words("达到 ROI 目标", "ROI target reached"), "hit": Words("成为爆款", "a hit")}
BASIS_LABELS: dict[str, Words] = {
    "payment": Words("成交（未扣退款）", "payments, before refunds"),
    "net_1h": Words("净成交（1小时退款后）", "net of refunds within an hour"),
    **{f"settled_{days}d": Words(f"{days}日结算金额", f"settled after {days} days") for days in (7, 14, 30, 90)},
    "comprehensive": Words("综合营销净成交（1小时退款后）", "comprehensive marketing, net of refunds within an hour"),
}
"""What a basis (`configs.settings.Basis`) is called."""
REASONS = {
    NOT_CLOSED: Words("结果窗口还没结束", NOT_CLOSED),
    NOT_SETTLED: Words("退款或数据修正还没定", NOT_SETTLED),
    NOT_COVERED: Words("读数没有盖住结果窗口", NOT_COVERED),
    "a period crosses an edge of the window": Words(
        "有时段跨过窗口边界（不算任何一边）", "a period crosses an edge of the window (it counts on neither side)"
    ),
}
NOTES = {
    "announced_without_account": "没有账户的素材信息",
    "attribute_values_unusable": "用不了的素材属性值",
    "values_only_in_replaced_rows": "只在被替换的行里有的数值",
    "readings_at_the_same_time": "同一时刻的重复读数",
    "readings_counted_from_launch": "从投放算起的首次读数",
    "readings_only_a_base_line": "只作基线的首次读数",
    "totals_that_fell": "累计值变小",
    "gaps_over_7_days": "超过 7 天的读数间隔",
}
ROWS = {"hours": "小时行", "gaps": "读数间隔", "days": "日行", "long_gaps": "长间隔", "ranges": "区间行"}
RESOLVED = {
    "dropped_for_one_of_the_same_length": "让位于同长度的另一行",
    "dropped_for_longer_ones": "让位于更长的行",
    "given_back": "放回",
    "replaced_by_hours": "由小时行代替",
    "replaced_by_days": "由日行代替",
    "kept_over_incomplete_hours": "因小时行不全而保留",
    "kept_over_incomplete_days": "因日行不全而保留",
}


def target_words(target: str) -> Words:
    """Return the label of a target."""
    return TARGETS[target].long_label if target in TARGETS else Words(target, target)


def promotion_words(promotion_type: str) -> Words:
    """Return the label of a promotion type."""
    return promotion_type_label(promotion_type)


def quarter_words(quarter: str) -> Words:
    """Return the label of a quarter of the creatives by early volume; q1 has the least."""
    number = quarter.removeprefix("q")
    return Words(f"早期展示第 {number} 档", f"quarter {number} of early volume")


def method_words(method: str) -> Words:
    """Return the label of a method."""
    return METHOD_LABELS.get(method, Words(method, method))


def reason_words(reason: str) -> Words:
    """Return why rows are left out, or how loading resolved them."""
    if reason in REASONS:
        return REASONS[reason]
    plain = reason.replace("_", " ")
    for rows, zh in ROWS.items():
        how = RESOLVED.get(reason.removeprefix(f"{rows}_")) if reason.startswith(f"{rows}_") else None
        if how:
            return Words(zh + how, plain)
    return Words(NOTES.get(reason, plain), plain)


def age_words(hours: float) -> Words:
    """Format an age in hours; 0 is before the launch."""
    if hours == 0:
        return Words("投放前", "before launch")
    if hours < 72 or hours % 24:
        return Words(f"{hours:g} 小时", f"{hours:g} h")
    return Words(f"{hours / 24:g} 天", f"{hours / 24:g} days")

"""Sentences of an evaluation's page and model card that depend on the run: Chinese first, then English."""

from features.bilingual import Words
from features.funnel import TARGETS
from training.evaluation.acceptance import (
    BASELINES,
    COVERAGE,
    DECILE_TOTALS,
    FAIL,
    GROUP_COVERAGE,
    PASS,
    PROBABILITIES,
    REVIEW,
    Check,
    CheckedFigure,
)
from training.evaluation.coverage import MIN_GROUP_ROWS
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
    "cold": Words("训练没见过的创意", "creatives not in training"),
    "warm": Words("见过更早数据的创意", "creatives in training at a younger age"),
}
CHANCES = {"roi": Words("达到 ROI 目标", "ROI target reached"), "hit": Words("成为爆款", "a hit")}
STATUS = {PASS: Words("通过 PASS", PASS), REVIEW: Words("待复核 REVIEW", REVIEW), FAIL: Words("未通过 FAIL", FAIL)}
HEADLINE = {
    PASS: Words("可信:各项都在规定范围内。", "Accepted: every check lies within its thresholds."),
    REVIEW: Words(
        "可以参考,但有的项数据不足以下结论(见下)。数字请连同区间一起看。",
        "Usable with care: some checks have too few rows to decide (below). Read every figure with its band.",
    ),
    FAIL: Words(
        "有的项不合格:用到这些数字之前先看下面写明的偏差和办法。",
        "Some checks fail: read how far off they are, and what to do, before using these figures.",
    ),
}
QUESTIONS = {
    BASELINES: Words(
        "比“维持现状”和经验贝叶斯都好吗?(偏差度之比 < 1)",
        "Better than carry-forward and empirical Bayes? (ratio of deviances below 1)",
    ),
    DECILE_TOTALS: Words(
        "每一档预测都不偏高也不偏低吗?(每十分位 预测/实际)",
        "Is every tenth of predictions calibrated? (predicted/actual)",
    ),
    COVERAGE: Words("区间真能盖住这么多结果吗?", "Do intervals have their nominal coverage?"),
    GROUP_COVERAGE: Words(
        "按投放时长×早期量×推广方式细分后呢?", "Also by age × quarter of early volume × promotion type?"
    ),
    PROBABILITIES: Words(
        "说的概率兑现了吗?(兑现 − 所说)", "Are predicted probabilities reliable? (observed − predicted)"
    ),
}
CURES = {
    BASELINES: Words(
        "若未通过:先用经验贝叶斯(--baseline),补充标签和更早的数据后重训。",
        "If not: use --baseline, add tags and earlier exports, and train again.",
    ),
    DECILE_TOTALS: Words(
        "若未通过:该目标只用来排序,不要直接拿去定出价;用更新的数据重训。",
        "If not: use this target for ranking, not for bids; train again on newer exports.",
    ),
    COVERAGE: Words(
        "偏低:把区间当作更窄来看,多留余量;偏高:区间偏宽,结论偏保守。",
        "Below: allow for more than the intervals. Above: they are too wide, and decisions too careful.",
    ),
    GROUP_COVERAGE: Words(
        "若未通过:对这一类创意不要依赖区间和结论。", "If not: do not rely on intervals and verdicts there."
    ),
    PROBABILITIES: Words(
        "若未通过:概率只比大小,不当真实概率用。", "If not: compare probabilities, do not read their values."
    ),
}
REASONS = {
    NOT_CLOSED: Words("结果窗口还没结束", NOT_CLOSED),
    NOT_SETTLED: Words("退款或数据修正还没定", NOT_SETTLED),
    NOT_COVERED: Words("读数没有盖住结果窗口", NOT_COVERED),
    "a period crosses an edge of the window": Words(
        "有时段跨过窗口边界(不算任何一边)", "a period crosses an edge of the window (it counts on neither side)"
    ),
}
NOTES = {
    "announced_without_account": "没有账户的创意信息",
    "attribute_values_unusable": "用不了的创意属性值",
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


def allowed_words(check: Check) -> Words:
    """Format the allowed range of a check."""
    low, high = check.allowed
    if check.name == BASELINES:
        return Words("< 1", "below 1")
    if check.name == DECILE_TOTALS:
        return Words(f"{low:g}–{high:g}", f"{low:g}–{high:g}")
    if check.name == GROUP_COVERAGE:
        return Words(f"≥ {low:.0%}", f"≥ {low:.0%}")
    if check.name == PROBABILITIES:
        return Words(f"±{high * 100:g} 个百分点", f"±{high * 100:g} points")
    return Words(f"{low:.0%}–{high:.0%}", f"{low:.0%}–{high:.0%}")


def found_words(check: Check) -> Words:
    """Say how many figures were checked, how many lie outside, and which is the worst, with its band."""
    worst, few = check.worst, check.too_few
    if worst is None:
        return Words(
            f"没有一项达到 {MIN_GROUP_ROWS} 行({few} 项太少)", f"no figure has {MIN_GROUP_ROWS} rows ({few} have fewer)"
        )
    outside = sum(check.status_of(one) != PASS for one in check.figures)
    few_zh = f",另有 {few} 项不足 {MIN_GROUP_ROWS} 行未判" if few else ""
    few_en = f"; {few} more have fewer than {MIN_GROUP_ROWS} rows and are not checked" if few else ""
    named = figure_words(check, worst)
    value = value_words(check, worst)
    count = len(check.figures)
    return Words(
        f"{count} 项中 {outside} 项在外;最差:{named.zh} {value}({worst.rows:,} 行){few_zh}",
        f"{outside} of {count} outside; worst: {named.en} {value} ({worst.rows:,} rows){few_en}",
    )


def value_words(check: Check, one: CheckedFigure) -> str:
    """Format a figure with its band."""
    if check.name in (COVERAGE, GROUP_COVERAGE):
        return f"{one.value:.0%} [{one.low:.0%}, {one.high:.0%}]"
    if check.name == PROBABILITIES:
        return f"{one.value:+.1%} [{one.low:+.1%}, {one.high:+.1%}]"
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def figure_words(check: Check, one: CheckedFigure) -> Words:
    """Say what a figure belongs to."""
    if check.name == PROBABILITIES:
        chance, place = CHANCES.get(one.of[0], Words(one.of[0], one.of[0])), int(one.of[1])
        bounds = f"{place * 10}–{place * 10 + 10}%"
        return Words(f"{chance.zh} {bounds}", f"{chance.en}, {bounds}")
    target = target_words(one.of[0])
    if check.name == BASELINES:
        rule = method_words(one.of[1])
        return Words(f"{target.zh} 对 {rule.zh}", f"{target.en} against {rule.en}")
    if check.name == DECILE_TOTALS:
        age = Words("全部时长", "all ages") if one.of[1] == "all" else age_words(float(one.of[1]))
        return Words(f"{target.zh} {age.zh} 第{one.of[2]}档", f"{target.en}, {age.en}, tenth {one.of[2]}")
    if check.name == GROUP_COVERAGE:
        age = age_words(float(one.of[1]))
        return Words(f"{target.zh} {age.zh} {one.of[2]} {one.of[3]}", f"{target.en}, {age.en}, {one.of[2]} {one.of[3]}")
    return target

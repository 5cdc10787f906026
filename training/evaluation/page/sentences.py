"""Five sentences on what a model can be used for, in both languages, from its judgements; one where none can be judged.

Terminal, page, model card and report show the same sentences. Targets of the same verdict and reason share a clause.
"""

import math
from collections.abc import Iterable, Sequence

from features.bilingual import Words
from features.targets import TARGETS
from training.evaluation.acceptance import (
    COVERAGE_TOLERANCE,
    GROUP_LEVEL_RANGE,
    GROUP_TOLERANCE,
    LEVEL_RANGE,
    MIN_SHARE,
    PROBABILITY_TOLERANCE,
    Aspect,
    Judgement,
    Measured,
    Verdict,
)
from training.evaluation.coverage import PROBABILITY_BINS
from training.evaluation.deciles import WHOLE
from training.evaluation.page.text import CHANCES, age_words, method_words, promotion_words, quarter_words
from training.labels.judged import MIN_GROUP_ROWS, UNTIL_JUDGED

VERDICTS: dict[Verdict, Words] = {
    "usable": Words("可用", "usable"),
    "caution": Words("谨慎用", "with caution"),
    "unusable": Words("不要用", "do not use"),
    "undecided": Words("行数太少", "too few rows"),
}
ASPECT_LABELS: dict[Aspect, Words] = {
    "ranking": Words("排序", "Ranking"),
    "level": Words("绝对值", "Level"),
    "intervals": Words("区间", "Intervals"),
    "chances": Words("概率", "Chances"),
}
HEADS: dict[Aspect, Words] = {
    "ranking": Words("排序（与实际结果的排序相关）", "Ranking (rank correlation with the outcome)"),
    "level": Words("绝对值（预测合计 ÷ 实际合计）", "Level (total predicted ÷ total that came)"),
    "intervals": Words("{level:.0%} 区间（盖住的结果）", "{level:.0%} intervals (share of outcomes inside)"),
    "chances": Words("概率（所说与兑现）", "Chances (stated against observed)"),
}
NOTHING = Words("未经检验：训练之外的行太少", "not checked: too few rows outside of training")
UNCHECKED = Words("{zh}未经检验，只作参考", "{en} are not checked: a first guess")
FEW = Words(f"有结果的行不足 {MIN_GROUP_ROWS}，无法判断", f"not judged: fewer than {MIN_GROUP_ROWS} rows with outcomes")
HIT_DECIDES = Words(
    "不能判断（预测合计是实际的 {value:.2f} 倍，但实际的一半来自 {count} 个素材：谁爆了就由谁定，不要乘倍数）",
    "not judged (predicted {value:.2f} × the total that came, but {count} creative{s} brought half of it: who becomes "
    "a hit decides it; apply no factor)",
)
UNJUDGED = Words(
    "还不能检验：训练之外、展示够多又有结果的行，GPM、ROI 只有 {rows} 行，后续展示 {volume} 行，"
    "至少要 {least} 行才能判断排序、绝对值、区间和概率。" + UNTIL_JUDGED.zh,
    "Nothing can be judged yet: of rows outside of training with an outcome and enough impressions there are {rows} "
    "for GPM and ROI and {volume} for later volume; ranking, level, intervals and chances need {least}. "
    + UNTIL_JUDGED.en,
)
MAY_BE_LUCK = Words("（也可能只是运气）", " (could be sampling variance)")
NO_WORDS = Words("", "")
USES: tuple[tuple[Aspect, Verdict, Words], ...] = (
    ("ranking", "usable", Words("按{zh}给素材排序", "rank creatives by {en}")),
    ("ranking", "caution", Words("按{zh}排序要谨慎", "rank with caution by {en}")),
    ("ranking", "unusable", Words("不要按{zh}排序", "do not rank by {en}")),
    ("level", "usable", Words("{zh}按预测值看", "take {en} as predicted")),
    ("level", "caution", Words("{zh}按预测值看（例外见上）", "take {en} as predicted (but for the exception above)")),
    ("level", "unusable", Words("不要用{zh}定预算", "set no budget by {en}")),
    ("intervals", "unusable", Words("不要用{zh}的区间", "do not use intervals of {en}")),
    ("chances", "unusable", Words("{zh}的概率只比大小", "compare chances ({en}), do not read their values")),
)
"""What each verdict means for the user, in the order of reading; what cannot be judged is left out."""


def five_sentences(found: Sequence[Judgement], level: float) -> list[Words]:
    """Say what the model can be used for: ranking, level, intervals, chances, and what follows from these.

    Where too few rows have outcomes to judge anything, one sentence says that.

    Args:
        found: As of `training.evaluation.acceptance.judgements`.
        level: Nominal coverage of the intervals.
    """
    if all(one.verdict == "undecided" for one in found):
        rows = {one.of: one.figure.rows for one in found if one.aspect == "ranking"}
        rates = max((count for name, count in rows.items() if not TARGETS[name].is_volume), default=0)
        volume = max((count for name, count in rows.items() if TARGETS[name].is_volume), default=0)
        return [UNJUDGED.format(rows=f"{rates:,}", volume=f"{volume:,}", least=MIN_GROUP_ROWS)]
    said, unchecked = [], []
    for aspect, head in HEADS.items():
        of_aspect = [one for one in found if one.aspect == aspect]
        checked = any(one.figure.rows for one in of_aspect)
        clauses = _clauses(of_aspect, level) if checked else NOTHING
        if not checked and aspect in ("intervals", "chances"):
            unchecked.append(ASPECT_LABELS[aspect])
        named = head.format(level=level)
        said.append(Words(f"{named.zh}：{clauses.zh}。", f"{named.en}: {clauses.en}."))
    return [*said, _use(found, unchecked)]


def cell_words(one: Judgement, level: float) -> Words:
    """Say one judgement and its figure with the band in a few words, for a table of targets by aspects."""
    short = VERDICTS[one.verdict]
    if one.half_by:
        return Words(f"一半来自 {one.half_by} 个素材", f"half from {one.half_by} creative{'s' * (one.half_by > 1)}")
    if one.verdict == "undecided":
        return short
    if one.verdict == "caution" and one.aspect == "chances":
        short = Words("偏高", "too high") if one.figure.value < 0 else Words("偏低", "too low")
    elif one.verdict == "caution" and one.aspect != "ranking":
        short = Words(*(text.replace(luck, "") for text, luck in zip(_reason(one, level), MAY_BE_LUCK)))
    low, high = _number(one, one.figure.low), _number(one, one.figure.high)
    return Words(*(f"{text} · {_number(one, one.figure.value)} [{low}, {high}]" for text in short))


def rules(level: float) -> Words:
    """Say how the judgements are made, with every threshold."""
    low, high = LEVEL_RANGE
    least, most = GROUP_LEVEL_RANGE
    whole, group, bins = (f"{100 * one:.0f}" for one in (COVERAGE_TOLERANCE, GROUP_TOLERANCE, PROBABILITY_TOLERANCE))
    return Words(
        "排序：整个 90% 区间都比维持现状和经验贝叶斯好才算可用；分不出，或在某个时长不如其中之一，谨慎用；"
        "不如其中之一、或不比随机好，不要用。"
        f"绝对值：合计在 {low}–{high} 之间为准确，否则给出要乘的倍数；"
        f"乘过之后整个区间仍在 {least}–{most} 之外的时长或档会写明。"
        f"区间：盖住的比例与 {level:.0%} 相差不超过 {whole} 个百分点，细分格不超过 {group} 个；处处太窄才不要用。"
        f"概率：每档相差不超过 {bins} 个百分点。"
        f"分组至少要有 {MIN_GROUP_ROWS} 行，并占展示或消耗的 {MIN_SHARE:.0%} 以上，才作判断。",
        "Ranking: usable if the whole 90% band is better than carry-forward and empirical Bayes; with caution if not "
        "told apart from one of them, or behind one at some age; not usable if worse than one, or no better than "
        f"chance. Level: right if the total is within {low}–{high}, else with the factor to read it by; an age or a "
        f"tenth whose whole band is outside {least}–{most} even then is named. Intervals: coverage within {whole} "
        f"points of {level:.0%}, in groups within {group}; not usable only if too narrow everywhere. Chances: every "
        f"tenth within {bins} points. A group is judged if it has {MIN_GROUP_ROWS} rows and holds {MIN_SHARE:.0%} of "
        "impressions or spend.",
    )


def label(one: Judgement) -> Words:
    """Return the short label of what is judged: a target or a chance."""
    if one.aspect == "chances":
        return CHANCES.get(one.of, Words(one.of, one.of))
    return TARGETS[one.of].label


def _clauses(found: Iterable[Judgement], level: float) -> Words:
    """One clause for all judgements of the same words, in the order of the first of each."""
    alike: dict[Words, list[Words]] = {}
    for one in found:
        alike.setdefault(verdict_words(one, level), []).append(_item(one))
    listed = [(_listed(items), verdict) for verdict, items in alike.items()]
    return Words(
        "；".join(f"{items.zh} {verdict.zh}" for items, verdict in listed),
        "; ".join(f"{items.en} {verdict.en}" for items, verdict in listed),
    )


def _item(one: Judgement) -> Words:
    """The label with its figure, unless the verdict says the figure."""
    name = label(one)
    if one.verdict == "undecided" or one.factor != 1.0 or one.aspect == "chances":
        return name
    return Words(*(f"{text} {_number(one, one.figure.value)}" for text in name))


def _number(one: Judgement, value: float) -> str:
    if one.aspect == "intervals":
        return f"{value:.0%}"
    return f"{round(100 * value):+d}".replace("-", "−") if one.aspect == "chances" else f"{value:.2f}"


def verdict_words(one: Judgement, level: float) -> Words:
    """Say the verdict with its reason, and the group that is farthest off."""
    if one.half_by:
        s = "s" if one.half_by > 1 else ""
        return HIT_DECIDES.format(value=one.figure.value, count=one.half_by, s=s)
    if one.verdict == "undecided":
        return FEW
    reason = _reason(one, level)
    if one.worst is None:
        return reason
    worst = _group(one, one.worst)
    return Words(f"{reason.zh}，但{worst.zh}", f"{reason.en}, but {worst.en}")


def _reason(one: Judgement, level: float) -> Words:
    if one.aspect == "ranking":
        return _ranking(one)
    if one.aspect == "level":
        return _level(one)
    return _intervals(one, level) if one.aspect == "intervals" else _chances(one)


def _ranking(one: Judgement) -> Words:
    better = _listed([method_words(rival.of[0]) for rival in one.rivals if rival.low > 0])
    behind = _listed([method_words(rival.of[0]) for rival in one.rivals if rival.high < 0])
    alike = _listed([method_words(rival.of[0]) for rival in one.rivals if rival.low <= 0 <= rival.high])
    if behind.en:
        return Words(f"不要用来排序（不如{behind.zh}）", f"not usable (worse than {behind.en})")
    if one.verdict == "unusable":
        return Words("不要用来排序（不比随机好）", "not usable (no better than chance)")
    if alike.en:
        also = Words(f"比{better.zh}好，", f"better than {better.en}, ") if better.en else NO_WORDS
        return Words(
            f"谨慎用（{also.zh}不比{alike.zh}明显好）", f"with caution ({also.en}not clearly better than {alike.en})"
        )
    if better.en:
        return Words(f"可用（比{better.zh}好）", f"usable (better than {better.en})")
    return VERDICTS["usable"]


def _level(one: Judgement) -> Words:
    percent, high = round(abs(100.0 * (one.figure.value - 1.0))), one.figure.value > 1.0
    off = Words(f"偏{'高' if high else '低'} {percent}%", f"{percent}% {'high' if high else 'low'}")
    if one.verdict == "unusable":
        total = Words("只有合计准确", "right in total only") if one.factor == 1.0 else off
        return Words(
            f"不要用（{total.zh}，大半的档乘一个倍数也不准）", f"not usable ({total.en}; no factor mends most tenths)"
        )
    if one.factor == 1.0:
        return Words("合计准确", "right in total") if one.worst else Words("准确", "right")
    luck = MAY_BE_LUCK if one.figure.low <= 1.0 <= one.figure.high else NO_WORDS
    return Words(f"{off.zh}{luck.zh}，乘 {one.factor:.2f} 看", f"{off.en}{luck.en}: read × {one.factor:.2f}")


def _intervals(one: Judgement, level: float) -> Words:
    if one.verdict == "unusable":
        return Words("不要用（处处太窄）", "not usable (too narrow everywhere)")
    wide, narrow = one.figure.value > level + COVERAGE_TOLERANCE, one.figure.value < level - COVERAGE_TOLERANCE
    allowed = (level - COVERAGE_TOLERANCE, level + COVERAGE_TOLERANCE)
    luck = NO_WORDS if one.figure.outside(allowed) else MAY_BE_LUCK
    if wide or narrow:
        return Words(f"偏{'宽' if wide else '窄'}{luck.zh}", f"too {'wide' if wide else 'narrow'}{luck.en}")
    return VERDICTS["usable"]


def _chances(one: Judgement) -> Words:
    points = math.ceil(abs(100.0 * one.figure.value))
    if one.verdict == "usable":
        return Words(f"可用（相差不超过 {points} 个百分点）", f"usable (within {points} point{'s' * (points != 1)})")
    if one.verdict == "unusable":
        return Words(
            f"处处不准（最多差 {points} 个百分点），只比大小",
            f"off everywhere (by {points} points at most): compare them only",
        )
    first, high = int(one.figure.of[0]) * 100 // PROBABILITY_BINS, one.figure.value < 0
    where = f"{first}–{first + 100 // PROBABILITY_BINS}%"
    luck = NO_WORDS if one.figure.outside((-PROBABILITY_TOLERANCE, PROBABILITY_TOLERANCE)) else MAY_BE_LUCK
    return Words(
        f"所说 {where} 处偏{'高' if high else '低'} {points} 个百分点{luck.zh}",
        f"{points} points too {'high' if high else 'low'} where {where} is stated{luck.en}",
    )


def _group(one: Judgement, worst: Measured) -> Words:
    """The group that is farthest off, with its figure."""
    age = NO_WORDS if worst.of[0] == "all" else age_words(float(worst.of[0]))
    if one.aspect == "ranking":
        rival = method_words(worst.of[1])
        return Words(f"在 {age.zh}这一档{rival.zh}排得更准", f"at {age.en} {rival.en} ranks better")
    if one.aspect == "intervals":
        part, promotion_type = quarter_words(worst.of[1]), promotion_words(worst.of[2])
        group = Words(*map(", ".join, zip(age, part, promotion_type)))
        return Words(
            f"“{group.zh.replace(', ', '，')}”这一组为 {worst.value:.0%}", f"{worst.value:.0%} in the group {group.en}"
        )
    tenth = int(worst.of[1])
    part = Words(f"预测从低到高的第 {tenth} 档（共 10 档）", f"tenth {tenth} of the predictions (lowest first)")
    parts = [*([age] if age.en else []), *([part] if tenth != WHOLE else [])]
    zh, en = "、".join(one.zh for one in parts), ", ".join(one.en for one in parts)
    then = NO_WORDS if one.factor == 1.0 else Words("乘过之后", " even then")
    return Words(f"{zh}{then.zh}是实际的 {worst.value:.2f} 倍", f"at {en}{then.en} {worst.value:.2f} × what came")


def _use(found: Sequence[Judgement], unchecked: Sequence[Words]) -> Words:
    """What follows: what to rank by, how to read amounts, what to leave alone, and what nobody has checked."""
    clauses = []
    for aspect, verdict, words in USES:
        ones = [one for one in found if (one.aspect, one.verdict) == (aspect, verdict)]
        by_factor = [one for one in ones if one.factor != 1.0 and verdict == "caution"]
        as_said = _listed([label(one) for one in ones if one not in by_factor])
        if as_said.en:
            clauses.append(words.format(zh=as_said.zh, en=as_said.en))
        if by_factor:
            clauses.append(_read(by_factor))
    if clauses and unchecked:
        named = _listed([Words(one.zh, one.en.lower()) for one in unchecked])
        clauses.append(UNCHECKED.format(zh=named.zh, en=named.en))
    if not clauses:
        return Words("用途：按以上各句。", "Use: as the sentences above say.")
    return Words(f"用途：{'；'.join(one.zh for one in clauses)}。", f"Use: {'; '.join(one.en for one in clauses)}.")


def _read(off: Iterable[Judgement]) -> Words:
    """How to read the targets whose level is off: each with its factor."""
    names: dict[float, list[Words]] = {}
    for one in off:
        names.setdefault(one.factor, []).append(label(one))
    listed = [(_listed(labels), factor) for factor, labels in names.items()]
    return Words(
        "、".join(f"{items.zh}乘 {factor:.2f} 看" for items, factor in listed),
        f"read {', '.join(f'{items.en} × {factor:.2f}' for items, factor in listed)}",
    )


def _listed(items: Sequence[Words]) -> Words:
    names = [one.en for one in items]
    en = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
    return Words("、".join(one.zh for one in items), en)

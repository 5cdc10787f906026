"""The five questions, and what works at which step."""

from collections.abc import Sequence

from features.bilingual import Words
from serving.report.effects import TagEffect
from serving.report.five_questions import Interactions, PhraseEffect, Question, TagPair
from serving.report.funnel_drivers import Disagreement
from serving.report.wording.common import band, columns, count, money, tag, times, to_add

TITLE = Words("杠杆榜", "Levers")
"""Heading, and entry of the menu."""
QUESTION_TITLES = {
    "opening": Words("哪种开头最能留住观众?(3秒留存)", "Which opening holds viewers best? (3-s plays)"),
    "style": Words("哪种形式成交最好?(点击→成交)", "Which style converts best? (orders per click)"),
    "copy": Words("哪种文案最有人点?(展现→点击)", "Which copy is clicked most? (clicks per impression)"),
    "scene": Words("哪个场景卖得最多?(成交 × 客单)", "Which scene sells most? (order × value)"),
    "audience": Words("哪类人群会再买?", "Which audience buys again?"),
}
TEXTS = {
    "how_forest": Words(
        "怎么看:实心点是模型调整后的因子(×1.00 = 平均创意),粗线是它的区间,空心点是没有调整的原始率之比(同推广方式"
        ")。横线跨过 ×1.00 = 现有数据分不出高低;淡色 = 创意少于 30 条。“元/千次”按上面的基准折算。区间来自所选创"
        "意之间的差异:选得越少越宽。",
        "How to read: the dot is the factor adjusted by the model (×1.00 = mean creative), the bar its interval, "
        "the ring the raw rate against that of its promotion type. A bar across ×1.00 = these data cannot tell; "
        "pale = fewer than 30 creatives. CNY per 1,000 at the baseline above. Intervals come from how the chosen "
        "creatives differ: the fewer, the wider.",
    ),
    "how_heat": Words(
        "每格是该取值在这一步的因子,下面一行是 {level} 区间;蓝 = 高于平均,橙 = 低于平均(“展现成本”越高越贵);灰字 "
        "= 区间跨过 1.00,分不出;斜纹 = 少于 30 条创意。最右两列是各步相乘后的结果。",
        "Each cell is the factor of this value at this step, its {level} interval below; blue above the mean, "
        "orange below (for cost, above is dearer); grey = crosses 1.00, cannot be told; hatched = fewer than 30 "
        "creatives. The last columns multiply the steps.",
    ),
    "how_swarm": Words(
        "每个点是一条创意,越往右这个因素把它推得越高;颜色深 = 数值大(价格、时长、目标ROI)。",
        "Each dot is a creative: the farther right, the more this lifts it. Darker = larger number (price, "
        "duration, ROI target).",
    ),
    "how_dependence": Words(
        "曲线是模型的因子;底部短线每根是一个有数据的取值,短线稀疏处是外推,不要据此决策。",
        "The curve is the model's factor; each short line below is a value with data. Where they are sparse the "
        "curve extrapolates: do not decide by it.",
    ),
    "why_disagree": Words(
        "每次展现卖得多,不等于每块钱赚得多:流量可能更贵,或者退款更多。",
        "Selling more per impression is not earning more per yuan: traffic may be dearer, or refunds more.",
    ),
    "no_disagreement": Words(
        "没有取值让两者看法明显不同,或缺少展现、消耗列而无法比较。",
        "No value makes them disagree clearly, or impressions or spend are missing.",
    ),
    "five": Words("全域推广的五个问题", "The five questions of whole-domain promotion"),
    "funnel": Words("漏斗归因:什么在哪一步起作用", "Funnel SHAP: what works at which step"),
    "drivers": Words("每一步由什么驱动", "What drives each step"),
    "numbers": Words("价格、时长、目标ROI 怎样影响每一步", "How price, duration and ROI target move each step"),
    "disagreements": Words("GPM 与 ROI 看法不同的地方", "Where GPM and ROI disagree"),
}
"""Headings and paragraphs, by name."""


def effect(one: TagEffect, level: float) -> Words:
    """An effect with its interval, sample size and value in CNY."""
    inside = band(one.low, one.high, level)
    cny = Words(f",{money(one.cny)} 元/千次", f", {money(one.cny)} CNY per 1,000")
    cny = Words("", "") if one.cny is None else cny
    thin = Words(",样本偏少", ", few") if one.thin else Words("", "")
    return Words(
        f"{one.value} {times(one.factor)}({inside.zh},{count(one.creatives).zh}{cny.zh}{thin.zh})",
        f"{one.value} {times(one.factor)} ({inside.en}, {count(one.creatives).en}{cny.en}{thin.en})",
    )


def answer(question: Question, level: float) -> Words:
    """The answer to one of the five questions: best and weakest value, or that none can be told apart."""
    if not question.effects:
        nothing = Words("没有可比的取值。", "There is nothing to compare.")
        return to_add(question.missing) if question.missing else nothing
    clear = [one for one in question.effects if one.clear and not one.thin]
    best = [one for one in clear if one.factor > 1.0]
    worst = [one for one in clear if one.factor < 1.0]
    zh, en = [], []
    if best:
        first = effect(best[0], level)
        zh, en = [f"最好:{first.zh}"], [f"Best: {first.en}"]
    if worst:
        last = effect(worst[-1], level)
        zh, en = [*zh, f"最弱:{last.zh}"], [*en, f"Weakest: {last.en}"]
    if not clear:
        zh = ["现有数据分不出高低:每个取值的区间都跨过 ×1.00"]
        en = ["These data cannot tell them apart: every interval crosses ×1.00"]
    if question.name == "audience":
        needed = columns(["repeat_orders"])
        zh.append(f"这里只是首次成交率;是否再买,报表里没有记录,请加上 {needed.zh}")
        en.append(f"This is conversion only; no export has repeat purchases: add {needed.en}")
    return Words(";".join(zh) + "。", "; ".join(en) + ".")


def pair(one: TagPair, level: float) -> Words:
    """A tag pair with its interval and sample size."""
    inside, other = band(one.low, one.high, level), tag(one.other_tag)
    return Words(
        f"{one.value} × {other.zh}“{one.other}” {times(one.factor)}({inside.zh},{count(one.creatives).zh})",
        f"{one.value} × {other.en} “{one.other}” {times(one.factor)} ({inside.en}, {count(one.creatives).en})",
    )


def strongest_pairs(found: Interactions, level: float) -> Words:
    """The strongest tag pairs, or that none is significant."""
    if not found.pairs:
        return Words("搭配:数据不足以比较。", "Interactions: too few creatives to compare.")
    first = found.pairs[0]
    pairs = [pair(one, level) for one in found.pairs]
    zh, en = ";".join(words.zh for words in pairs), "; ".join(words.en for words in pairs)
    if first.clear:
        return Words(f"搭配(在两者各自的效果之外):{zh}。", f"Interactions (beyond what both do alone): {en}.")
    return Words(
        f"搭配:看过 {found.examined} 对,没有一对明显超出运气;最突出的是 {zh},只当作待测假设。",
        f"Interactions: none of {found.examined} pairs is significant; the strongest is {en}: a hypothesis to test.",
    )


def strongest_phrases(found: Sequence[PhraseEffect], level: float) -> Words:
    """Phrases of the copy whose click rate differs from what the model predicts."""
    clear = [one for one in found if one.low > 1.0 or one.high < 1.0]
    if not clear:
        return Words(
            "逐句看:扣除商品、卖点、开头等因素后,没有哪一句文案能分出高低。",
            "By phrase: beside product, selling point and hook, no phrase can be told from another.",
        )
    parts = [(one.text, times(one.factor), band(one.low, one.high, level), count(one.creatives)) for one in clear[:4]]
    zh = ";".join(f"“{phrase}” {factor}({inside.zh},{number.zh})" for phrase, factor, inside, number in parts)
    en = "; ".join(f"“{phrase}” {factor} ({inside.en}, {number.en})" for phrase, factor, inside, number in parts)
    return Words(f"逐句看(扣除其它因素后):{zh}。", f"By phrase, beside all else: {en}.")


def why_they_disagree(one: Disagreement) -> Words:
    """Why the factors of a value on GPM and on ROI differ."""
    if one.because == "cost":
        dear = one.cost > 1.0
        return Words(
            f"流量{'更贵' if dear else '更便宜'}(成本 {times(one.cost)})",
            f"its traffic is {'dearer' if dear else 'cheaper'} (cost {times(one.cost)})",
        )
    more = one.keep < 1.0
    return Words(
        f"退款{'更多' if more else '更少'}(退后留存 {times(one.keep)})",
        f"{'more' if more else 'fewer'} refunds (kept {times(one.keep)})",
    )

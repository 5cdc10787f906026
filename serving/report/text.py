"""Every sentence of the strategist's report: Chinese first, then English. Numbers come in, words go out."""

from collections.abc import Sequence

from features.bilingual import Words
from features.funnel import TARGETS
from features.matrix.catalogue import entity_label
from serving.report.cards import Card
from serving.report.diversity import Richness
from serving.report.drivers import Disagreement
from serving.report.effects import Effect
from serving.report.feature_groups import label
from serving.report.five_questions import Question
from serving.report.interactions import Interplay, Pair
from serving.report.labels import COLUMNS
from serving.report.phrases import Phrase
from serving.report.trust import Accuracy, Belief
from serving.report.what_to_shoot import Shot
from training.decision.verdict import LABELS


def times(factor: float) -> str:
    """A factor as strategists read it."""
    return f"×{factor:.2f}"


def money(cny: float | None) -> str:
    """CNY per 1,000 impressions, with its sign."""
    if cny is None:
        return "–"
    return f"{'+' if cny >= 0 else '−'}{abs(cny):.{0 if abs(cny) >= 10 else 1}f}"


def target(name: str) -> Words:
    """What a target is called."""
    return TARGETS[name].label if name in TARGETS else Words(name, name)


def family(name: str) -> Words:
    """What a family of contributions is called."""
    return Words(*label(name))


def tag(name: str) -> Words:
    """What a tag is called."""
    return Words(*entity_label(name))


def verdict(name: str) -> Words:
    """What a verdict is called."""
    return Words(*LABELS[name])


def columns(names: Sequence[str]) -> Words:
    """Columns that would answer a question."""
    told = [COLUMNS.get(name, Words(name, name)) for name in names]
    return Words("、".join(words.zh for words in told), ", ".join(words.en for words in told))


def to_add(names: Sequence[str]) -> Words:
    """What is missing, and what to do about it."""
    told = columns(names)
    return Words(f"现有数据回答不了;请在导出或标签表中加上:{told.zh}。", f"These data cannot tell. Add: {told.en}.")


def band(low: float, high: float, level: float) -> Words:
    """An interval of a factor."""
    return Words(f"{level:.0%} 区间 {low:.2f}–{high:.2f}", f"{level:.0%} interval {low:.2f}–{high:.2f}")


def count(number: int) -> Words:
    """So many creatives."""
    return Words(f"{number:,} 条创意", f"{number:,} creatives")


def effect(one: Effect, level: float) -> Words:
    """An effect is never told without its numbers."""
    inside = band(one.low, one.high, level)
    worth = (
        Words("", "") if one.cny is None else Words(f",{money(one.cny)} 元/千次", f", {money(one.cny)} CNY per 1,000")
    )
    thin = Words(",样本偏少", ", few") if one.thin else Words("", "")
    return Words(
        f"{one.value} {times(one.factor)}({inside.zh},{count(one.creatives).zh}{worth.zh}{thin.zh})",
        f"{one.value} {times(one.factor)} ({inside.en}, {count(one.creatives).en}{worth.en}{thin.en})",
    )


def answer(question: Question, level: float) -> Words:
    """The answer to one of the five questions in a sentence or two."""
    if not question.effects:
        return (
            to_add(question.missing) if question.missing else Words("没有可比的取值。", "There is nothing to compare.")
        )
    clear = [one for one in question.effects if one.clear and not one.thin]
    best = [one for one in clear if one.factor > 1.0]
    worst = [one for one in clear if one.factor < 1.0]
    zh, en = [], []
    if best:
        told = effect(best[0], level)
        zh, en = [f"最好:{told.zh}"], [f"Best: {told.en}"]
    if worst:
        told = effect(worst[-1], level)
        zh, en = [*zh, f"最弱:{told.zh}"], [*en, f"Weakest: {told.en}"]
    if not clear:
        zh = ["现有数据分不出高低:每个取值的区间都跨过 ×1.00"]
        en = ["These data cannot tell them apart: every interval crosses ×1.00"]
    if question.name == "audience":
        told = columns(["repeat_orders"])
        zh.append(f"这里只是首次成交率;是否再买,报表里没有记录,请加上 {told.zh}")
        en.append(f"This is conversion only; whether they buy again stands in no export: add {told.en}")
    return Words(";".join(zh) + "。", "; ".join(en) + ".")


def pair(one: Pair, level: float) -> Words:
    """A pair with its numbers."""
    inside, other = band(one.low, one.high, level), tag(one.other_tag)
    return Words(
        f"{one.value} × {other.zh}“{one.other}” {times(one.factor)}({inside.zh},{count(one.creatives).zh})",
        f"{one.value} × {other.en} “{one.other}” {times(one.factor)} ({inside.en}, {count(one.creatives).en})",
    )


def together(found: Interplay, level: float) -> Words:
    """The strongest interplay, or that none stands out."""
    if not found.pairs:
        return Words("搭配:数据不足以比较。", "Interplay: too few creatives to compare.")
    first = found.pairs[0]
    told = [pair(one, level) for one in found.pairs]
    zh, en = ";".join(words.zh for words in told), "; ".join(words.en for words in told)
    if first.clear:
        return Words(f"搭配(在两者各自的效果之外):{zh}。", f"Interplay (beyond what both do alone): {en}.")
    return Words(
        f"搭配:看过 {found.looked_at} 对,没有一对明显超出运气;最突出的是 {zh},只当作待测假设。",
        f"Interplay: of {found.looked_at} pairs none stands out of luck; the strongest is {en}: a hypothesis to test.",
    )


def phrasing(found: Sequence[Phrase], level: float) -> Words:
    """What single phrases of the copy do beyond everything else."""
    clear = [one for one in found if one.low > 1.0 or one.high < 1.0]
    if not clear:
        return Words(
            "逐句看:扣除商品、卖点、开头等因素后,没有哪一句文案能分出高低。",
            "By phrase: beside product, selling point and hook, no phrase can be told from another.",
        )
    told = [(one.text, times(one.factor), band(one.low, one.high, level), count(one.creatives)) for one in clear[:4]]
    zh = ";".join(f"“{text}” {factor}({inside.zh},{number.zh})" for text, factor, inside, number in told)
    en = "; ".join(f"“{text}” {factor} ({inside.en}, {number.en})" for text, factor, inside, number in told)
    return Words(f"逐句看(扣除其它因素后):{zh}。", f"By phrase, beside all else: {en}.")


def accuracy(one: Accuracy, level: float) -> Words:
    """How well a target was foretold, in plain words."""
    name = target(one.target)
    zh = f"{name.zh}:任取两条比高低,100 次猜对约 {one.pairs_right * 100:.0f} 次(瞎猜 50"
    en = f"{name.en}: of two creatives the better one is named {one.pairs_right * 100:.0f} times in 100 (guessing: 50"
    if "carry-forward" in one.of_rules:
        rule = one.of_rules["carry-forward"] * 100
        zh, en = f"{zh},“维持现状” {rule:.0f}", f"{en}, carry-forward: {rule:.0f}"
    zh, en = f"{zh})", f"{en})"
    if one.total is not None:
        zh, en = f"{zh};预测总量为实际的 {one.total:.0%}", f"{en}; predicted {one.total:.0%} of what came in all"
    if one.covered is not None:
        zh = f"{zh};{level:.0%} 区间实际盖住 {one.covered:.0%}"
        en = f"{en}; {level:.0%} intervals held {one.covered:.0%}"
    return Words(f"{zh}({one.rows:,} 行)。", f"{en} ({one.rows:,} rows).")


def young(told: Belief) -> Words:
    """How many creatives cannot be judged yet."""
    return Words(
        f"{told.creatives:,} 条创意中,{told.not_launched:,} 条还没投放,{told.too_young:,} 条的首个 {told.outcome_days} "
        f"天窗口还没走完(结果未定),{told.thin:,} 条证据太少、结论是“继续测试”。",
        f"Of {told.creatives:,} creatives {told.not_launched:,} are not launched, {told.too_young:,} are within their "
        f"first {told.outcome_days} days (outcome open), {told.thin:,} have too little evidence: to be tested further.",
    )


def disagree(one: Disagreement) -> Words:
    """Why GPM and ROI judge a value otherwise."""
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


def changed(shot: Shot) -> Words:
    """What a shot is."""
    parts = [(tag(name), old, new) for name, (old, new) in shot.changed.items()]
    if shot.kind == "test":
        name, old, new = parts[0]
        return Words(f"只换{name.zh}:{old or '无'} → {new}", f"change {name.en} only: {old or 'none'} → {new}")
    return Words(" · ".join(new for _, _, new in parts), " · ".join(new for _, _, new in parts))


def reason(shot: Shot, stages: dict[str, Words], level: float) -> Words:
    """Why a shot is worth it: gain, what it comes from, and what it stands on."""
    zh = "、".join(f"{stages[name].zh} {times(factor)}" for name, factor in shot.because)
    en = ", ".join(f"{stages[name].en} {times(factor)}" for name, factor in shot.because)
    inside = band(shot.gain_low, shot.gain_high, level)
    sure = (
        Words("", "")
        if shot.gain_low > 1.0
        else Words(";还分不出高低,正好用来测", "; not told apart yet: a test tells")
    )
    return Words(
        f"预期 {times(shot.gain)}({inside.zh}){sure.zh};来自 {zh};依据 {count(shot.creatives).zh}",
        f"expected {times(shot.gain)} ({inside.en}){sure.en}; by {en}; stands on {count(shot.creatives).en}",
    )


def rich(told: Richness) -> Words:
    """How varied an account's creatives are."""
    names = [tag(name) for name in told.tags]
    zh = f"账户 {told.account}:{told.creatives:,} 条创意,用过 {told.directions:,} 个方向("
    zh += f"{' × '.join(name.zh for name in names)}),可能的组合有 {told.possible:,} 个;"
    zh += f"相当于 {told.effective:.0f} 个均匀使用的方向。"
    en = f"Account {told.account}: {told.creatives:,} creatives in {told.directions:,} directions "
    en += f"({' × '.join(name.en for name in names)}) of {told.possible:,} possible; as varied as "
    en += f"{told.effective:.0f} used alike."
    if told.alike is not None and told.market_alike is not None:
        zh += f"近 28 天的 {told.recent:,} 条里,任取两条平均有 {told.alike:.0%} 的标签相同"
        zh += f"(全部数据 {told.market_alike:.0%}),{told.twins:.0%} 重复了更早的方向。"
        en += f" Of the {told.recent:,} of the last 28 days two share {told.alike:.0%} of these tags on average"
        en += f" (all data: {told.market_alike:.0%}); {told.twins:.0%} repeat an older direction."
    return Words(zh, en)


def hits(told: Richness) -> Words:
    """The chance of a hit, and what being different adds."""
    chance = told.chance
    if chance is None:
        return Words("爆款概率尚未校准,不给数字。", "Chances of a hit are not calibrated; no figure is told.")
    place = chance.counts.index(20)
    alike, now, apart = (f"{values[place]:.0%}" for values in (chance.alike, chance.now, chance.apart))
    zh = f"单条新创意成为爆款的概率约 {chance.one:.1%}。投 20 条,至少一条爆款的概率:全是同一方向 {alike},"
    zh += f"按账户现在的相似度 {now},互不相似 {apart}。"
    zh += f"(同方向创意的爆款相关 {chance.together:.3f},由 {chance.directions:,} 个方向的历史估计。)"
    en = f"One new creative is a hit with {chance.one:.1%}. At least one of 20: {alike} if all are of one direction, "
    en += f"{now} as alike as now, {apart} if none is like another. (Hits of one direction correlate by "
    en += f"{chance.together:.3f}, from {chance.directions:,} directions.)"
    return Words(zh, en)


def tally(cards: Sequence[Card]) -> Words:
    """How many creatives have each verdict."""
    names = ["scale", "test", "hold", "stop", ""]
    sizes = {name: sum(card.verdict == name for card in cards) for name in names}
    told = [(verdict(name), size) for name, size in sizes.items() if size]
    return Words(
        "、".join(f"{words.zh} {size:,}" for words, size in told),
        ", ".join(f"{words.en} {size:,}" for words, size in told),
    )

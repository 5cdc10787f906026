"""Every sentence of the strategist's report, Chinese and English side by side: no other module holds one.

Constants are texts that never change; functions below them put numbers into a sentence. Stages, targets, tags, feature
groups and verdicts are named by their own objects (`features.funnel`, `features.attributes`, …). Only one- or
two-word heads of tables and axes are in the template, next to their columns.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from configs.export_layout import ExportLayout, read_layout
from configs.settings import CONFIG_DIR
from features.attributes import ATTRIBUTE_OF, TAG_LABELS
from features.bilingual import Words
from features.funnel import TARGETS
from features.matrix.catalogue import entity_label
from serving.report.cards import Card
from serving.report.contribution_groups import group_label
from serving.report.diversity import Diversity
from serving.report.effects import TagEffect
from serving.report.five_questions import Interactions, PhraseEffect, Question, TagPair
from serving.report.funnel_drivers import Disagreement
from serving.report.model_quality import ModelQuality, TargetAccuracy
from serving.report.what_to_shoot import Shot
from training.decision.verdict import VERDICT_LABELS

METRIC_COLUMNS = {
    "hold": Words("视频播放数 与 3秒播放率(plays、plays_3s)", "plays and 3-s plays (视频播放数, 3秒播放率)"),
    "click": Words("整体点击次数(clicks)", "clicks (整体点击次数)"),
    "order": Words("整体成交订单数(orders)", "orders (整体成交订单数)"),
    "value": Words("整体成交订单数 与 整体成交金额(orders、gmv_cny)", "orders and gmv (整体成交订单数, 整体成交金额)"),
    "repeat_orders": Words("老客订单数 / 复购订单数", "repeat orders (老客订单数)"),
}
"""Stage, or column that no source has → what to add to the export."""
QUESTION_TITLES = {
    "opening": Words("哪种开头最能留住观众?(3秒留存)", "Which opening holds viewers best? (3-s plays)"),
    "style": Words("哪种形式成交最好?(点击→成交)", "Which style converts best? (orders per click)"),
    "copy": Words("哪种文案最有人点?(展现→点击)", "Which copy is clicked most? (clicks per impression)"),
    "scene": Words("哪个场景卖得最多?(成交 × 客单)", "Which scene sells most? (order × value)"),
    "audience": Words("哪类人群会再买?", "Which audience buys again?"),
}
NOT_EVALUATED = Words(
    "没有找到这一版模型的评估,下面的数字还没有在留出期上检验过:请在同一数据上运行 make train 后再出报告。",
    "No evaluation of this very model was found, so nothing below was checked on a holdout: run make train on "
    "these data.",
)
PAGE_TEXTS = {
    "association": Words(
        "关联,不是因果:模型对历史数据的归因,不等于改动后一定带来的效果。",
        "Association, not cause: what the model learned from past data is not the effect of a change.",
    ),
    "first": Words(
        "先看一句话:模型对历史数据的归因,不等于改动后一定带来的效果。平台会把流量给早期赢家,因此下面每个数字都是"
        "关联,要放量先做单变量测试。",
        "First of all: what the model learned from past data is not the effect of a change. The platform "
        "sends traffic to early winners, so every figure below is an association: test one variable before you "
        "scale.",
    ),
    "missing": Words(
        "缺的列:{columns}。加上它们,相应的环节才能回答。",
        "Columns missing: {columns}. With them these steps could be answered.",
    ),
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
    "shown_some": Words(
        "共 {first:,} 条,这里列出 {second:,} 条:未投放的,以及近期消耗最多的。用 --account、--product、--since 缩"
        "小范围。",
        "{first:,} in all, {second:,} shown: those not launched, and those with most recent spend. Narrow it "
        "with --account, --product, --since.",
    ),
    "how_cards": Words(
        "点名称打开卡片:从账户基准(标签、价格取全体平均时这个账户的水平)到预测的瀑布图、自身数据改变了多少、投放"
        "前会怎么预测、最相近的过往创意实际如何。净ROI 是未来 {days} 天的预测,区间是单条创意一周结果的 {level} 区"
        "间:单条没有成交很常见。",
        "Open a card by its name: the waterfall from the account's baseline (its level at mean tags and price), "
        "what its own counts changed, the prediction before launch, and the outcomes of the nearest past creatives. "
        "ROI is that of the next {days} days; the {level} interval is that of one creative's week, in which no "
        "order at all is common.",
    ),
    "how_kocs": Words(
        "创意最多的 {first} 位达人(共 {second:,} 位)。因子已按证据多少收缩:证据越少越靠近达人自己的平均;“·” = 没"
        "有拍过。",
        "The {first} KOCs with most creatives (of {second:,}). Factors are shrunk for evidence: the less of it, "
        "the nearer to the KOC's own mean; “·” = never shot.",
    ),
    "no_shots": Words(
        "没有模型明显更看好的选择,或缺少标签、ROI 列。",
        "Nothing is predicted clearly better, or tags or ROI are missing.",
    ),
    "title": Words("投放策略报告", "Strategist's report"),
    "model_quality": Words("这些数字可信吗?", "How reliable are these numbers?"),
    "five": Words("全域推广的五个问题", "The five questions of whole-domain promotion"),
    "funnel": Words("漏斗归因:什么在哪一步起作用", "Funnel SHAP: what works at which step"),
    "drivers": Words("每一步由什么驱动", "What drives each step"),
    "numbers": Words("价格、时长、目标ROI 怎样影响每一步", "How price, duration and ROI target move each step"),
    "disagreements": Words("GPM 与 ROI 看法不同的地方", "Where GPM and ROI disagree"),
    "creatives": Words("每条创意:怎么办,凭什么", "The creatives: what to do, and why"),
    "kocs": Words("达人与商品", "KOC and product"),
    "who_lifts": Words("谁拉动哪一步", "Who lifts which step"),
    "koc_product": Words("达人 × 商品", "KOC × product"),
    "koc_prices": Words("达人带得动的价格带", "Prices that a KOC can carry"),
    "diversity": Words("丰富度,以及下一步拍什么", "Diversity, and what to shoot next"),
    "shot_before": Words("拍过哪些组合(创意条数)", "What was shot (creatives)"),
    "one_hit": Words("至少出一条爆款的概率", "Chance of at least one hit"),
    "not_concluded": Words(
        "不要由此下的结论:单条创意的好坏(一周结果多半是运气);没有数据处的曲线;因子可以一直叠乘;关联就是因果。预测"
        "与归因来自服务所用的同一模型与同一函数。",
        "Do not conclude: that one creative is good or bad (one week is mostly chance); curves where there are "
        "no data; that factors multiply for ever; that association is cause. Predictions and contributions come "
        "from the model and the functions of the service.",
    ),
    "at_hand": Words("手上的创意", "The creatives at hand"),
    "shoot_next": Words("下一条先拍", "Shoot next"),
    "baseline": Words("基准(投放前的平均创意)", "baseline (mean creative before launch)"),
    "cost_baseline": Words("千次展现成本基准", "cost of 1 000 impressions"),
    "test": Words("单变量测试:在跑得好的创意上只改一处", "Tests: change one thing on what runs well"),
    "direction": Words("新方向:还没拍过、模型看好的组合", "New directions: not shot yet, and well predicted"),
}
"""Headings and paragraphs of the page, by name."""
SCRIPT_TEXTS = {
    "not_launched": Words("未投放", "not launched"),
    "hours": Words("{n} 小时", "{n} h"),
    "days": Words("{n} 天", "{n} d"),
    "no_interval": Words("无区间", "no interval"),
    "no_order": Words("多半无成交", "most likely no order"),
    "page": Words("第 {page} / {pages} 页,共 {n} 条", "page {page} of {pages}, {n} creatives"),
    "before_launch": Words(" 投放前会预测 {n}", " before launch: {n}"),
    "chances": Words("达到目标 / 爆款的概率", "P(target) / P(hit)"),
    "later": Words("未来展现", "later impressions"),
    "evidence": Words("已有证据", "evidence so far"),
    "counts": Words(
        "展现 {impressions} · 点击 {clicks} · 成交 {orders} 单 · 消耗 {spend} 元 · 成交额 {gmv} 元",
        "{impressions} impressions · {clicks} clicks · {orders} orders · {spend} CNY spent · {gmv} CNY gmv",
    ),
    "others": Words("其它合计", "all others"),
    "account_baseline": Words("账户基准", "account's baseline"),
    "prediction": Words("预测", "prediction"),
    "fall": Words(
        ":从账户基准到预测(关联,不是因果)",
        ": from the account's baseline to the prediction (association, not cause)",
    ),
    "nearest": Words(
        "最相近的过往创意,首个窗口的实际结果",
        "Nearest past creatives, and outcomes of their first window",
    ),
    "no_past": Words("没有结果已知的过往创意。", "No past creative has a known outcome."),
    "creative": Words("创意", "creative"),
    "similarity": Words("相似", "similarity"),
    "roi": TARGETS["roi"].label,
    "gpm": TARGETS["gpm"].label,
    "impressions": Words("展现", "impressions"),
}
"""Texts that the page's script writes into cards and the table of creatives."""


def text(name: str, **values: object) -> Words:
    """A heading or paragraph of PAGE_TEXTS, with its placeholders filled in."""
    return PAGE_TEXTS[name].format(**values)


def times(factor: float) -> str:
    """A factor: ×1.23."""
    return f"×{factor:.2f}"


def money(cny: float | None) -> str:
    """CNY per 1 000 impressions, with its sign."""
    if cny is None:
        return "–"
    return f"{'+' if cny >= 0 else '−'}{abs(cny):.{0 if abs(cny) >= 10 else 1}f}"


def target(name: str) -> Words:
    """Label of a target."""
    return TARGETS[name].label if name in TARGETS else Words(name, name)


def group(name: str) -> Words:
    """Label of a feature group."""
    return group_label(name)


def tag(name: str) -> Words:
    """Label of a tag, or of an attribute on a card; numbers with their unit."""
    return ATTRIBUTE_OF[name].full_label if name in ATTRIBUTE_OF else Words(*entity_label(name))


def columns(names: Sequence[str]) -> Words:
    """Columns of exports or of the tag sheet that would answer a question."""
    named = [METRIC_COLUMNS.get(name) or _sheet_column(name) for name in names]
    return Words("、".join(words.zh for words in named), ", ".join(words.en for words in named))


def _sheet_column(name: str) -> Words:
    """Header of an attribute or a tag in the tag sheet, with what it means."""
    header = _tag_sheet().columns[name].headers[0]
    label = ATTRIBUTE_OF[name].label if name in ATTRIBUTE_OF else TAG_LABELS[name]
    return Words(f"标签表的“{header}”", f"{header} ({label.en}) in the tag sheet")


@cache
def _tag_sheet() -> ExportLayout:
    return read_layout(CONFIG_DIR / "sources" / "tag_sheet.yaml")


def to_add(names: Sequence[str]) -> Words:
    """Which columns are missing, and where to add them."""
    named = columns(names)
    return Words(f"现有数据回答不了;请在导出或标签表中加上:{named.zh}。", f"These data cannot tell. Add: {named.en}.")


def band(low: float, high: float, level: float) -> Words:
    """An interval of a factor."""
    return Words(f"{level:.0%} 区间 {low:.2f}–{high:.2f}", f"{level:.0%} interval {low:.2f}–{high:.2f}")


def count(number: int) -> Words:
    """A number of creatives."""
    return Words(f"{number:,} 条创意", f"{number:,} creatives")


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


def accuracy(one: TargetAccuracy, level: float) -> Words:
    """Accuracy of a target on the holdout."""
    name = target(one.target)
    zh = f"{name.zh}:任取两条比高低,100 次猜对约 {one.pair_accuracy * 100:.0f} 次(瞎猜 50"
    en = f"{name.en}: of two creatives the better one is named {one.pair_accuracy * 100:.0f} times in 100 (guessing: 50"
    if "carry-forward" in one.baselines:
        rule = one.baselines["carry-forward"] * 100
        zh, en = f"{zh},“维持现状” {rule:.0f}", f"{en}, carry-forward: {rule:.0f}"
    zh, en = f"{zh})", f"{en})"
    if one.total is not None:
        zh, en = f"{zh};预测总量为实际的 {one.total:.0%}", f"{en}; predicted {one.total:.0%} of the actual total"
    if one.covered is not None:
        zh = f"{zh};{level:.0%} 区间实际盖住 {one.covered:.0%}"
        en = f"{en}; {level:.0%} intervals cover {one.covered:.0%}"
    return Words(f"{zh}({one.rows:,} 行)。", f"{en} ({one.rows:,} rows).")


def evidence(model: ModelQuality) -> Words:
    """How many creatives have no mature outcome or too little evidence yet."""
    days, not_launched, young = model.outcome_days, f"{model.not_launched:,}", f"{model.too_young:,}"
    return Words(
        f"{model.creatives:,} 条创意中,{not_launched} 条还没投放,{young} 条的首个 {days} 天窗口还没走完(结果未定),"
        f"{model.thin:,} 条证据太少、结论是“继续测试”。",
        f"Of {model.creatives:,} creatives {not_launched} are not launched, {young} are within their first {days} days "
        f"(outcome open), {model.thin:,} have too little evidence: to be tested further.",
    )


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


def what_changes(shot: Shot) -> Words:
    """Which tags a shot changes."""
    parts = [(tag(name), old, new) for name, (old, new) in shot.changed.items()]
    if shot.kind == "test":
        name, old, new = parts[0]
        return Words(f"只换{name.zh}:{old or '无'} → {new}", f"change {name.en} only: {old or 'none'} → {new}")
    return Words(" · ".join(new for _, _, new in parts), " · ".join(new for _, _, new in parts))


def why_shoot(shot: Shot, stages: Mapping[str, Words], level: float) -> Words:
    """Why a shot is recommended: gain with its interval, stages it comes from, and sample size."""
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
        f"expected {times(shot.gain)} ({inside.en}){sure.en}; by {en}; from {count(shot.creatives).en}",
    )


def diversity(one: Diversity) -> Words:
    """How many directions an account uses, and how alike its creatives are."""
    names = [tag(name) for name in one.tags]
    zh = f"账户 {one.account}:{one.creatives:,} 条创意,用过 {one.directions:,} 个方向("
    zh += f"{' × '.join(name.zh for name in names)}),可能的组合有 {one.possible:,} 个;"
    zh += f"相当于 {one.effective:.0f} 个均匀使用的方向。"
    en = f"Account {one.account}: {one.creatives:,} creatives in {one.directions:,} directions "
    en += f"({' × '.join(name.en for name in names)}) of {one.possible:,} possible; as diverse as "
    en += f"{one.effective:.0f} equally used ones."
    if one.shared_tags is not None and one.shared_tags_all is not None:
        zh += f"近 28 天的 {one.recent:,} 条里,任取两条平均有 {one.shared_tags:.0%} 的标签相同"
        zh += f"(全部数据 {one.shared_tags_all:.0%}),{one.repeat_share:.0%} 重复了更早的方向。"
        en += f" Of the {one.recent:,} of the last 28 days two share {one.shared_tags:.0%} of these tags on average"
        en += f" (all data: {one.shared_tags_all:.0%}); {one.repeat_share:.0%} repeat an older direction."
    return Words(zh, en)


def hit_chances(one: Diversity) -> Words:
    """Chance of at least one hit among 20 creatives, by how alike they are."""
    hits = one.hits
    if hits is None:
        return Words("爆款概率尚未校准,不给数字。", "Chances of a hit are not calibrated, so no figure is given.")
    place = hits.counts.index(20)
    alike, now, apart = (f"{values[place]:.0%}" for values in (hits.one_direction, hits.current, hits.all_different))
    zh = f"单条新创意成为爆款的概率约 {hits.one:.1%}。投 20 条,至少一条爆款的概率:全是同一方向 {alike},"
    zh += f"按账户现在的相似度 {now},互不相似 {apart}。"
    zh += f"(同方向创意的爆款相关 {hits.correlation:.3f},由 {hits.directions:,} 个方向的历史估计。)"
    en = f"One new creative is a hit with {hits.one:.1%}. At least one of 20: {alike} if all are of one direction, "
    en += f"{now} as alike as now, {apart} if none is like another. (Hits of one direction correlate by "
    en += f"{hits.correlation:.3f}, from {hits.directions:,} directions.)"
    return Words(zh, en)


def verdict_counts(cards: Sequence[Card]) -> Words:
    """Number of creatives with each verdict."""
    sizes = {name: sum(card.verdict == name for card in cards) for name in VERDICT_LABELS}
    counts = [(VERDICT_LABELS[name], size) for name, size in sizes.items() if size]
    return Words(
        "、".join(f"{words.zh} {size:,}" for words, size in counts),
        ", ".join(f"{words.en} {size:,}" for words, size in counts),
    )

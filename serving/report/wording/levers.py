"""Levers: what works at which step and at the bottom line, and how sure that is."""

from math import exp

from features.bilingual import Words
from features.targets import TARGETS
from serving.report.levers.pairs import PhraseEffect
from serving.report.levers.parts import LeverCell, Levers, LeverSlice, effect_on, graded
from serving.report.levers.slice_effects import KOC
from serving.report.wording.common import GRADES, columns, group, promotion_type

TITLE = Words("杠杆榜", "Levers")
"""Heading, and entry of the menu."""
STEPS = {
    "hold": Words("3秒完播", "3-s plays"),
    "engage": Words("互动", "engage"),
    "click": Words("点击", "clicks"),
    "order": Words("转化", "orders"),
    "value": Words("客单", "value"),
    "earn": Words("产出", "earnings"),
    "return": Words("产出比", "return"),
    "net_return": Words("净产出比", "net return"),
    "cost": Words("千展成本", "cost"),
    "keep": Words("退款", "refunds"),
}
"""Stage → head of its column; cost and refunds are shown reversed."""
BETTER = {
    "hold": Words("更留人", "holds viewers better"),
    "engage": Words("互动更多", "gets more interaction"),
    "click": Words("更多人点", "gets more clicks"),
    "order": Words("转化更好", "converts better"),
    "value": Words("客单更高", "sells dearer orders"),
    "earn": Words("产出更高", "earns more"),
    "return": Words("产出比更高", "returns more"),
    "net_return": Words("净产出比更高", "returns more"),
    "cost": Words("流量更便宜", "gets cheaper traffic"),
    "keep": Words("退款更少", "has fewer refunds"),
}
WORSE = {
    "hold": Words("留人更差", "loses viewers"),
    "engage": Words("互动更少", "gets less interaction"),
    "click": Words("更少人点", "gets fewer clicks"),
    "order": Words("转化更差", "converts worse"),
    "value": Words("客单更低", "sells smaller orders"),
    "earn": Words("产出更低", "earns less"),
    "return": Words("产出比更低", "returns less"),
    "net_return": Words("净产出比更低", "returns less"),
    "cost": Words("流量更贵", "gets dearer traffic"),
    "keep": Words("退款更多", "has more refunds"),
}
ASKED = {
    "hook": Words("哪种开头留得住人，也赚得到钱？", "Which hook holds viewers and earns?"),
    "selling_point": Words("哪种文案（卖点）有人点，也赚得到钱？", "Which copy (selling point) is clicked and earns?"),
    "style": Words("哪种形式转化好，也赚得到钱？", "Which style converts and earns?"),
    "scene": Words("哪个场景成交多，也赚得到钱？", "Which scene sells and earns?"),
    "audience": Words("哪类人群会复购？", "Which audience buys again?"),
}
"""Lever → the question of its tab; others have their name."""
TABS = {
    "selling_point": Words("文案", "copy"),
    KOC: Words("达人", "KOC"),
    "price": Words("价格（元）", "price (CNY)"),
    "duration": Words("时长（秒）", "duration (s)"),
}
"""Lever → name of its tab, where it differs from the lever's."""
TEXTS = {
    "how_levers": Words(
        "每行是一个取值与平均素材（×1.00）的倍数，其它因素已扣除；线是 {level} 区间。▲ 绿 = 更好，▼ 橙 = 更差（%），"
        "千展成本和退款已反向；颜色深 = 确定（区间不含 ×1.00），浅 = 可能（方向有 {likely} 把握），“·” = 分不出；"
        "空心点 = 同一推广方式的全部素材，所选素材自己分不出时以它为准。少于 {least} 条素材的取值最多算“可能”。",
        "A row is a value against the mean creative (×1.00), all else taken out; the line is its {level} interval. ▲ "
        "green = better, ▼ orange = worse (%), cost and refunds reversed; deep = certain (interval without ×1.00), "
        "pale = likely (direction right with {likely}), “·” = cannot tell; a ring = all creatives of the promotion "
        "type, which count where the chosen ones cannot tell. A value of fewer than {least} creatives is likely at "
        "most.",
    ),
    "how_margin": Words(
        "元/千次：每千次展示，比平均素材多留下的净成交额减去多花的消耗。",
        "CNY per 1,000: net gmv less spend per 1,000 impressions, beyond the mean creative.",
    ),
    "no_levers": Words(
        "这份数据没有标签、达人、价格或时长，没有可比的杠杆。",
        "These data have no tag, KOC, price or duration to compare.",
    ),
    "all_unclear": Words("没有分得出的取值。", "No value can be told."),
}
"""Headings and paragraphs, by name."""
SCRIPT_TEXTS = {
    "lever_all": Words("全部", "all"),
    "lever_margin": Words("元/千次", "CNY/1,000"),
    "lever_value": Words("取值", "value"),
    "lever_creatives": Words("素材", "creatives"),
    "lever_scope": Words("{scope}：{n} 条素材", "{scope}: {n} creatives"),
    "lever_everyone": Words("{type}，全部素材", "{type}, all creatives"),
    "lever_one": Words("{type}，{what} {name}", "{type}, {what} {name}"),
    "lever_too_few": Words(
        "{name} 在{type}只有 {n} 条素材，不到 {least} 条，自己说明不了什么；下面是{type}全部素材的结果。",
        "{name} has {n} creatives in {type}, fewer than {least}: nothing can be told from them alone. Below are all "
        "creatives of {type}.",
    ),
    "lever_one_filter": Words(
        "同时选了几个条件；杠杆只按其中的{what}看，其余不限。",
        "Several filters are set; levers follow {what} alone.",
    ),
    "lever_pooled_answer": Words(
        "只看这些素材分不出；合起来看{type}全部素材：", "These creatives alone cannot tell. All creatives of {type}: "
    ),
    "lever_pooled": Words("全部{type}：", "all {type}: "),
    "lever_show_unclear": Words("显示另外 {n} 个分不出的取值", "show {n} more values that cannot be told"),
    "lever_hide_unclear": Words("收起分不出的取值", "hide values that cannot be told"),
    "lever_best_three": Words("预测最高的三条", "three best by prediction"),
    "lever_worst_three": Words("预测最低的三条", "three worst by prediction"),
    "lever_none_running": Words("没有投放过的素材。", "No launched creative."),
    "lever_pair": Words(
        "最强的搭配：与{tag}“{value}”一起 {times}（{low}–{high}，{n} 条）{sure}",
        "Strongest pair: with {tag} “{value}” {times} ({low}–{high}, {n} creatives){sure}",
    ),
    "lever_pair_clear": Words(
        "，在两者各自的效果之外，明显超出运气。", ", beyond what both do alone, more than chance."
    ),
    "lever_pair_unclear": Words(
        "；看过 {examined} 对，还不能排除是运气，只当作待测的假设。",
        "; among {examined} pairs this may be chance: a hypothesis to test.",
    ),
    "lever_no_pair": Words("没有足够的素材比较搭配。", "Too few creatives to compare pairs."),
    "lever_swarm": Words(
        "{tag}让每条素材的{main} 变成几倍（SHAP；一点一条素材，一行一个取值）",
        "What {tag} multiplies {main} of each creative by (SHAP; a dot a creative, a row a value)",
    ),
    "lever_curve": Words(
        "{tag}与{main}：线和带是分段估计与 {level} 区间，点是单条素材的 SHAP",
        "{tag} and {main}: line and band are estimates by bin with {level} intervals, dots are SHAP values",
    ),
    "lever_step": Words(
        "{step} {change}，{level} 区间 {low} 到 {high}，{grade}",
        "{step} {change}, {level} interval {low} to {high}, {grade}",
    ),
}
"""Texts that the script of the levers writes, by name."""


def main_label(found: Levers) -> Words:
    """Label of the target of the bottom line."""
    return TARGETS[found.main].label


def tab(tag: str) -> Words:
    """Name of a lever's tab."""
    return TABS.get(tag) or group(tag)


def grade_words(found: Levers, cell: LeverCell, stages: dict[str, float]) -> Words:
    """Grade of a cell, and its number of creatives."""
    words = GRADES[graded(found, cell, stages)]
    return Words(f"{words.zh}，{cell.creatives:,} 条", f"{words.en}, {cell.creatives:,} creatives")


def change(log: float) -> Words:
    """A factor against the mean creative: 高 18%, or 是平均的 2.4 倍."""
    factor = exp(log)
    if factor >= 2.0:
        return Words(f"是平均的 {factor:.1f} 倍", f"{factor:.1f} times the mean")
    percent = f"{abs(factor - 1.0):.0%}"
    return Words(f"高 {percent}", f"{percent} higher") if factor >= 1 else Words(f"低 {percent}", f"{percent} lower")


def title(found: Levers, one: LeverSlice) -> Words:
    """The finding of a slice."""
    kind, main = one.finding.kind, main_label(found)
    if one.finding.lever is None:
        alone = Words("只看这些素材，", "from these creatives alone") if one.by else Words("", "")
        return Words(
            f"{alone.zh}{main.zh} 上还没有哪个取值能和平均素材分得开",
            f"No value can be told from the mean creative in {main.en} {alone.en or 'yet'}",
        )
    lever = found.levers[one.finding.lever]
    cell = next(cell for cell in one.cells if cell.lever == one.finding.lever)
    signs = found.targets[found.main]
    log, tag = effect_on(found, cell, signs)[0], tab(lever.tag)
    by = change(log)
    up, down = BETTER.get(one.finding.up), WORSE.get(one.finding.down)
    if kind == "reversal" and up and down:
        return Words(
            f"{tag.zh}“{lever.name}”{up.zh}，但{down.zh}，{main.zh} 反而{by.zh}",
            f"{tag.en} “{lever.name}” {up.en} but {down.en}: {main.en} is {by.en}",
        )
    why = up if kind == "best" else down
    sure = grade_words(found, cell, signs)
    return Words(
        f"{tag.zh}“{lever.name}”{f'{why.zh}，' if why else ''}{main.zh} {by.zh}（{sure.zh}）",
        f"{tag.en} “{lever.name}”{f' {why.en}:' if why else ':'} {main.en} {by.en} ({sure.en})",
    )


def answer(found: Levers, one: LeverSlice, place: int) -> Words:
    """The answer of a slice to one question: first at the stages that it asks about, then at the bottom line."""
    question, told = found.questions[place], one.answers[place]
    cells = {cell.lever: cell for cell in one.cells}
    main, signs = main_label(found), found.targets[found.main]
    zh, en = [], []
    if question.missing:
        needed = columns(question.missing)
        zh.append(f"要回答这个问题，请在导出或标签表中加上：{needed.zh}")
        en.append(f"to answer this, add: {needed.en}")
    if question.unanswered:
        return _sentence(zh, en)
    if question.stages:
        step = [STEPS[name] for name in question.stages]
        named = Words(" × ".join(s.zh for s in step), " × ".join(s.en for s in step))
        if told.first is not None:
            best = _effect(found, cells[told.first], dict.fromkeys(question.stages, 1.0))
            zh.append(f"{named.zh}最好：{best.zh}")
            en.append(f"best in {named.en}: {best.en}")
        else:
            zh.append(f"{named.zh}上分不出高低")
            en.append(f"cannot be told apart in {named.en}")
    for lever, words in ((told.best, Words("最好", "best")), (told.worst, Words("最差", "worst"))):
        if lever is not None:
            end = _effect(found, cells[lever], signs)
            zh.append(f"{main.zh} {words.zh}：{end.zh}")
            en.append(f"{words.en} in {main.en}: {end.en}")
    if told.best is None and told.worst is None:
        zh.append(f"{main.zh} 上分不出高低")
        en.append(f"cannot be told apart in {main.en}")
    return _sentence(zh, en)


def _sentence(zh: list[str], en: list[str]) -> Words:
    text = "; ".join(en)
    return Words("；".join(zh) + "。", text[0].upper() + text[1:] + ".")


def _effect(found: Levers, cell: LeverCell, signs: dict[str, float]) -> Words:
    log, sure = effect_on(found, cell, signs)[0], grade_words(found, cell, signs)
    value = found.levers[cell.lever].name
    return Words(f"{value} ×{exp(log):.2f}（{sure.zh}）", f"{value} ×{exp(log):.2f} ({sure.en})")


def told_anything(one: LeverSlice, place: int) -> bool:
    """Whether a slice itself answers a question."""
    told = one.answers[place]
    return any(lever is not None for lever in (told.first, told.best, told.worst))


def phrases(found: list[PhraseEffect], level_z: float) -> Words:
    """Phrases of the copy whose click rate differs from what the model predicts."""
    clear = [one for one in found if abs(one.log) > level_z * one.sd]
    if not clear:
        return Words(
            "逐句看：扣除商品、卖点、开头等因素后，没有哪一句文案能分出高低。",
            "By phrase: beside product, selling point and hook, no phrase can be told from another.",
        )
    parts = [
        (
            one.text,
            f"×{exp(one.log):.2f}",
            f"{exp(one.log - level_z * one.sd):.2f}–{exp(one.log + level_z * one.sd):.2f}",
            one.creatives,
        )
        for one in clear[:4]
    ]
    zh = "；".join(f"“{text}”点击 {by}（{inside}，{count:,} 条）" for text, by, inside, count in parts)
    en = "; ".join(f"“{text}” clicks {by} ({inside}, {count:,} creatives)" for text, by, inside, count in parts)
    return Words(f"逐句看（扣除其它因素后）：{zh}。", f"By phrase, beside all else: {en}.")


def scope(one: LeverSlice) -> Words:
    """Which creatives a whole promotion type is."""
    named = promotion_type(one.promotion_type)
    return Words(f"{named.zh}（{one.creatives:,} 条素材）", f"{named.en} ({one.creatives:,} creatives)")

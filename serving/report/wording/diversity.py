"""Diversity of the creatives: hits from N more, combinations of tags, and creatives that are the same idea."""

from features.bilingual import Words
from serving.report.diversity import Diversity, DiversitySlice
from serving.report.hit_chances import CERTAINTIES, HitChances
from serving.report.wording.common import tag

TITLE = Words("丰富度", "Diversity")
"""Heading, and entry of the menu."""
MEASURES = {
    "net_gmv": Words("净成交金额", "net GMV"),
    "gmv": Words("成交金额", "GMV"),
    "volume": Words("展示", "impressions"),
}
"""What hits are ranked by."""
TEXTS = {
    "one_hit": Words("再拍几条能出一条爆款？", "How many more for a hit?"),
    "shot_before": Words("拍过哪些组合", "What was shot"),
    "same_ideas": Words("同一个点子（同质化）", "The same idea"),
    "how_coverage": Words(
        "格子里是条数。▲ ▼ = 杠杆榜里确定或可能更好、更差的取值；★ = 没拍过，且两边都是 ▲ 的组合。",
        "Cells are creatives. ▲ ▼: values that the levers call certainly or likely better or worse; ★: never shot, "
        "with ▲ on both sides.",
    ),
    "how_ideas": Words(
        "同账户、同推广方式、同商品，且开头、场景、人物、脚本都相同，或文案几乎相同且这些标签至少一半相同，算一个点子。"
        "平台会判同质化；同一个点子也只给一次出爆款的机会。",
        "Same account, promotion type and product, and the same hook, scene, face and script, or nearly the same copy "
        "with half of these tags. The platform throttles such creatives, and one idea is one chance of a hit.",
    ),
    "of_all": Words("全部账户", "all accounts"),
    "certainty": Words("至少一条爆款的把握", "chance of at least one"),
    "alike": Words("全是同一方向", "all of one direction"),
    "as_now": Words("像现在这样", "as alike as now"),
    "apart": Words("互不相似", "none like another"),
    "no_hits": Words("爆款概率尚未校准，不给数字。", "Chances of a hit are not calibrated, so no figure is given."),
    "no_ideas": Words("没有两条是同一个点子。", "No two are the same idea."),
}
"""Headings and paragraphs, by name."""
SENTENCES = {
    "if_you_shoot": Words("计划拍", "If you shoot"),
    "creatives": Words("条", "creatives"),
    "then": Words(
        "至少出一条爆款的把握：像现在这样 {now}，全是同一方向 {alike}，互不相似 {apart}。",
        "chance of at least one hit: {now} as alike as now, {alike} all of one direction, {apart} none like another.",
    ),
    "rows": Words("行", "rows"),
    "columns": Words("列", "columns"),
    "covered": Words(
        "{rows} × {columns}：{possible} 种组合里拍过 {shot} 种。",
        "{rows} × {columns}: {shot} of {possible} combinations were shot.",
    ),
    "gaps": Words("没拍过、两边都被看好，值得试：", "Never shot, well rated on both sides, worth a test:"),
    "no_gaps": Words("两边都被看好的组合都拍过了。", "All combinations that are well rated on both sides were shot."),
    "none_rated": Words(
        "没有两边都被看好（▲）的取值，所以不推荐组合。",
        "No values are well rated (▲) on both sides, so no combination is recommended.",
    ),
    "never": Words("没拍：{names}", "never: {names}"),
    "repeat": Words(
        "在投的 {running} 条里有 {same} 条（{share}）和另一条在投的是同一个点子；最大的一组 {largest} 条。",
        "{same} of the {running} running creatives ({share}) are the same idea as another running one; the largest "
        "group has {largest}.",
    ),
    "no_repeat": Words("在投的 {running} 条各是各的点子。", "The {running} running creatives are all different ideas."),
    "group": Words(
        "{n} 条：在投 {running}，待投 {waiting}，已停 {stopped}",
        "{n}: {running} running, {waiting} waiting, {stopped} stopped",
    ),
    "near": Words("文案 {share} 相同", "copy {share} the same"),
    "more_groups": Words("再列 {n} 组", "{n} more groups"),
    "only_account": Words("这一段按账户算，不随商品和达人筛选。", "This part is by account, not by product or KOC."),
}
"""Sentences with figures, for the script."""


def what_is_a_hit(one: Diversity) -> Words:
    """What counts as a hit."""
    measure = MEASURES[one.hit_measure]
    return Words(
        f"爆款 = {one.days} 天的{measure.zh}够得上同推广方式的前 {one.hit_share:.0%}；这条线从各个投放天数的"
        f"素材里划出，所以新素材的首 {one.days} 天过线的可以不止 {one.hit_share:.0%}。",
        f"A hit: {measure.en} of {one.days} days as in the top {one.hit_share:.0%} of its promotion type. That line is "
        f"drawn among creatives of every age, so more than {one.hit_share:.0%} of first {one.days} days may pass it.",
    )


def hit_finding(hits: HitChances, certainty: int) -> Words:
    """Creatives needed for one hit with CERTAINTIES[1], and what the chance of one creative is from."""
    alike, now, apart = (str(count) if count else "500+" for count in hits.needed[certainty])
    source = Words(
        f"单条 {hits.one:.1%}，按待投 {hits.waiting} 条的预测；过去 {hits.mature:,} 条里出过 {hits.hits} 条",
        f"one is a hit with {hits.one:.1%}, as predicted of the {hits.waiting} that wait; {hits.hits} of the past "
        f"{hits.mature:,} were hits",
    )
    if not hits.waiting:
        source = Words(
            f"单条 {hits.one:.1%}，按过去 {hits.mature:,} 条里的 {hits.hits} 条爆款，条数少时靠近全部账户",
            f"one is a hit with {hits.one:.1%}, from {hits.hits} hits in the past {hits.mature:,}; where these are "
            "few, near the share of all accounts",
        )
    return Words(
        f"再拍 {now} 条，有 {CERTAINTIES[certainty]:.0%} 把握至少出一条爆款；互不相似要 {apart} 条，"
        f"全是同一方向要 {alike} 条（{source.zh}）。",
        f"{now} more give a hit with {CERTAINTIES[certainty]:.0%}; {apart} if none is like another, {alike} if all are "
        f"of one direction ({source.en}).",
    )


def direction_finding(one: DiversitySlice, section: Diversity) -> Words:
    """How many directions are used, and how much the recent creatives repeat."""
    names = [tag(name) for name in section.tags]
    shown_zh, shown_en = " × ".join(name.zh for name in names), " × ".join(name.en for name in names)
    shared = "–" if one.shared_tags is None else f"{one.shared_tags:.0%}"
    return Words(
        f"{one.creatives:,} 条用过 {one.directions:,} 个方向（{shown_zh}，可能的有 {section.possible:,} 个），相当于 "
        f"{one.effective:,.0f} 个均匀使用的方向。近 28 天的 {one.recent:,} 条里 {one.repeat_share:.0%} 重复了老方向，"
        f"任取两条有 {shared} 的标签相同。",
        f"{one.creatives:,} creatives in {one.directions:,} directions ({shown_en}; {section.possible:,} possible), as "
        f"diverse as {one.effective:,.0f} equally used ones. Of the {one.recent:,} of the last 28 days "
        f"{one.repeat_share:.0%} repeat an older direction; two of them share {shared} of the tags.",
    )

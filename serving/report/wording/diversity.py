"""Diversity of the creatives."""

from features.bilingual import Words
from serving.report.diversity import Diversity
from serving.report.wording.common import tag

TITLE = Words("丰富度", "Diversity")
"""Heading, and entry of the menu."""
TEXTS = {
    "shot_before": Words("拍过哪些组合(创意条数)", "What was shot (creatives)"),
    "one_hit": Words("至少出一条爆款的概率", "Chance of at least one hit"),
}
"""Headings and paragraphs, by name."""


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

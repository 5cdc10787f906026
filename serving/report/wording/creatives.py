"""The table of creatives, and their cards."""

from collections.abc import Sequence

from features.bilingual import Words
from features.funnel import TARGETS
from serving.report.cards import Card
from training.decision.rules import VERDICT_LABELS

TITLE = Words("素材", "Creatives")
"""Heading, and entry of the menu."""
TEXTS = {
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
    "creatives": Words("每条创意:怎么办,凭什么", "The creatives: what to do, and why"),
}
"""Headings and paragraphs, by name."""
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
"""Texts that the script writes, by name."""


def verdict_counts(cards: Sequence[Card]) -> Words:
    """Number of creatives with each verdict."""
    sizes = {name: sum(card.verdict == name for card in cards) for name in VERDICT_LABELS}
    counts = [(VERDICT_LABELS[name], size) for name, size in sizes.items() if size]
    return Words(
        "、".join(f"{words.zh} {size:,}" for words, size in counts),
        ", ".join(f"{words.en} {size:,}" for words, size in counts),
    )

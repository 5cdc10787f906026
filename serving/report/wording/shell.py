"""Title, menu, notes on every page, footer."""

from features.bilingual import Words

TEXTS = {
    "association": Words(
        "关联，不是因果：模型对历史数据的归因，不等于改动后一定带来的效果。",
        "Association, not cause: what the model learned from past data is not the effect of a change.",
    ),
    "title": Words("投放策略报告", "Strategist's report"),
    "not_concluded": Words(
        "不要由此下的结论：单条素材的好坏（一周结果多半是运气）；没有数据的地方的曲线；倍数可以一直相乘；关联就是因果。"
        "预测和归因来自服务所用的同一个模型、同一套算法。",
        "Do not conclude: that one creative is good or bad (one week is mostly chance); curves where there are "
        "no data; that factors multiply for ever; that association is cause. Predictions and contributions come "
        "from the model and the functions of the service.",
    ),
}
"""Headings and paragraphs, by name."""
SCRIPT_TEXTS = {
    "last_days": Words("近 {days} 天", "last {days} days"),
    "filter_days": Words("时间", "period"),
    "filter_account_id": Words("账户", "account"),
    "filter_promotion_type": Words("推广方式", "promotion type"),
    "filter_product_id": Words("商品", "product"),
    "filter_creator_id": Words("达人", "KOC"),
    "all_account_id": Words("全部账户", "all accounts"),
    "all_promotion_type": Words("全部推广方式", "all promotion types"),
    "all_product_id": Words("全部商品", "all products"),
    "all_creator_id": Words("全部达人", "all KOCs"),
}
"""Texts that the script writes, by name."""


def other_champion(own: str, taken: str) -> Words:
    """These data have no champion: whose model the report is by."""
    return Words(
        f"这份数据还没有冠军模型（{own}），报告用的是 {taken}；用 NAME=… 指定别的模型。",
        f"{own} has no champion, so the report is by {taken}; NAME=… chooses another.",
    )


def written(creatives: int, model: str) -> Words:
    """What was written."""
    return Words(f"{creatives:,} 条素材，模型 {model}", f"{creatives:,} creatives, by {model}")


def ledger_unread(reason: str) -> Words:
    """The default ledger is there and cannot be read."""
    return Words(f"战绩没有用服务的记录：{reason}", f"The track record does without the service's ledger: {reason}")

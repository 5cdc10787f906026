"""The table of creatives, and their cards: sentences of the section; what the cards say is in `wording.cards`."""

from features.bilingual import Words

TITLE = Words("素材", "Creatives")
"""Heading, and entry of the menu."""
TEXTS = {
    "how_table": Words(
        "一行一条素材，点名称看卡片：在哪一步漏、凭什么这样判断、为什么不起量、和谁是同一个点子。“多半 a–b，平均 m”："
        "单条素材未来 {days} 天的结果有 {level} 的可能落在 a–b，平均值是 m；少数爆款会把平均值拉到区间之外。"
        "按预测列排序用的是典型值（单条素材多半的结果，下载里有），比按平均值排得准。",
        "One row a creative; its name opens its card: where it leaks, why it is judged so, why it does not spend, and "
        "what else shows the same idea. “likely a–b, mean m”: the next {days} days of a single creative end between a "
        "and b with {level} certainty, and m is the mean, which rare hits can lift out of that interval. Sorting by a "
        "prediction goes by its typical value (what one creative will most likely show; in the download), which ranks "
        "better than the mean.",
    ),
    "without_script": Words(
        "没有脚本时只列出每种状态的前 {most} 条；排序、搜索、下载和卡片需要浏览器允许脚本。",
        "Without scripts the first {most} of each status stand here; sorting, search, download and cards need them.",
    ),
}
"""Headings and paragraphs, by name."""
COLUMN_LABELS = {
    "name": Words("素材", "creative"),
    "verdict": Words("决策", "decision"),
    "stake": Words("对目标盈亏（元）", "against target (CNY)"),
    "decide": Words("离结论还差（元）", "until decided (CNY)"),
    "test": Words("测试预算（元）", "test budget (CNY)"),
    "chance": Words("达标概率", "chance of target"),
    "rate": Words("给够流量达标的把握", "sure of target with traffic"),
    "hit": Words("爆款概率", "chance of a hit"),
    "asked": Words("目标ROI", "ROI target"),
    "actual": Words("实际{n}", "actual {n}"),
    "impressions": Words("展示", "impressions"),
    "clicks": Words("点击", "clicks"),
    "orders": Words("成交单数", "orders"),
    "spend_cny": Words("消耗（元）", "spend (CNY)"),
    "gmv_cny": Words("成交额（元）", "GMV (CNY)"),
    "spark": Words("每日消耗", "daily spend"),
    "spark_volume": Words("每日展示", "daily impressions"),
    "phase": Words("阶段", "phase"),
    "days": Words("投放天数", "days live"),
    "first_day": Words("首投日期", "first day"),
    "leak": Words("漏在", "leaks at"),
    "idea": Words("同一个点子", "same idea"),
    "account": Words("账户", "account"),
    "kind": Words("推广方式", "promotion"),
    "product": Words("商品", "product"),
    "creator": Words("达人", "KOC"),
    "typical": Words("{n}，典型值", "{n}, typical"),
    "low": Words("{n}，下限", "{n}, low"),
    "high": Words("{n}，上限", "{n}, high"),
    "mean": Words("{n}，平均", "{n}, mean"),
    "id": Words("素材ID", "creative id"),
    "product_id": Words("商品ID", "product id"),
    "creator_id": Words("达人ID", "KOC id"),
    "status": Words("状态", "status"),
    "reason": Words("理由", "reason"),
}
"""Column of the table or of its download → header."""
SCRIPT_TEXTS = {
    **{f"column_{name}": words for name, words in COLUMN_LABELS.items()},
    "likely": Words("多半 {low}–{high}", "likely {low}–{high}"),
    "likely_none": Words("多半无成交", "most likely no order"),
    "likely_no_volume": Words("多半为 0", "most likely 0"),
    "no_interval": Words("无区间", "no interval"),
    "mean": Words("平均 {n}", "mean {n}"),
    "search": Words("搜索：名称、ID、标签、达人、商品，可用空格隔开多个词", "Search: names, ids, tags; several words"),
    "all_verdicts": Words("全部决策", "all decisions"),
    "watch_first": Words("观察·先看", "look first"),
    "watch_soon": Words("观察·快有结论", "decided soon"),
    "watch_rest": Words("观察·放着", "let run"),
    "decide_days": Words("约 {n} 天", "about {n} d"),
    "decide_late": Words("{n} 天花不到", "not within {n} d"),
    "decide_now": Words("够了", "enough"),
    "choose_columns": Words("选择列", "Columns"),
    "usual_columns": Words("恢复默认", "Reset"),
    "download_csv": Words("下载 CSV", "Download CSV"),
    "download_xlsx": Words("下载 XLSX", "Download XLSX"),
    "previous": Words("上一页", "previous page"),
    "next": Words("下一页", "next page"),
    "page": Words("第 {page} / {pages} 页，共 {n} 条", "page {page} of {pages}, {n} creatives"),
    "nothing": Words("没有符合条件的素材。", "No creative matches."),
    "file_name": Words("素材_{status}", "creatives_{status}"),
    "same_idea_line": Words("同一个点子 {n} 条", "{n} with the same idea"),
    "first_of_idea": Words("首条", "first"),
    "day": Words("{n} 天", "{n} d"),
    "phase_new": Words("刚投放", "new"),
    "phase_rising": Words("起量", "rising"),
    "phase_steady": Words("跑量", "running"),
    "phase_fading": Words("衰退", "fading"),
    "phase_stopped": Words("已停", "stopped"),
    "phase_waiting": Words("待投", "not launched"),
    "target_line": Words("目标 {n}", "target {n}"),
    "cards_printed": Words("最要紧的 {n} 张素材卡片", "Cards of the {n} creatives that matter most"),
}
"""Texts that the script writes into the table, by name."""

"""What the card of a creative says."""

from features.attributes import ATTRIBUTE_OF
from features.bilingual import Words
from serving.report.cards.life import FADING_SHARE, LEAST_DAYS, RISING_DAYS, RISING_TIMES, SPAN_DAYS
from serving.report.cards.low_volume import CLEAR_FACTOR, DEAR, LOW
from serving.report.cards.steps import LEAST_EVENTS
from serving.report.contribution_groups import group_label
from training.decision.similar import IDEA_TAGS, NEAR_DUPLICATE

TEXTS: dict[str, Words] = {}
STEP_LABELS = {
    "hold": Words("3秒完播率", "3-s plays"),
    "engage": Words("互动率", "interactions"),
    "click": Words("点击率", "clicks"),
    "order": Words("转化率", "conversion"),
    "order_per_impression": Words("每次展示成交率", "orders per impression"),
    "value": Words("客单价（元）", "order value (CNY)"),
    "earn": Words("每次点击成交额（元）", "GMV per click (CNY)"),
    "return": Words("支付ROI", "ROI"),
    "net_return": Words("净成交ROI", "net ROI"),
    "keep": Words("退款率", "refunds"),
    "cost": Words("千展成本（元）", "cost per 1,000 (CNY)"),
}
"""Stage → what the trade calls it; of `keep` the complement is shown."""
CARD_TEXTS = {
    "close": Words("关闭", "close"),
    "before_launch": Words("投放前的预测 {n}", "before launch {n}"),
    "if_again": Words("若再投，预测{n}", "{n}, if it ran again"),
    "fall_title_again": Words("若再投，为什么预测 {target} 是 {n}？", "If it ran again, why would {target} be {n}?"),
    "counted": Words("已经跑出", "so far"),
    "counts": Words(
        "展示 {impressions}，点击 {clicks}，成交 {orders} 单，消耗 {spend} 元，成交额 {gmv} 元",
        "{impressions} impressions, {clicks} clicks, {orders} orders, {spend} CNY spent, {gmv} CNY of GMV",
    ),
    "not_counted": Words("还没有投放数据。", "No delivery yet."),
    "stake_gain": Words("未来 {days} 天按预测比目标多得约 {n} 元", "about {n} CNY above target in {days} days"),
    "stake_loss": Words("未来 {days} 天按预测比目标少得约 {n} 元", "about {n} CNY below target in {days} days"),
    "test_line": Words("测试预算约 {n} 元", "test budget about {n} CNY"),
    "steps_title": Words("在哪一步漏？", "Where does it leak?"),
    "step": Words("环节", "step"),
    "own": Words("这条素材", "this creative"),
    "account_mean": Words("账户均值", "account"),
    "place": Words("好过账户里", "better than"),
    "predicted": Words("预测 {n}", "predicted {n}"),
    "leak_line": Words(
        "漏在{step}：{own}，账户均值 {mean}，{times}；同账户同推广方式里只好过 {place} 的素材。",
        "It leaks at {step}: {own} against {mean} of the account, {times}; only {place} of the account's creatives "
        "of its promotion type are worse.",
    ),
    "no_leak": Words("没有一步明显差于账户均值（在抽样误差之外）。", "No step is clearly worse than the account."),
    "leak_unknown": Words("数据还太少，看不出在哪一步漏。", "There are too few data to tell where it leaks."),
    "leak_waiting": Words(
        "还没有投放，下面是预测，位置按预测排。",
        "Not launched yet: predictions, placed among the account's predictions.",
    ),
    "how_steps": Words(
        f"账户均值：同账户同推广方式的素材合计。位置：好过其中百分之多少；绿 = 好。千展成本和退款率已反过来排，低的好。"
        f"事件不足 {LEAST_EVENTS:.0f} 次的环节按预测排，斜体；已停的不排。粗体 = 与账户均值的差别超出抽样误差。",
        f"Account: all its creatives of the promotion type together. The place: how many of them are worse; green is "
        f"good. Cost and refunds are reversed. Steps with fewer than {LEAST_EVENTS:.0f} events are placed by their "
        f"prediction, in italics; not if stopped. Bold: differs from the account beyond sampling error.",
    ),
    "life_title": Words("生命周期", "Life"),
    "life_days": Words("投放 {days} 天（自 {since}）", "{days} days live (since {since})"),
    "life_peak": Words("最好的三天日均 {n}", "best three days {n} a day"),
    "life_recent": Words("最近三天日均 {n}", "last three days {n} a day"),
    "life_none": Words("待投：还没有投放，没有曲线。", "Not launched: no curve yet."),
    "life_come": Words("后续展示（未来 {days} 天）", "Impressions to come (next {days} days)"),
    "life_come_spend": Words("后续消耗（未来 {days} 天，元）", "Spend to come (next {days} days, CNY)"),
    "how_life": Words(
        f"规则：最近 {SPAN_DAYS} 天日均 ≥ 前 {SPAN_DAYS} 天的 {RISING_TIMES:g} 倍且投放不超过 {RISING_DAYS} 天 = 起量；"
        f"低于最好 {SPAN_DAYS} 天日均的 {FADING_SHARE:.0%} = 衰退；其余 = 跑量；不足 {LEAST_DAYS} 天 = 刚投放。",
        f"Rule: last {SPAN_DAYS} days ≥ {RISING_TIMES:g} times those before, within {RISING_DAYS} days = rising; below "
        f"{FADING_SHARE:.0%} of the best {SPAN_DAYS} days = fading; else running; under {LEAST_DAYS} days = new.",
    ),
    "daily_spend": Words("每日消耗（元）", "daily spend (CNY)"),
    "daily_volume": Words("每日展示", "daily impressions"),
    "fall_title": Words("为什么预测 {target} 是 {n}？", "Why is {target} predicted to be {n}?"),
    "how_fall": Words(
        "从账户实际均值出发，一个因素一个因素地乘到预测；倍数是相对账户平均流量的。“SHAP”：其中由模型的树（成交额头、"
        "退款头、成本头的 SHAP 值）给出的部分。关联，不是因果。",
        "From what the account really made, factor by factor, to the prediction; factors are relative to the account's "
        "usual traffic. “SHAP”: the part given by SHAP values of the model's heads (GMV, refunds, cost). Association, "
        "not cause.",
    ),
    "fall_start": Words("账户实际均值", "account, actual"),
    "fall_model_start": Words("账户平均素材的预测", "account's mean creative, predicted"),
    "fall_level": Words("按今天的行情重新估计账户", "account at today's level"),
    "fall_own": Words("自身数据", "own evidence"),
    "fall_others": Words("其余因素合计", "all other factors"),
    "fall_end": Words("预测", "prediction"),
    "part": Words("因素", "factor"),
    "times": Words("倍数", "times"),
    "reached": Words("累计", "running"),
    "shap_part": Words("其中 SHAP {n}", "of it SHAP {n}"),
    "volume_title": Words("为什么不起量？", "Why does it not spend?"),
    "volume_low": Words(
        "预测后续{what} {n}，同账户同推广方式同状态的素材中位数是 {usual}。",
        "{n} {what} predicted to come; the median of the account's creatives of its kind and status is {usual}.",
    ),
    "volume_impressions": Words("展示", "impressions"),
    "volume_spend": Words("消耗（元）", "CNY of spend"),
    "volume_fine": Words(
        "它的预测流量不低于同类的一半，这个问题不成立。",
        "It gets at least half of what others like it get: no such question.",
    ),
    "volume_unknown": Words(
        "数据说不清：没有一个因素明显。预算和出价不在数据里；报表带上平台的投放状态时，这里会写出来。",
        "The data cannot tell: nothing stands out. Budget and bids are not in the data; the platform's status would "
        "stand here.",
    ),
    "volume_rest": Words(
        "预算和出价不在数据里，以上是数据看得到的部分。",
        "Budget and bids are not in the data; this is what the data can see.",
    ),
    "cause_group": Words(
        "{group}{value}：模型认为流量是账户平均的 {n}",
        "{group}{value}: {n} of the account's usual traffic, says the model",
    ),
    "cause_roi_target": Words(
        "目标ROI 定在 {value}，账户中位数 {usual}：模型认为流量是账户平均的 {n}",
        "ROI target {value} (median of the account {usual}): {n} of the account's usual traffic, says the model",
    ),
    "cause_cost": Words(
        "流量贵：预测千展成本是账户均值的 {n}", "Dear traffic: predicted cost per 1,000 is {n} the account's"
    ),
    "cause_fading": Words(
        "已经衰退：最近三天是最好三天的 {n}", "Fading: the last three days are {n} of its best three"
    ),
    "cause_label": Words("平台的素材评估：{name}", "The platform's label: {name}"),
    "cause_status": Words("平台写的投放状态：{name}", "The platform's status: {name}"),
    "cause_idea": Words("与更早的“{name}”是同一个点子，流量可能分给了它", "The older “{name}” shows the same idea"),
    "how_volume": Words(
        f"只对预测低于同类中位数 {LOW:.0%} 的素材回答；因素要把流量压到 {CLEAR_FACTOR:g} 倍以下、千展成本要贵到 "
        f"{DEAR:g} 倍以上才列出。",
        f"Answered below {LOW:.0%} of the median of its kind; listed are factors of {CLEAR_FACTOR:g} or less, and "
        f"traffic at {DEAR:g} times the cost or more.",
    ),
    "idea_title": Words("同质化", "Same idea"),
    "idea_group": Words(
        "这个点子在同账户同商品里有 {n} 条，最早的是：",
        "{n} creatives of its account and product show this idea, first:",
    ),
    "idea_shared": Words("共同的标签：{names}", "tags in common: {names}"),
    "idea_copy": Words("文案相同度 {n}", "copies {n} alike"),
    "idea_near": Words(
        "文案几乎相同（{n}），但画面标签不同，不算同一个点子：",
        "Nearly the same copy ({n}), but other tags, so not the same idea:",
    ),
    "idea_alone": Words(
        "同账户同商品里没有同一个点子的素材。", "No other creative of its account and product shows this idea."
    ),
    "how_ideas": Words(
        "同一个点子：同账户、同推广方式、同商品，且"
        + "、".join(group_label(name).zh for name in IDEA_TAGS)
        + f"全部相同；或者文案相同度 ≥ {NEAR_DUPLICATE:.0%} 且这些标签至少一半相同。"
        "文案相同度：两段文案相邻两字组合的交集 ÷ 并集。",
        "Same idea: same account, promotion type and product, and the same "
        + ", ".join(group_label(name).en for name in IDEA_TAGS)
        + f"; or copies at least {NEAR_DUPLICATE:.0%} alike with half of these tags. Likeness of copies: pairs of "
        "neighbouring characters in both, over those in either.",
    ),
    "near_title": Words("最相近的过往素材，后来怎样", "Nearest past creatives, and what they did"),
    "no_past": Words("没有结果已知的过往素材。", "No past creative has a known outcome."),
    "similarity": Words("相似", "alike"),
    "first_window": Words("首个 {days} 天的实际结果", "actual outcome of the first {days} days"),
    "copy": ATTRIBUTE_OF["copy_text"].label,
    "later": Words("后续展示", "impressions to come"),
    "better": Words("高 {n}", "{n} higher"),
    "worse": Words("低 {n}", "{n} lower"),
}
"""Texts that the script writes into cards, by name; `card_…` in the script."""
SCRIPT_TEXTS = {f"card_{name}": words for name, words in CARD_TEXTS.items()}

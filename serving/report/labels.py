"""What the strategist's report calls things, and what it says whatever the numbers are: Chinese first, then English."""

from features.bilingual import Words

COLUMNS = {
    "hold": Words("视频播放数 与 3秒播放率(plays、plays_3s)", "plays and 3-s plays (视频播放数, 3秒播放率)"),
    "click": Words("整体点击次数(clicks)", "clicks (整体点击次数)"),
    "order": Words("整体成交订单数(orders)", "orders (整体成交订单数)"),
    "value": Words("整体成交订单数 与 整体成交金额(orders、gmv_cny)", "orders and gmv (整体成交订单数, 整体成交金额)"),
    "hook": Words("标签表的“开头类型”", "开头类型 (hook) in the tag sheet"),
    "style": Words("标签表的“风格”", "风格 (style) in the tag sheet"),
    "scene": Words("标签表的“场景”", "场景 (scene) in the tag sheet"),
    "face": Words("标签表的“人物”", "人物 (face) in the tag sheet"),
    "script": Words("标签表的“脚本结构”", "脚本结构 (script) in the tag sheet"),
    "audience": Words("标签表的“人群”", "人群 (audience) in the tag sheet"),
    "selling_point": Words("标签表的“卖点”", "卖点 (selling point) in the tag sheet"),
    "copy_text": Words("标签表的“文案”", "文案 (copy text) in the tag sheet"),
    "creator_id": Words("标签表的“达人ID”", "达人ID (KOC) in the tag sheet"),
    "product_id": Words("标签表的“商品ID”", "商品ID (product) in the tag sheet"),
    "price_cny": Words("标签表的“价格”", "价格 (price) in the tag sheet"),
    "repeat_orders": Words("老客订单数 / 复购订单数", "repeat orders (老客订单数)"),
}
TITLES = {
    "opening": Words("哪种开头最能留住观众?(3秒留存)", "Which opening holds viewers best? (3-s plays)"),
    "style": Words("哪种形式成交最好?(点击→成交)", "Which style converts best? (orders per click)"),
    "copy": Words("哪种文案最有人点?(展现→点击)", "Which copy is clicked most? (clicks per impression)"),
    "scene": Words("哪个场景卖得最多?(成交 × 客单)", "Which scene sells most? (order × value)"),
    "audience": Words("哪类人群会再买?", "Which audience buys again?"),
}
STATUS = {
    "PASS": Words("可信 PASS", "PASS"),
    "REVIEW": Words("可参考,需复核 REVIEW", "REVIEW"),
    "FAIL": Words("有的项不合格 FAIL", "FAIL"),
}
ADVICE = {
    "PASS": Words(
        "留出期的各项检查都在规定范围内:可以按本报告排优先级,金额仍请连同区间一起看。",
        "Every check of the holdout lies within its thresholds: act on the order of things, read figures with bands.",
    ),
    "REVIEW": Words(
        "排序可以参考;有的项运气足以解释偏差,或数据太少。先小预算验证,再放量。",
        "Use the order of things; some checks stand on too few rows. Test with small budgets before you scale.",
    ),
    "FAIL": Words(
        "只用来比高低,不要直接用绝对数字定出价和预算;先看下面哪一项不合格,用更新、更全的数据重训(make train)。",
        "Compare with it, set no bid or budget by its plain figures; see which check fails below, and train again on "
        "newer, fuller exports (make train).",
    ),
}
CHECKS = {
    "baselines": Words("比简单规则更准", "better than simple rules"),
    "deciles": Words("每一档不偏高不偏低", "every tenth is right"),
    "coverage": Words("区间盖得住结果", "intervals hold outcomes"),
    "group_coverage": Words("各年龄、量级也盖得住", "also by age and volume"),
    "probabilities": Words("说的概率会兑现", "chances come true"),
}
UNJUDGED = Words(
    "手头没有这一版模型的评估文件,因此只能给“复核”:请在同一数据上运行 make train 后再出报告。",
    "No evaluation of this very model was found, so REVIEW is the best that can be said: run make train on these data.",
)
SAID = {
    "association": Words(
        "关联,不是因果:模型对历史数据的归因,不等于改动后一定带来的效果。",
        "Association, not cause: what the model learned from past data is not what a change is sure to bring.",
    ),
    "first": Words(
        "先看一句话:模型对历史数据的归因,不等于改动后一定带来的效果。平台会把流量给早期赢家,因此下面每个数字都是"
        "关联,要放量先做单变量测试。",
        "First of all: what the model learned from past data is not what a change is sure to bring. The platform "
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
        "curve extrapolates: decide nothing by it.",
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
        "{first:,} in all, {second:,} shown: those not launched, and those that spent most of late. Narrow it "
        "with --account, --product, --since.",
    ),
    "how_cards": Words(
        "点名称打开卡片:从账户基准(标签、价格取全体平均时这个账户的水平)到预测的瀑布图、自身数据改变了多少、投放"
        "前会怎么预测、最相近的过往创意实际如何。净ROI 是未来 {days} 天的预测,区间是单条创意一周结果的 {level} 区"
        "间:单条没有成交很常见。",
        "Open a card by its name: the waterfall from the account's baseline (its level at mean tags and price), "
        "what its own counts changed, what was predicted before launch, and what the nearest past creatives did. "
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
    "belief": Words("这些数字可信吗?", "Is this to be believed?"),
    "five": Words("全域推广的五个问题", "The five questions of whole-domain promotion"),
    "funnel": Words("漏斗归因:什么在哪一步起作用", "Funnel SHAP: what works at which step"),
    "drivers": Words("每一步由什么驱动", "What drives each step"),
    "numbers": Words("价格、时长、目标ROI 怎样影响每一步", "How price, duration and ROI target move each step"),
    "disagree": Words("GPM 与 ROI 看法不同的地方", "Where GPM and ROI disagree"),
    "creatives": Words("每条创意:怎么办,凭什么", "The creatives: what to do, and why"),
    "kocs": Words("达人与商品", "KOC and product"),
    "who_lifts": Words("谁拉动哪一步", "Who lifts which step"),
    "koc_product": Words("达人 × 商品", "KOC × product"),
    "koc_prices": Words("达人带得动的价格带", "Prices that a KOC can carry"),
    "rich": Words("丰富度,以及下一步拍什么", "Richness, and what to shoot next"),
    "shot_before": Words("拍过哪些组合(创意条数)", "What was shot (creatives)"),
    "one_hit": Words("至少出一条爆款的概率", "Chance of at least one hit"),
    "not_concluded": Words(
        "不要由此下的结论:单条创意的好坏(一周结果多半是运气);没有数据处的曲线;因子可以一直叠乘;关联就是因果。预测"
        "与归因来自服务所用的同一模型与同一函数。",
        "Not to be concluded: that one creative is good or bad (a week is mostly luck); curves where there are "
        "no data; that factors multiply for ever; that association is cause. Predictions and contributions come "
        "from the model and the functions that the service answers with.",
    ),
    "at_hand": Words("手上的创意", "The creatives at hand"),
    "shoot_next": Words("下一条先拍", "Shoot next"),
    "baseline": Words("基准(投放前的平均创意)", "baseline (mean creative before launch)"),
    "cost_baseline": Words("千次展现成本基准", "cost of 1 000 impressions"),
    "test": Words("单变量测试:在跑得好的创意上只改一处", "Tests: change one thing on what runs well"),
    "direction": Words("新方向:还没拍过、模型看好的组合", "New directions: not shot yet, and well predicted"),
}
"""Headings and paragraphs of the page."""
SCRIPT = {
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
        "Nearest past creatives, and what their first window brought",
    ),
    "no_past": Words("没有结果已知的过往创意。", "No past creative has a known outcome."),
    "creative": Words("创意", "creative"),
    "alike": Words("相似", "alike"),
    "roi": Words("ROI", "ROI"),
    "gpm": Words("GPM", "GPM"),
    "impressions": Words("展现", "impressions"),
}
"""Words of cards and of the table, which the page's own script puts in place."""


def said(name: str, **given: object) -> Words:
    """A heading or paragraph, with what it names filled in."""
    words = SAID[name]
    return Words(words.zh.format(**given), words.en.format(**given))

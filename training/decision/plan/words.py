"""Every sentence of a plan on the console, in Chinese and in English; those of refusals: `refusals.py`."""

from features.bilingual import Words

TITLE = Words("预算 {budget:,.0f} 元，接下来 {days} 天的计划", "A plan for {budget:,.0f} CNY over the next {days} days")
LAUNCHES = Words("先投哪些（元）", "Launch (CNY)")
RUNNING = Words("在投素材，今天怎么分（元）", "Running: today's money, CNY")
CREATIVE = Words("素材", "creative")
TEST = Words("测试", "test")
DAYS = Words("几天", "days")
ROI = {"net_roi": Words("净ROI", "net ROI"), "roi": Words("ROI", "ROI")}
HIT = Words("爆款概率", "hit")
GAIN = Words("预计净增", "gain")
CALL = Words("证据", "evidence")
YESTERDAY = Words("日均", "a day")
TODAY = Words("今日", "today")
CHANGE = Words("变化", "change")
FUNDED = Words("应投", "funded")
CALLS = {
    "stop": Words("关停", "stop"),
    "scale": Words("加量", "scale"),
    "watch": Words("观察", "watch"),
}
MORE = Words("…… 另有 {count} 个，见文件", "… and {count} more, in the file")

CHOSEN = Words(
    "{candidates} 个候选、{ideas} 种不同的创意里选 {launched} 个，同一种创意最多一个。测试共 {test_money:,.0f} 元，"
    "预计净增 {gain:,.0f} 元（投放跟不跟预算走：{gain_low:,.0f} 到 {gain_high:,.0f}）。",
    "{launched} of {candidates} candidates with {ideas} different ideas, at most one of each idea. Tests take "
    "{test_money:,.0f} CNY, the expected gain is {gain:,.0f} CNY ({gain_low:,.0f} to {gain_high:,.0f}, by how far "
    "delivery follows the budget).",
)
NONE_CHOSEN = Words(
    "{candidates} 个候选里，没有一个预计能在达到目标ROI后还有净增，一个也不建议投；一定要投，用 LAUNCH=<个数>。",
    "None of the {candidates} candidates is expected to gain anything above its ROI target, so none is launched; "
    "LAUNCH=<n> launches some all the same.",
)
NO_CANDIDATES = Words(
    "没有待投的素材：只分今天的预算。候选写进标签表，或用 CANDIDATES=<标签表>。",
    "No creative is waiting, so only today's money is split. Add candidates to the tag sheet, or give "
    "CANDIDATES=<tag sheet>.",
)
HITS = Words(
    "至少出 {hits} 个爆款的概率：{hit_chance:.0%}{bound}。"
    "净增离能做到的最多不超过 {gain_gap:.1%}（含为爆款让出的部分）。",
    "Chance of at least {hits} hit(s): {hit_chance:.0%}{bound}. The gain is within {gain_gap:.1%} of the most possible "
    "(what was given up for hits included).",
)
HIT_BOUND = Words("（任何选法都不超过 {most_hit_chance:.0%}）", " (no choice exceeds {most_hit_chance:.0%})")
GREEDY = Words(
    "候选太多，按净增从高到低贪心选取；上面的差距来自线性松弛。"
    "（1−1/e 的保证只对“至少 1 个爆款”成立，2 个以上不成立。）",
    "Too many candidates for an exact choice: chosen greedily by gain; the distance is to the linear relaxation. (The "
    "bound 1−1/e holds for at least one hit alone, not for two or more.)",
)
SPLIT = Words(
    "{running} 个在投：今天 {today:,.0f} 元，"
    "其中 {unspent:,.0f} 元先留着（目标ROI、单个上限和每天最多变动 {change:.0%}；每天 {floor:g} 元以内不受变动限制）。",
    "{running} running: {today:,.0f} CNY today, of which {unspent:,.0f} stay unspent for the sake of ROI targets, caps "
    "and at most {change:.0%} change a day (not of {floor:g} CNY or less).",
)
NONE_RUNNING = Words("没有在投的素材。", "No creative is running.")
STOPPED = Words(
    "关停 {stopped} 个，加量 {scaled} 个。达标的素材被判关停的概率不超过 {error:.0%}，不管每小时看几次；"
    "后来的订单推翻了判断，判断会自己收回。前提：一单的金额加权均值不超过平均的 {ratio:g} 倍，订单不成批出现。",
    "{stopped} to stop, {scaled} to scale. A creative at its target is called below it with probability {error:.0%} at "
    "most, however often one looks; later orders take a call back. This assumes that the money-weighted mean order is "
    "at most {ratio:g} times the mean, and that orders do not come in bursts.",
)
PLATFORM = Words(
    "投放由平台决定，不由预算决定：天数和净增的范围，是投放完全不跟预算走到完全跟着走。",
    "The platform delivers, not the budget: days and gains range from delivery that ignores the money asked for to "
    "delivery that follows it.",
)
FILES = Words("文件：", "Files:")

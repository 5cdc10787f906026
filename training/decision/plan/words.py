"""Every sentence of a plan, in Chinese and in English."""

from collections.abc import Sequence

from features.bilingual import Words
from features.errors import InputError, Problem

NO_BUDGET = Words(
    "没有预算。处理：写上接下来 {days} 天的总预算（元，要大于 0），例如 make plan BUDGET=5000。",
    "There is no budget. Give the CNY for the next {days} days, more than 0, such as make plan BUDGET=5000.",
)
NO_METRICS = Words(
    "数据里没有效果数据，没有可以做计划的时刻。处理：把日报导出也放进来。",
    "The data hold no metrics, so there is no moment to plan from. Import reports too.",
)
NO_ORDERS = Words(
    "模型里没有订单，算不出一笔测试要花多少钱。处理：导出报表时加上成交订单数和成交金额，再 make train。",
    "The model counts no orders, so the cost of a test is not known. Export orders and gmv too, then make train.",
)
NO_SPEND = Words(
    "模型里没有消耗，算不出ROI。处理：导出报表时加上整体消耗，再 make train。",
    "The model knows no spend, so there is no ROI. Export spend too, then make train.",
)
NO_DISTRIBUTIONS = Words(
    "模型的ROI还没有经过校准的分布（结果已知的样本太少），做不了计划。处理：导入更早的报表或更多素材，再 make train。",
    "The model has no calibrated distribution of ROI (too few known outcomes), so nothing can be planned. Import "
    "earlier reports or more creatives, then make train.",
)
NOTHING = Words(
    "没有待投的素材，也没有在投的素材。处理：在标签表里写上要投的素材，或用 CANDIDATES=<标签表> 给出。",
    "No creative is waiting and none is running. Add those to launch to the tag sheet, or give CANDIDATES=<tag sheet>.",
)
TOO_FEW = Words(
    "要选 {asked} 个素材，候选只有 {found} 个。处理：LAUNCH 不要大于 {found}，或在标签表里补充候选。",
    "{asked} launches were asked for, and there are {found} candidates. Ask for {found} at most, or add candidates to "
    "the tag sheet.",
)
NONE_TO_CHOOSE = Words(
    "要选 {asked} 个素材，可是没有候选。处理：在标签表里写上要投的素材（素材ID、账户ID、推广方式），"
    "或用 CANDIDATES=<标签表> 给出；只分在投素材的预算就去掉 LAUNCH。",
    "{asked} launches were asked for, and there is no candidate. Add those to launch to the tag sheet (creative id, "
    "account id, promotion type), or give CANDIDATES=<tag sheet>; to split the money of running creatives alone, leave "
    "LAUNCH away.",
)
ALL_LAUNCHED = Words(
    "{file}：里面的 {count} 个素材都投过了，没有待投的。"
    "处理：换上还没投过的素材；只分在投素材的预算就去掉 CANDIDATES。",
    "{file}: its {count} creative(s) were all launched before, so none is a candidate. Name creatives that were not, "
    "or leave CANDIDATES away to split the money of running creatives alone.",
)
TOO_ALIKE = Words(
    "要选 {asked} 个不同的素材，{candidates} 个候选里只有 {ideas} 种不同的创意（同账户同商品同标签算一种）。"
    "处理：LAUNCH 不要大于 {ideas}，或补充不同的创意。",
    "{asked} different launches were asked for, and the {candidates} candidates hold {ideas} ideas (same account, "
    "product and tags: one idea). Ask for {ideas} at most, or add other ideas.",
)
ALL_UNKNOWN = Words(
    "{count} 个候选的属性和标签，模型一个都没见过，分不出高低。处理：检查标签的写法是否与训练数据一致，"
    "或补上商品、达人、开头等标签；都是全新的，就先随便投几个，再 make train。",
    "The model knows no attribute or tag of the {count} candidates, so it cannot tell them apart. Check that tags are "
    "written as in the training data, or add product, KOC, hook; if all is new, launch any few, then make train.",
)
CANDIDATES_LARGE = Words(
    "数据太大，按账户分批计算时不能另给 CANDIDATES。处理：把候选写进标签表，和数据放在一起。",
    "These data are read part by part, so CANDIDATES cannot be given apart. Put the candidates into the tag sheet.",
)


def refusal(text: Words) -> InputError:
    """The error that says a sentence in both languages."""
    return InputError(text.en, zh=text.zh)


def unusable_candidates(file: str, left_out: int, problems: Sequence[Problem]) -> Words:
    """Why a file of candidates is refused.

    Args:
        file: Its name.
        left_out: Creatives whose account or promotion type is not known.
        problems: Found in it.
    """
    if not left_out and problems:
        first = problems[0]
        return Words(
            f"候选不能用：{first.in_language('zh', name=file)}",
            f"the candidates cannot be used: {first.in_language('en', name=file)}",
        )
    found = Words("里面没有素材", "it holds no creative")
    if left_out:
        found = Words(
            f"{left_out} 个素材没有账户或推广方式", f"{left_out} creative(s) without account or promotion type"
        )
    return Words(
        f"{file}：候选不能用（{found.zh}）。处理：按标签表的格式，一行一个素材，写上素材ID、账户ID和推广方式。",
        f"{file}: the candidates cannot be used ({found.en}). Give a row per creative as in a tag sheet, with creative "
        "id, account id and promotion type.",
    )


def small_budget(wanted: int, needed: float, money: float, affordable: int, share: str, error: float) -> Words:
    """The budget does not pay for the tests asked for.

    Args:
        wanted: Launches.
        needed: CNY that the cheapest so many tests cost.
        money: CNY for tests.
        affordable: Tests that it pays for.
        share: Of the budget that is for tests; empty for all of it.
        error: α of stopping.
    """
    part_zh, part_en = (f"（预算的 {share}）", f" ({share} of the budget)") if share else ("", "")
    less_zh = f"，或 LAUNCH={affordable}" if affordable else ""
    less_en = f", or LAUNCH={affordable}" if affordable else ""
    return Words(
        f"测试 {wanted} 个素材至少要 {needed:,.0f} 元（少于这个数，误停率就不能保证在 {error:.0%} 以内），"
        f"可用于测试的只有 {money:,.0f} 元{part_zh}。处理：提高 BUDGET{less_zh}。",
        f"Testing {wanted} creative(s) takes {needed:,.0f} CNY at least (with less, false stops are not held at "
        f"{error:.0%}), and {money:,.0f} CNY{part_en} are there for tests. Raise BUDGET{less_en}.",
    )


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

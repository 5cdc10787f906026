"""Why no plan is made, and what to do: every refusal, in the words of whoever asked.

The same refusal names `BUDGET` to who typed `make plan`, and `budget_cny` to who sent a request. Names of fields of a
request stand in backticks, so that a page can put its own labels in their place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from features.bilingual import Words
from features.errors import InputError

MOST_BUDGET = 1e8
"""CNY of one plan: a hundred million a week is more than advertisers spend; what is above has zeros too many."""
Topic = Literal["budget", "launch", "candidates", "model"]
"""What a refusal is about: a figure that was given, the creatives, or the model and its data."""


@dataclass(frozen=True)
class Surface:
    """How those who ask give budget, number of launches and candidates.

    Attributes:
        budget, launch: Names of the figures.
        example: A budget that is given rightly.
        add: How more candidates are given.
        train: How the model is trained again.
    """

    budget: str
    launch: str
    example: str
    add: Words
    train: Words


_TAG_SHEET = Words(
    "在标签表里写上要投的素材（素材ID、账户ID、推广方式）",
    "add those to launch to the tag sheet (creative id, account id, promotion type)",
)
COMMAND = Surface(
    "BUDGET",
    "LAUNCH",
    "make plan BUDGET=5000",
    Words(f"{_TAG_SHEET.zh}，或用 CANDIDATES=<标签表> 给出", f"{_TAG_SHEET.en}, or give CANDIDATES=<tag sheet>"),
    Words("再 make train", "then make train"),
)
_TRAINER = Words("再请负责训练的同事重新训练", "then have the model trained again by whoever trains it")
REPORT = Surface("BUDGET", "LAUNCH", "make report BUDGET=5000", _TAG_SHEET, _TRAINER)
REQUEST = Surface(
    "`budget_cny`",
    "`launch`",
    "5000",
    Words("在 `creatives` 里放入还没投过的素材", "put creatives that were not launched yet into `creatives`"),
    _TRAINER,
)


@dataclass(frozen=True)
class Reason:
    """A refusal before its figures are filled in.

    Attributes:
        topic: What it is about.
        why: What is wrong.
        cure: What to do about it; may name `{budget}`, `{launch}`, `{example}`, `{add}` and `{train}` of a surface.
    """

    topic: Topic
    why: Words
    cure: Words


class PlanRefused(InputError):
    """No plan is made.

    Attributes:
        reason: As of REASONS below.
        why, cure: Its two parts with all figures.
    """

    def __init__(self, reason: Reason, values: Mapping[str, object], surface: Surface = COMMAND) -> None:
        self.reason, self._values = reason, values
        named = vars(surface)
        self.why = _filled(reason.why, values)
        self.cure = _filled(reason.cure, {**values, **named})
        super().__init__(f"{self.why.en} {self.cure.en}", zh=f"{self.why.zh}处理：{self.cure.zh}")

    def on(self, surface: Surface) -> "PlanRefused":
        """The same in the names of another surface."""
        return PlanRefused(self.reason, self._values, surface)


def _filled(text: Words, values: Mapping[str, object]) -> Words:
    """The text with its figures; those in two languages in the language of the text."""
    zh, en = (
        one.format(**{name: value[place] if isinstance(value, Words) else value for name, value in values.items()})
        for place, one in enumerate(text)
    )
    return Words(zh, en)


def refused(reason: Reason, **values: object) -> PlanRefused:
    """The error of this reason with its figures, in the names of the command line."""
    return PlanRefused(reason, values)


NO_BUDGET = Reason(
    "budget",
    Words("没有预算。", "There is no budget."),
    Words(
        "{budget} 写接下来 {days} 天的总预算（元，要大于 0），例如 {example}。",
        "Give the CNY for the next {days} days as {budget}, more than 0, such as {example}.",
    ),
)
LARGE_BUDGET = Reason(
    "budget",
    Words(
        "{given:,.0f} 元不像 {days} 天的预算：最多按 {most:,.0f} 元做计划。",
        "{given:,.0f} CNY is no budget of {days} days: plans are made for {most:,.0f} CNY at most.",
    ),
    Words("{budget} 的单位是元，看看是不是多写了零。", "{budget} is in CNY; check its zeros."),
)
NO_METRICS = Reason(
    "model",
    Words(
        "数据里没有效果数据，没有可以做计划的时刻。", "The data hold no metrics, so there is no moment to plan from."
    ),
    Words("把日报导出也放进来。", "Import reports too."),
)
NO_ORDERS = Reason(
    "model",
    Words(
        "模型里没有订单，算不出一笔测试要花多少钱。", "The model counts no orders, so the cost of a test is not known."
    ),
    Words("导出报表时加上成交订单数和成交金额，{train}。", "Export orders and gmv too, {train}."),
)
NO_SPEND = Reason(
    "model",
    Words("模型里没有消耗，算不出ROI。", "The model knows no spend, so there is no ROI."),
    Words("导出报表时加上整体消耗，{train}。", "Export spend too, {train}."),
)
NO_DISTRIBUTIONS = Reason(
    "model",
    Words(
        "模型的ROI还没有经过校准的分布（结果已知的样本太少），做不了计划。",
        "The model has no calibrated distribution of ROI (too few known outcomes), so nothing can be planned.",
    ),
    Words("导入更早的报表或更多素材，{train}。", "Import earlier reports or more creatives, {train}."),
)
NOTHING = Reason(
    "candidates",
    Words("没有待投的素材，也没有在投的素材。", "No creative is waiting and none is running."),
    Words("{add}。", "To plan, {add}."),
)
TOO_FEW = Reason(
    "launch",
    Words(
        "要投 {asked} 个素材，候选只有 {found} 个。",
        "{asked} launches were asked for, and there are {found} candidates.",
    ),
    Words("{launch} 不要大于 {found}，或{add}。", "Set {launch} to {found} at most, or {add}."),
)
NONE_TO_CHOOSE = Reason(
    "launch",
    Words("要投 {asked} 个素材，可是没有候选。", "{asked} launches were asked for, and there is no candidate."),
    Words(
        "{add}；只分在投素材的预算，就不要写 {launch}。",
        "Either {add}, or leave {launch} away to split the money of running creatives alone.",
    ),
)
ALL_LAUNCHED = Reason(
    "candidates",
    Words(
        "{file}：里面的 {count} 个素材都投过了，没有待投的。",
        "{file}: its {count} creative(s) were all launched before, so none is a candidate.",
    ),
    Words(
        "换上还没投过的素材；只分在投素材的预算就去掉 CANDIDATES。",
        "Name creatives that were not, or leave CANDIDATES away to split the money of running creatives alone.",
    ),
)
TOO_ALIKE = Reason(
    "launch",
    Words(
        "要投 {asked} 个不同的素材，{candidates} 个候选里只有 {ideas} 种不同的创意（同账户同商品同标签算一种）。",
        "{asked} different launches were asked for, and the {candidates} candidates hold {ideas} ideas (same account, "
        "product and tags: one idea).",
    ),
    Words("{launch} 不要大于 {ideas}，或补充不同的创意。", "Set {launch} to {ideas} at most, or add other ideas."),
)
ALL_UNKNOWN = Reason(
    "candidates",
    Words(
        "{count} 个候选的属性和标签，模型一个都没见过，分不出高低。",
        "The model knows no attribute or tag of the {count} candidates, so it cannot tell them apart.",
    ),
    Words(
        "检查标签的写法是否与训练数据一致，或补上商品、达人、开头等标签；都是全新的，就先随便投几个，{train}。",
        "Check that tags are written as in the training data, or add product, KOC, hook; if all is new, launch any "
        "few, {train}.",
    ),
)
_SMALL_BUDGET = Words(
    "测试 {wanted} 个素材至少要 {needed:,.0f} 元（少于这个数，误停率就不能保证在 {error:.0%} 以内），"
    "可用于测试的只有 {money:,.0f} 元{part}。",
    "Testing {wanted} creative(s) takes {needed:,.0f} CNY at least (with less, false stops are not held at "
    "{error:.0%}), and {money:,.0f} CNY{part} are there for tests.",
)
SMALL_BUDGET = Reason("budget", _SMALL_BUDGET, Words("提高 {budget}。", "Raise {budget}."))
SMALL_BUDGET_FOR_SO_MANY = Reason(
    "budget",
    _SMALL_BUDGET,
    Words("提高 {budget}，或把 {launch} 改为 {affordable}。", "Raise {budget}, or set {launch} to {affordable}."),
)
CANDIDATES_LARGE = Reason(
    "candidates",
    Words(
        "数据太大，按账户分批计算时不能另给 CANDIDATES。",
        "These data are read part by part, so CANDIDATES cannot be given apart.",
    ),
    Words("把候选写进标签表，和数据放在一起。", "Put the candidates into the tag sheet."),
)
NO_CREATIVE_IN_FILE = Reason(
    "candidates",
    Words("{file}：候选不能用，里面一个素材也没有。", "{file}: the candidates cannot be used, it holds no creative."),
    Words(
        "按标签表的格式，一行一个素材，写上素材ID、账户ID和推广方式。",
        "Give a row per creative as in a tag sheet, with creative id, account id and promotion type.",
    ),
)


def checked_budget(budget: float | None, days: int, surface: Surface = COMMAND) -> float:
    """Return the budget; raise PlanRefused where it is no amount above 0, or more than MOST_BUDGET."""
    if budget is None or not budget > 0:
        raise refused(NO_BUDGET, days=days).on(surface)
    if budget > MOST_BUDGET:
        raise refused(LARGE_BUDGET, given=budget, most=MOST_BUDGET, days=days).on(surface)
    return budget

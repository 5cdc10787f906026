"""战绩: what was told, what came, and how far the numbers can be relied on."""

from features.bilingual import Words
from serving.report.track_record_parts import (
    ALL,
    Breakdown,
    Drift,
    Number,
    RankedLists,
    Reliance,
    Told,
    TrackRecordPart,
)
from serving.report.wording.common import target as label_of
from training.decision.rules import VERDICT_LABELS
from training.track_record.answers import AGAINST, BID_LESS, FAVOURS, SKIP, STOP
from training.track_record.record import PERIODS
from training.track_record.words import AGE_GROUPS, GROUPED_BY, drift_line

TRAINED_AGAIN = Words("请负责训练的同事刷新模型", "have the model refreshed by whoever trains it")
"""How the reader of a report has a model refreshed, after the words for advice."""
WENT_ON = {
    BID_LESS: Words("之后", "they then"),
    STOP: Words("没停的", "those not stopped"),
    SKIP: Words("照投的", "those launched"),
}
"""Decision against a creative → those that brought money all the same."""
TITLE = Words("战绩", "Track record")
"""Heading, and entry of the menu."""
TEXTS = {
    "track_about": Words(
        "每条素材每天只算最后一次预测；同一天的消耗只算一次，由覆盖它的几次预测分摊。区间 90%，按素材重抽。",
        "Of each creative the last forecast of a day counts; a day's spend counts once, shared by the forecasts that "
        "cover it. 90 % intervals, by resampling creatives.",
    ),
    "track_backtest": Words(
        "这是回测：用当时的数据训练、预测当时之后，不是真的对谁说过。预测服务真实说过的话有了结果之后，这里换成它们。",
        "A backtest: models trained on the data of their time forecast what came after; nobody was told. Once what the "
        "prediction service really told has its outcome, that stands here.",
    ),
    "track_numbers": Words("数字靠得住吗", "Can the numbers be relied on?"),
    "track_groups": Words("按投放天数、账户、模型版本", "By days since launch, account, model version"),
    "track_examples": Words("金额最大的几条：说了什么，后来怎样", "The largest by money: what was told, what came"),
    "track_drift": Words("最近变了什么", "What changed lately"),
    "track_no_drift": Words("没有发现变化。", "No change was found."),
    "track_stop_note": Words(
        "关停之后的“比目标”是没停、继续投的那些又花出来的：负数是听了就能省下的钱。没有展示的素材没有结果，不算对也不算错。",
        "Against the target after “stop” is what those that went on brought: a negative number is money that stopping "
        "would have saved. Creatives without delivery have no outcome, neither right nor wrong.",
    ),
}
"""Headings and paragraphs, by name."""


def period(name: str, part: TrackRecordPart) -> Words:
    """Name of a period."""
    if name == ALL:
        return Words(f"{part.since} 以来全部", f"All since {part.since}")
    first, last = PERIODS[name]
    ago = {"week": Words("一周前说的", "Told a week ago"), "month": Words("一个月前说的", "Told a month ago")}[name]
    return Words(f"{ago.zh}（{last}–{first} 天前）", f"{ago.en} ({last}–{first} days back)")


def nothing_yet(part: TrackRecordPart) -> Words:
    """When there will be a track record."""
    days, settle = part.outcome_days, f"{part.settle_days:g}"
    if part.next_on:
        return Words(
            f"已记下 {part.counted:,} 条预测，结果还没出；最早的一批 {part.next_on} 出。",
            f"{part.counted:,} forecasts are recorded, and no outcome has come yet; the first come on {part.next_on}.",
        )
    return Words(
        f"还没有战绩：没有记下过预测。今天起在预测服务上问的预测，{part.first_on} 起能核对"
        f"（{days} 天结果期，再加 {settle} 天数据定稿）；"
        "现在就想看，可以请负责训练的同事做一次回测（用过去的数据回放），再出报告。",
        f"No track record yet: no forecast is recorded. What is asked of the prediction service from today on can be "
        f"checked from {part.first_on} on ({days} days of outcome, {settle} until the figures are final); to see one "
        "now, ask whoever trains the model for a backtest, which replays the past, and for a new report.",
    )


def counts(part: TrackRecordPart) -> Words:
    """How many answers are behind the section."""
    said = Words(
        f"{part.counted:,} 条预测里 {part.scored:,} 条已有结果，数据到 {part.until}。",
        f"Of {part.counted:,} forecasts {part.scored:,} have their outcome, data until {part.until}.",
    )
    if part.settled == part.scored:
        return said
    share = f"{part.unsettled_share:.1%}"
    return Words(
        f"{said.zh}其中 {part.scored - part.settled:,} 条退款未结清，净成交按结算进度估计（占 {share}）。",
        f"{said.en} {part.scored - part.settled:,} of them have not settled: net money is estimated ({share} of it).",
    )


def headline(rows: list[Told]) -> Words:
    """The finding of one promotion type and period: decisions that were right, and money."""
    known = [(row, row.right) for row in rows if row.decision in FAVOURS + AGAINST and row.right is not None]
    if not known:
        return Words("没有可以核对的加量或关停。", "Nothing that was told to scale or to stop can be checked.")
    parts = [_finding(row, right) for row, right in known if right.low is not None]
    if few := [(VERDICT_LABELS[row.decision], right.answers) for row, right in known if right.low is None]:
        zh = "、".join(f"{label.zh} {count:,} 条" for label, count in few)
        en = ", ".join(f"{count:,} told “{label.en.lower()}”" for label, count in few)
        parts.append(Words(f"{zh}能核对，太少，不下结论", f"{en} can be checked: too few to conclude from"))
    en = "; ".join(one.en for one in parts)
    return Words(f"{'；'.join(one.zh for one in parts)}。", f"{en[0].upper()}{en[1:]}.")


def _finding(row: Told, right: Number) -> Words:
    label = VERDICT_LABELS[row.decision]
    money = _money(row)
    return Words(
        f"说{label.zh}的 {right.answers:,} 条，{right.value:.0%} 说对，{money.zh}",
        f"of {right.answers:,} told “{label.en.lower()}” {right.value:.0%} were right, {money.en}",
    )


def _money(row: Told) -> Words:
    """What a decision was worth, where that can be told from nothing."""
    gain = row.gain
    if gain is None or gain.low is None or gain.high is None or gain.low <= 0 <= gain.high:
        return Words("钱上分不出赚亏", "money cannot be told from nothing")
    if row.decision not in AGAINST:
        return Words(f"之后比目标 {signed(gain.value)} 元", f"{signed(gain.value)} CNY against the target afterwards")
    went_on = WENT_ON[row.decision]
    if gain.value < 0:
        return Words(f"{went_on.zh}又亏 {-gain.value:,.0f} 元", f"{went_on.en} lost {-gain.value:,.0f} CNY")
    return Words(f"{went_on.zh}反而赚 {gain.value:,.0f} 元", f"{went_on.en} earned {gain.value:,.0f} CNY after all")


def signed(value: float) -> str:
    """A whole number with its sign."""
    return f"{'+' if value >= 0 else '−'}{abs(value):,.0f}"


def ends(number: Number | None, digits: str) -> Words:
    """The interval of a number; empty where it has none."""
    if number is None or number.low is None or number.high is None:
        return Words("", "")
    low, high = (f"{one:{digits}}".replace("-", "−") for one in (number.low, number.high))
    plain = number.low >= 0 and "+" not in digits
    return Words(f"{low}–{high}" if plain else f"{low} 至 {high}", f"{low}–{high}" if plain else f"{low} to {high}")


def reliance(one: Reliance) -> list[tuple[Words, str, Words, Words]]:
    """Lines on how far numbers can be relied on: the question, the number, its interval, what it means."""
    lines = []
    if one.rank:
        ahead = "" if one.ahead is None else f"{one.ahead.value:+.2f}".replace("-", "−")
        meaning = Words(
            f"1 为全对，0 为乱排；比按昨日ROI排 {ahead}",
            f"1: all in order, 0: at random; {ahead} against yesterday's ROI",
        )
        lines.append((Words("排序", "Order"), f"{one.rank.value:.2f}", ends(one.rank, ".2f"), meaning))
    if one.level:
        over = one.level.value - 1.0
        meaning = Words(
            f"预测 ÷ 实际；平均偏{'高' if over >= 0 else '低'} {abs(over):.0%}",
            f"forecast over outcome; {abs(over):.0%} too {'high' if over >= 0 else 'low'} on average",
        )
        lines.append(
            (Words("净ROI 绝对值", "Level of the ROI"), f"{one.level.value:.2f}", ends(one.level, ".2f"), meaning)
        )
    if one.inside:
        meaning = Words("实际落在所说区间里的比例", "of outcomes lay inside the interval that was told")
        lines.append((Words("区间", "Intervals"), f"{one.inside.value:.0%}", ends(one.inside, ".0%"), meaning))
    if one.reached and one.stated is not None:
        meaning = Words(
            f"实际达标；当时平均说 {one.stated:.0%}", f"reached the target; {one.stated:.0%} was told on average"
        )
        lines.append((Words("达标概率", "Chances"), f"{one.reached.value:.0%}", ends(one.reached, ".0%"), meaning))
    if one.hit_came and one.hit_stated is not None:
        meaning = _of_hits(one.hit_stated, one.hit_skill)
        label = Words("爆款概率", "Chances of a hit")
        lines.append((label, f"{one.hit_came.value:.1%}", ends(one.hit_came, ".1%"), meaning))
    if one.told and one.corrected and one.came:
        meaning = Words(
            f"每天最高 10 条的实际ROI；当时说 {one.told.value:.2f}，扣除“挑最高”的偏差应为 {one.corrected.value:.2f}",
            f"came of the ten highest of each day; {one.told.value:.2f} was told, "
            f"{one.corrected.value:.2f} after allowing for choosing the highest",
        )
        lines.append((Words("前 10 名单", "Top-10 lists"), f"{one.came.value:.2f}", ends(one.came, ".2f"), meaning))
    return lines + [_of_rankings(lists) for lists in one.rankings]


def _of_hits(stated: float, skill: Number | None) -> Words:
    """What was told of hits, and whether that was better than the mean for all."""
    zh, en = f"实际是爆款；当时平均说 {stated:.1%}", f"were hits; {stated:.1%} was told on average"
    if skill is not None and skill.low is not None:
        better = Words("看不出比一律说平均准", "not surely nearer than telling the mean of all")
        if skill.low > 0:
            less = f"{skill.value:.0%}"
            better = Words(f"误差比一律说平均小 {less}", f"{less} less error than telling the mean of all")
        zh, en = f"{zh}，{better.zh}", f"{en}, {better.en}"
    return Words(zh, en)


def _of_rankings(one: RankedLists) -> tuple[Words, str, Words, Words]:
    """A line on rankings that were answered."""
    by = label_of(one.by)
    zh = f"{one.lists} 份按{by.zh}的排名请求：名次与实际的相关，1 为全对"
    en = f"correlation of order and outcome in {one.lists} rankings by {by.en}, 1: all in order"
    if one.lift and one.told and one.corrected and one.came:
        told, fair, came = (f"{number.value:.2f}" for number in (one.told, one.corrected, one.came))
        zh += f"；排在前面的实际是整份名单的 {one.lift.value:.2f} 倍，说 {told}，扣除“挑最高”应为 {fair}，实际 {came}"
        en += f"; the first brought {one.lift.value:.2f} times the whole: told {told}, after allowing for choosing the "
        en += f"highest {fair}, came {came}"
    return Words("排名请求", "Rankings"), f"{one.rank.value:.2f}", ends(one.rank, ".2f"), Words(zh, en)


def group(one: Breakdown) -> Words:
    """Name of a group."""
    by = GROUPED_BY[one.by]
    name = AGE_GROUPS.get(one.group, Words(one.group, one.group)) if one.by == "ages" else Words(one.group, one.group)
    return Words(f"{by.zh}：{name.zh}", f"{by.en}: {name.en}")


def drift(one: Drift) -> Words:
    """A change, and whether to refit."""
    return drift_line(one.advice, one.began_on, one.shift, TRAINED_AGAIN)

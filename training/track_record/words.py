"""What a track record says, in Chinese and in English: labels, and the summary on the console."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from math import expm1, isfinite

import pandas as pd

from features.bilingual import Words
from features.targets import TARGETS
from training.decision.rules import VERDICT_LABELS
from training.track_record.daily import MIX, NEW_VALUES
from training.track_record.figure_words import chance_lines, interval, ranking_lines
from training.track_record.matured import (
    ABSENT,
    AFTERWARDS,
    LATE_LAUNCH,
    LAUNCH_DAYS,
    LEARNT,
    NO_OUTCOME,
    OPEN,
    SO_FAR,
    WAITING,
    WITHOUT_METRICS,
    YESTERDAY,
)
from training.track_record.record import TrackRecord
from training.track_record.refresh import NO_NEED, NOT_PROVED, PAYS, TOO_EARLY, RefreshAdvice
from training.track_record.resampling import Figure, figures_of
from training.track_record.top_lists import MODEL

TYPES = {"live": Words("推直播", "Live"), "product": Words("推商品", "Product")}
CAUSES = {
    "cost": Words("千展成本（市场价格）", "the price of traffic"),
    "click": Words("点击率", "the click rate"),
    "order": Words("转化率", "the order rate"),
    "value": Words("客单价", "the order value"),
    "earn": Words("单次点击成交额", "money per click"),
    "keep": Words("退款后留存", "the share kept after refunds"),
    "return": Words("支付ROI", "ROI before refunds"),
    "net_return": Words("净成交ROI", "net ROI"),
    MIX: Words("在投素材的结构", "the mix of what runs"),
    NEW_VALUES: Words("模型没见过的达人、商品或标签", "values that the model has never seen"),
}
GROUPED_BY = {
    "ages": Words("投放天数", "days since launch"),
    "account_id": Words("账户", "account"),
    "version": Words("模型版本", "model version"),
}
AGE_GROUPS = {
    "waiting": Words("待投", "not launched"),
    "day_1": Words("第 1 天", "day 1"),
    "day_3": Words("第 2–3 天", "days 2–3"),
    "day_7": Words("第 4–7 天", "days 4–7"),
    "later": Words("第 8 天起", "from day 8"),
}
LEFT_OUT = {
    ABSENT: Words("素材不在这份数据里", "about creatives that these data do not have"),
    WAITING: Words("素材还没投放", "about creatives that are not launched yet"),
    LATE_LAUNCH: Words(
        f"素材 {LAUNCH_DAYS} 天后才投放", f"about creatives launched more than {LAUNCH_DAYS} days later"
    ),
    WITHOUT_METRICS: Words("素材在投，询问时却没给投放数据", "about running creatives, asked without their metrics"),
    AFTERWARDS: Words("结果出来之后才问的", "asked when the outcome had already come"),
    LEARNT: Words("模型训练时已见过结果", "whose outcome the model had been trained on"),
    OPEN: Words("结果还没出", "whose outcome has not come yet"),
    NO_OUTCOME: Words("结果期内没有读数", "without readings in the outcome window"),
}
RULES = {
    YESTERDAY: Words("昨日ROI", "yesterday's ROI"),
    SO_FAR: Words("累计ROI", "the ROI so far"),
    MODEL: Words("预测ROI", "forecast ROI"),
}
NOTHING_YET = Words(
    "还没有可以核对的预测。现在问的预测，{date} 起能核对（{days} 天结果期，再加 {settle} 天数据定稿）。"
    "先 make serve 用起来，每次询问都会记下；或 make backtest，用过去的数据回放。",
    "No forecast can be checked yet. Forecasts asked for now can be from {date} on: {days} days of outcome, and "
    "{settle} until the figures are final. Run make serve, which records every answer; or make backtest, which replays "
    "the past.",
)


def summary(record: TrackRecord) -> Iterator[Words]:
    """Lines of the summary: what was compared, what came of it, drift, and whether to refresh."""
    found = record.matured
    if found.table.empty:
        yield from left_out(found.left_out)
        if found.next_at is not None:
            date = f"{found.next_at:%Y-%m-%d}"
            yield Words(f"下一批结果 {date} 出。", f"The next outcomes come on {date}.")
        yield nothing_yet(record)
        return
    kind = (
        Words("回测", "backtest") if record.of_backtest else Words("服务记录的回答", "answers recorded by the service")
    )
    last_day = record.until - timedelta(microseconds=1)  # a whole day of rows ends at midnight
    yield Words(
        f"{kind.zh} {found.given:,} 条；每条素材每天只算最后一次，计 {found.counted:,} 条；"
        f"结果已出 {len(found.table):,} 条（数据到 {last_day:%Y-%m-%d}，来自 {record.source}）。",
        f"{found.given:,} {kind.en}; the last of each creative and day counts, {found.counted:,}; outcomes of "
        f"{len(found.table):,} have come (data until {last_day:%Y-%m-%d}, from {record.source}).",
    )
    yield from left_out(found.left_out)
    if len(found.table) > record.settled:
        open_count, share = len(found.table) - record.settled, f"{record.unsettled:.1%}"
        yield Words(
            f"其中 {open_count:,} 条退款未结清，净成交按结算进度估计；估计部分占全部净成交的 {share}。",
            f"Of these {open_count:,} have not settled: net money is estimated, {share} of all of it.",
        )
    for code in sorted(set(found.table["promotion_type"])):
        yield from _of_type(record, code)
    yield from drift_lines(record)


def nothing_yet(record: TrackRecord) -> Words:
    """When there will be something to compare."""
    first = record.matured.first_at
    settle = (first - record.until).days - record.outcome_days
    return NOTHING_YET.format(date=f"{first:%Y-%m-%d}", days=record.outcome_days, settle=settle)


def left_out(reasons: Mapping[str, int]) -> Iterator[Words]:
    """One line on the answers that cannot be scored."""
    if reasons:
        parts = [LEFT_OUT[reason].format() for reason in reasons]
        counts = [f"{count:,}" for count in reasons.values()]
        zh = "、".join(f"{part.zh} {count} 条" for part, count in zip(parts, counts))
        en = ", ".join(f"{count} {part.en}" for part, count in zip(parts, counts))
        yield Words(f"未计入：{zh}。", f"Not scored: {en}.")


def _of_type(record: TrackRecord, code: str) -> Iterator[Words]:
    label = TYPES.get(code, Words(code, code))
    yield Words(f"{label.zh}：", f"{label.en}:")

    def own(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["promotion_type"] == code]

    quality = own(record.quality)
    whole = figures_of(quality[(quality["by"] == "all") & (quality["target"] == record.roi)])
    if record.roi and whole:
        yield from _quality_lines(whole, TARGETS[record.roi].label)
    roi_rows = quality[quality["target"] == record.roi]
    for by, rows in roi_rows[roi_rows["by"] != "all"].groupby("by", sort=False):
        yield from _breakdown_line(GROUPED_BY[str(by)], rows)
    yield from chance_lines(own(record.chances))
    yield from decision_lines(own(record.decisions))
    yield from _top_lines(own(record.top_lists))
    yield from ranking_lines(own(record.rankings))


def _quality_lines(figures: Mapping[str, Figure], label: Words) -> Iterator[Words]:
    names = {
        "rank": (Words("排序", "order"), ".2f"),
        "ahead_yesterday": (Words("比昨日ROI排得好", "order ahead of yesterday's ROI by"), "+.2f"),
        "level": (Words("预测 ÷ 实际", "forecast over outcome"), ".2f"),
        "inside": (Words("落在区间内", "inside the interval"), ".0%"),
    }
    known = {name: figures[name] for name in names if name in figures and isfinite(figures[name].value)}
    if not known:
        return
    parts = []
    for name, one in known.items():
        words, digits = names[name]
        ends = interval(one, digits)
        parts.append(Words(f"{words.zh} {one.value:{digits}}{ends.zh}", f"{words.en} {one.value:{digits}}{ends.en}"))
    first = next(iter(known.values()))
    yield Words(
        f"  {label.zh}：{'、'.join(part.zh for part in parts)}。{first.answers:,} 条，{first.creatives:,} 个素材。",
        f"  {label.en}: {', '.join(part.en for part in parts)}. {first.answers:,} answers about {first.creatives:,} "
        "creatives.",
    )


def _breakdown_line(label: Words, rows: pd.DataFrame) -> Iterator[Words]:
    """Level and order of each group with enough creatives for an interval, where there are two groups or more."""
    parts = []
    for group, part in rows.groupby("group", sort=False):
        figures = figures_of(part)
        level, rank = figures["level"], figures["rank"]
        if isfinite(level.low) and isfinite(rank.value):
            name, ends = AGE_GROUPS.get(str(group), Words(str(group), str(group))), interval(level, ".2f")
            parts.append(
                Words(
                    f"{name.zh} {level.value:.2f}{ends.zh}、排序 {rank.value:.2f}、{level.answers:,} 条",
                    f"{name.en} {level.value:.2f}{ends.en}, order {rank.value:.2f}, {level.answers:,} answers",
                )
            )
    if len(parts) > 1:
        yield Words(
            f"  按{label.zh}的预测 ÷ 实际：{'；'.join(part.zh for part in parts)}。",
            f"  Forecast over outcome by {label.en}: {'; '.join(part.en for part in parts)}.",
        )


def decision_lines(table: pd.DataFrame) -> Iterator[Words]:
    """One line per decision: how often it was right, what it was worth, beside the simple rule."""
    for code, rows in table.groupby("decision", sort=False):
        figures, label = figures_of(rows), VERDICT_LABELS.get(str(code), Words(str(code), str(code)))
        judged, told = "right" in figures, int(rows["told"].iloc[0])
        one, base, gain = figures["right" if judged else "reached"], figures["base"], figures["gain_cny"]
        if not isfinite(one.value):
            continue
        own, money = interval(one, ".0%"), interval(gain, ",.0f")
        zh = f"  {label.zh} {told:,} 条：{'说对' if judged else '后来达标'} {one.value:.0%}{own.zh}"
        zh += f"（n={one.answers:,}，"
        zh += f"不分决策 {base.value:.0%}），后来比目标 {gain.value:+,.0f} 元{money.zh}"
        came = "right" if judged else "target reached"
        en = f"  {label.en}, {told:,} answers: {came} {one.value:.0%}{own.en} (n={one.answers:,}; "
        en += f"{base.value:.0%} whatever was decided); {gain.value:+,.0f} CNY{money.en} against the target"
        ahead = figures.get("ahead_gain_cny")
        if ahead is not None and isfinite(ahead.value):
            ends = interval(ahead, ",.0f")
            zh += f"；同样条数按昨日ROI挑，差 {ahead.value:+,.0f} 元{ends.zh}"
            en += f"; {ahead.value:+,.0f} CNY{ends.en} over as many picks by yesterday's ROI"
        yield Words(f"{zh}。", f"{en}.")


def _top_lines(table: pd.DataFrame) -> Iterator[Words]:
    for by, rows in table.groupby("by", sort=False):
        if by == SO_FAR:
            continue
        figures, label, lists = figures_of(rows), RULES[str(by)], int(rows["lists"].iloc[0])
        told, fair, came = (figures[name] for name in ("told", "corrected", "came"))
        ends = interval(came, ".2f")
        yield Words(
            f"  每天{label.zh}最高的 10 条（{lists} 份名单）：说 {told.value:.2f}，扣除挑最高的偏差后应为 "
            f"{fair.value:.2f}，实际 {came.value:.2f}{ends.zh}。",
            f"  Daily ten highest by {label.en} ({lists} lists): told {told.value:.2f}, corrected for choosing the "
            f"highest {fair.value:.2f}, came {came.value:.2f}{ends.en}.",
        )


REFRESH = Words(" make refresh", "run make refresh")
"""How whoever reads the terminal has a model refreshed, after the words for advice."""


def drift_lines(record: TrackRecord) -> Iterator[Words]:
    """Drift that stands, with its cause, and whether a refit pays."""
    standing = record.alarms[record.alarms["standing"]]
    if standing.empty:
        yield Words("没有发现漂移。", "No drift found.")
    for advice, began, shift in zip(record.refresh, standing["began_on"].tolist(), standing["shift"].tolist()):
        yield drift_line(advice, f"{began:%Y-%m-%d}", shift)


def drift_line(advice: RefreshAdvice, began: str, shift: float, how: Words = REFRESH) -> Words:
    """One alarm that stands since an ISO date, and what it means for a refit; `how` as for `refresh_words`."""
    code, cause, refit = advice.promotion_type, advice.cause, refresh_words(advice, how)
    label, what = TYPES.get(code, Words(code, code)), CAUSES.get(cause, Words(cause, cause))
    if cause == NEW_VALUES:
        return Words(
            f"漂移：{label.zh}，{began} 起{what.zh}变多。{refit.zh}",
            f"Drift: {label.en}, more of {what.en} since {began}. {refit.en}",
        )
    return Words(
        f"漂移：{label.zh}，{began} 起{what.zh}变了约 {expm1(shift):+.0%}。{refit.zh}",
        f"Drift: {label.en}, {what.en} changed by about {expm1(shift):+.0%} since {began}. {refit.en}",
    )


def refresh_words(advice: RefreshAdvice, how: Words) -> Words:
    """Whether a refresh pays, and why.

    Args:
        advice: What was found.
        how: How the reader has the model refreshed.
    """
    moved = advice.moved_cny
    ends = interval(moved, ",.0f")
    again = f"{advice.again_on:%Y-%m-%d}"
    if advice.verdict == PAYS and isfinite(moved.value):
        return Words(
            f"建议{how.zh}：按新水平重判，每周约值 {moved.value:,.0f} 元{ends.zh}。",
            f"{how.en[:1].upper()}{how.en[1:]}: judged by the new level, about {moved.value:,.0f} CNY{ends.en} a week.",
        )
    if advice.verdict == NOT_PROVED and not isfinite(moved.value):
        return Words(
            f"数据里没有ROI，算不出刷新值多少；看着不对就{how.zh}。",
            f"Without an ROI in the data the worth of a refresh is not known: {how.en} if figures look wrong.",
        )
    return {
        PAYS: Words(
            f"建议{how.zh}：已有 {advice.creatives} 个这样的素材出了结果，可以学。",
            f"{how.en[:1].upper()}{how.en[1:]}: {advice.creatives} such creatives have outcomes to learn from.",
        ),
        TOO_EARLY: Words(
            f"现在刷新还学不到：只有 {advice.creatives} 个素材出了结果；{again} 再看。",
            f"Too early for a refresh: {advice.creatives} creatives have outcomes; look again on {again}.",
        ),
        NOT_PROVED: Words(
            f"暂不必刷新：按新水平重判，多赚多少还分不清（{moved.value:+,.0f} 元/周{ends.zh}）。",
            f"No refresh yet: judging by the new level may be worth nothing ({moved.value:+,.0f} CNY a week{ends.en}).",
        ),
        NO_NEED: Words(
            "预测已跟着结构变，不必刷新；看总数时按账户和商品分开看。",
            "Forecasts follow the mix, no refresh needed; look at totals by account and product.",
        ),
    }[advice.verdict]

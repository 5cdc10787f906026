"""First screen: tiles, pills, what to do and what to shoot; the script shows the same for what is filtered."""

from collections.abc import Sequence

from features.bilingual import Words
from serving.report import wording
from serving.report.blocks.numbers import change, number, signed, whole
from serving.report.data import ReportData
from serving.report.first_screen import WATCH, Tiles, tiles, to_do, watched
from serving.report.wording.common import promotion_type, target
from training.decision.rules import VERDICT_LABELS
from training.decision.status import RUNNING

TONES = {"usable": "good", "caution": "warn", "unusable": "never", "undecided": "none"}
"""Verdict → class of its pill; red stands only where a number must not be used."""
SHOWN_BRIEFS = 3
DAYS = 7
"""Period that the page opens with."""
ONE_CREATIVE = 0.5
"""A creative that brought at least this part of the money is told of below the ROI."""

CALIBRATION_PILLS = {"none": "no_intervals_pill", "wide": "wide_intervals_pill"}
"""State of the calibration → its pill; none where there is enough."""

Line = tuple[Words, Words]
"""A figure of a tile and what stands below it."""


def values(data: ReportData) -> dict[str, object]:
    """Everything for all creatives and the shortest period."""
    everyone = set(range(len(data.creatives)))
    say = wording.first_screen
    known = sum(one.known for one in data.creatives)
    level = data.model_quality.level
    calibration = data.model_quality.calibration
    listed = to_do(data.creatives, data.cards, everyone)
    running = any(one.status == RUNNING for one in data.creatives)
    return {
        "tiles": tiles_of(data, everyone),
        "pills": [(TONES[one.verdict], say.pill(one), say.why(one)) for one in data.trust],
        "calibration": CALIBRATION_PILLS.get(calibration.state, "") if calibration and calibration.target else "",
        "on_default": bool(data.roi) and data.model_quality.without_target > 0,
        "few": known < data.levers.min_creatives,
        "to_do": [(data.creatives[n], data.cards[n], signed(data.cards[n].stake_cny)) for n in listed],
        "indices": listed,
        "counts": _counts(data, everyone),
        "nothing": _script("nothing_to_do" if running else "nobody_runs"),
        "briefs": [
            (say.brief(one), say.differs(one), say.gain(one, level), say.proof(one), one)
            for one in [one for one in data.briefs if one.by == "account_id"][:SHOWN_BRIEFS]
        ],
        "briefs_of": _script("briefs_of_account_id"),
        "no_briefs": say.no_briefs(data),
    }


def embedded(data: ReportData) -> dict[str, object]:
    """Sums by day, and all briefs."""
    say, level = wording.first_screen, data.model_quality.level
    return {
        "ahead": data.model_quality.outcome_days,
        "least": data.levers.min_creatives,
        "oneCreative": ONE_CREATIVE,
        "roi": target(data.roi) if data.roi else None,
        "days": data.daily.days,
        "of": data.daily.creatives,
        "series": {name: [_packed(row) for row in rows] for name, rows in data.daily.series.items()},
        "ran": data.daily.ran,
        "earlier": {
            back: {"scale": list(one.scale.items()), "stop": list(one.stop.items())}
            for back, one in data.earlier.items()
        },
        "briefs": [
            {
                "type": one.promotion_type,
                "by": one.by,
                "of": one.of,
                "lines": [say.brief(one), say.differs(one), say.gain(one, level), say.proof(one)],
            }
            for one in data.briefs
        ],
        "shown": SHOWN_BRIEFS,
        "noBriefs": say.no_briefs(data),
    }


def _packed(row: list[float]) -> list[float]:
    """Day of the first amount, then the amounts of that day and the following ones; zeros at both ends are left out."""
    places = [place for place, amount in enumerate(row) if amount]
    if not places:
        return []
    kept = row[places[0] : places[-1] + 1]
    return [places[0], *(int(amount) if amount == int(amount) else round(amount, 1) for amount in kept)]


def _script(name: str, **given: object) -> Words:
    return wording.SCRIPT_TEXTS[name].format(**given)


def tiles_of(data: ReportData, chosen: set[int]) -> list[tuple[str, Words, list[Line]]]:
    """Name, heading and lines of each tile; ROI has one line a promotion type."""
    whole_of = tiles(data.creatives, data.cards, data.daily, data.earlier, DAYS, chosen)
    types = list(dict.fromkeys(data.creatives[n].promotion_type for n in sorted(chosen)))
    of_type = {name: {n for n in chosen if data.creatives[n].promotion_type == name} for name in types}
    parts = {
        name: tiles(data.creatives, data.cards, data.daily, data.earlier, DAYS, mine) for name, mine in of_type.items()
    }
    roi = target(data.roi) if data.roi else Words("ROI", "ROI")
    named = wording.SCRIPT_TEXTS["tile_roi"]
    return [
        ("running", _script("tile_running"), [_compared(str(whole_of.running), whole_of.running, whole_of.ran)]),
        ("spend", _script("tile_spend", days=DAYS), [_spend(whole_of)]),
        (
            "roi",
            Words(named.zh.format(days=DAYS, roi=roi.zh), named.en.format(days=DAYS, roi=roi.en)),
            [_roi(part, promotion_type(name) if len(parts) > 1 else None, data) for name, part in parts.items()],
        ),
        ("stake", _script("tile_stake"), [_stake(whole_of, data, chosen)]),
    ]


def _counts(data: ReportData, chosen: set[int]) -> list[tuple[str, Words, Words]]:
    """Code, label, and count with the money at stake, of each decision and each group of watched creatives."""
    running = [n for n in sorted(chosen) if data.creatives[n].status == RUNNING]
    groups = watched(data.creatives, data.cards, chosen, data.model_quality.outcome_days)
    of_watched = [
        (WATCH, wording.SCRIPT_TEXTS[f"watch_{name}"], members)
        for name, members in (("first", groups.first), ("soon", groups.soon), ("rest", groups.rest))
    ]
    of_others = [
        (code, VERDICT_LABELS[code], [n for n in running if data.cards[n].verdict == code])
        for code in ("scale", "hold", "bid_less", "stop")
    ]
    return [
        (code, label, _script("count_cny", n=len(members), cny=whole(_at_stake(data, members))))
        for code, label, members in (*of_others, *of_watched)
        if members
    ]


def _at_stake(data: ReportData, members: Sequence[int]) -> float:
    return sum(abs(data.cards[n].stake_cny or 0.0) for n in members)


def _compared(text: str, now: float, before: float) -> Line:
    if not before:
        return Words(text, text), _script("not_before")
    return Words(text, text), _script("than_before", days=DAYS, change=change(now, before))


def _spend(part: Tiles) -> Line:
    if part.spend is None:
        return Words("–", "–"), _script("no_spend")
    return _compared(whole(part.spend), part.spend, part.spent or 0.0)


def _roi(part: Tiles, name: Words | None, data: ReportData) -> Line:
    before = Words("", "") if name is None else Words(f"{name.zh} ", f"{name.en} ")
    if not data.roi:
        return Words(f"{before.zh}–", f"{before.en}–"), _script("no_money")
    asked = f" / {number(part.roi_target)}" if part.roi_target is not None else ""
    shown = Words(f"{before.zh}{number(part.roi)}{asked}", f"{before.en}{number(part.roi)}{asked}")
    if part.roi is None:
        return shown, _script("none_spent")
    if (part.largest_share or 0.0) >= ONE_CREATIVE:
        return shown, _script("was_one", value=number(part.was_roi), share=f"{100 * (part.largest_share or 0.0):.0f}%")
    return shown, _script("was", value=number(part.was_roi))


def _stake(part: Tiles, data: ReportData, chosen: set[int]) -> Line:
    codes = [data.cards[n].verdict for n in chosen if data.creatives[n].status == RUNNING]
    more, less = codes.count("scale"), codes.count("stop")
    if not any(codes):
        return Words("–", "–"), _script("no_stakes")
    text = f"{signed(part.more_cny)} / {whole(part.less_cny)}"
    before = _script("not_before")
    if part.was_more is not None and part.was_less is not None:
        before = _script("stakes_before", days=DAYS, was=f"{signed(part.was_more)} / {whole(part.was_less)}")
    given = {"more": more, "less": less, "ahead": data.model_quality.outcome_days}
    said = wording.SCRIPT_TEXTS["stakes"]
    return Words(text, text), Words(said.zh.format(was=before.zh, **given), said.en.format(was=before.en, **given))

"""The creatives one by one: what is expected, why, what their own counts changed, what the nearest past ones did."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY
from serving.report.context import Seen
from serving.report.effects import Figure
from serving.report.feature_groups import ACCOUNT, Gathered

MOST_CARDS = 2000
MOST_BARS = 8
RUNNING_HOURS = 72
"""Since its last delivery, within which a creative runs."""
NEAREST = 3
EXACT = 6
"""Decimals of contributions in cards: a part of a million, the exactness to which answers are checked."""
CHUNK = 500


class Waterfall(Figure):
    """From the account's baseline to a prediction, in logs that add up: start + bars + others + own = log prediction.

    Attributes:
        start: Log of what is expected of the account's mean creative at the time.
        bars: Family and log, the largest first.
        others: Of the remaining families.
        own: Of the creative's own early counts.
    """

    start: float
    bars: list[tuple[str, float]]
    others: float
    own: float


class Neighbour(Figure):
    """A past creative that is much like one.

    Attributes:
        row: Its card, or −1 where it has none.
        name: What it is called.
        alike: Share of what is compared that they have in common.
        roi, gpm, impressions: Of its first outcome window; None where nothing was exposed.
    """

    row: int
    name: str
    alike: float
    roi: float | None
    gpm: float | None
    impressions: float | None


class Card(Figure):
    """One creative.

    Attributes:
        creative_id, promotion_type, account_id, name: Which.
        tags: Its family → value.
        age_hours: 0 before launch.
        verdict: `scale`, `test`, `hold`, `stop` or empty; with its reason.
        asked_roi, chance, hit_chance: Its ROI target, P(≥ target), P(hit).
        targets: Target → value, low, high.
        at_launch: Target → value predicted at age 0.
        evidence: Counted so far.
        waterfalls: By target.
        neighbours: Nearest past creatives.
    """

    creative_id: str
    promotion_type: str
    account_id: str
    name: str
    tags: dict[str, str]
    age_hours: float
    verdict: str
    reason_zh: str
    reason_en: str
    asked_roi: float | None
    chance: float | None
    hit_chance: float | None
    targets: dict[str, tuple[float, float | None, float | None]]
    at_launch: dict[str, float]
    evidence: dict[str, float | None]
    waterfalls: dict[str, Waterfall]
    neighbours: list[Neighbour]


def cards(seen: Seen) -> list[Card]:
    """Of the chosen creatives; of too many, those that run or are not launched yet, then those that spent most."""
    rows = _shown(seen)
    table = seen.predicted.iloc[rows].to_dict("records")
    launch = seen.at_launch[seen.funnel.targets].iloc[rows].to_dict("records")
    known = seen.observed.iloc[rows].to_dict("records")
    near = neighbours(seen, rows)
    wanted = [name for name in (seen.roi, seen.gpm) if name] or seen.funnel.targets[:1]
    falls = {name: waterfalls(seen.targets[name], rows) for name in wanted}
    chance = f"{seen.roi or 'roi'}_chance"
    return [
        Card(
            **{name: str(told[name]) for name in KEY},
            name=_name(told),
            tags={tag: str(told[column]) for tag, column in _described(seen).items() if _is(told.get(column))},
            age_hours=round(float(told["age_hours"]), 1),
            verdict=row["verdict"],
            reason_zh=row["verdict_reason_zh"],
            reason_en=row["verdict_reason_en"],
            asked_roi=_number(row["asked_roi"]),
            chance=_number(row[chance]),
            hit_chance=_number(row["hit_chance"]),
            targets={
                name: (float(row[name]), _number(row[f"{name}_low"]), _number(row[f"{name}_high"]))
                for name in seen.funnel.targets
            },
            at_launch={name: float(first[name]) for name in seen.funnel.targets},
            evidence={
                name: _number(told[f"early:{name}"])
                for name in ("impressions", "clicks", "orders", "spend_cny", "gmv_cny")
                if f"early:{name}" in told
            },
            waterfalls={name: falls[name][place] for name in wanted},
            neighbours=near[place],
        )
        for place, (row, first, told) in enumerate(zip(table, launch, known))
    ]


def waterfalls(gathered: Gathered, rows: Sequence[int]) -> list[Waterfall]:
    """Of these rows: sums of the served contributions by family, and nothing else."""
    start = gathered.baseline + gathered.of(ACCOUNT)
    families = [family for family in gathered.families if family != ACCOUNT]
    logs = np.column_stack([gathered.of(family) for family in families] or [np.zeros((len(start), 0))])
    found = []
    for row in rows:
        each = logs[row]
        order = np.argsort(-np.abs(each), kind="stable")[:MOST_BARS]
        shown = [(families[place], round(float(each[place]), EXACT)) for place in order.tolist() if each[place] != 0.0]
        total = float(gathered.total[row])
        begin, own = round(float(start[row]), EXACT), round(float(gathered.own[row]), EXACT)
        # What rounding took goes to the rest, so that the bars still add up.
        rest = total - begin - own - sum(log for _, log in shown)
        found.append(Waterfall(start=begin, bars=shown, others=round(rest, EXACT), own=own))
    return found


def neighbours(seen: Seen, rows: Sequence[int]) -> list[list[Neighbour]]:
    """The nearest creatives of each row, of all whose first outcome window is known and had traffic.

    Alike is the share of tags, product, KOC and category that two have in common, and how near their prices lie.
    """
    everyone, later = seen.everyone, f"later:{seen.funnel.volume_of}"
    told = everyone["known"] & (everyone[later] >= seen.settings.evaluate.min_impressions)
    past = everyone[told].reset_index(drop=True)
    if past.empty:
        return [[] for _ in rows]
    mine = seen.observed.iloc[rows].reset_index(drop=True)
    columns = [*seen.tags.values(), *(c for c in ("product_id", "creator_id", "category") if c in seen.observed)]
    place = {key: number for number, key in enumerate(mine[KEY].itertuples(index=False, name=None))}
    keys = list(past[KEY].itertuples(index=False, name=None))
    names = [_name(one) for one in past[[c for c in (*KEY, "creative_name") if c in past]].to_dict("records")]
    came = [past[t].tolist() if t in past else [np.nan] * len(past) for t in (seen.roi, seen.gpm)]
    came.append(past[later].tolist())
    itself = pd.Series(range(len(past)), index=pd.MultiIndex.from_frame(past[KEY]))
    own = itself.reindex(pd.MultiIndex.from_frame(mine[KEY])).fillna(-1).to_numpy(np.int64)
    found: list[list[Neighbour]] = []
    for first in range(0, len(rows), CHUNK):
        alike = _alike(mine.iloc[first : first + CHUNK], past, columns)
        for number, line in enumerate(alike, start=first):
            if own[number] >= 0:
                line[own[number]] = -1.0
            best = _largest(line)
            found.append(
                [
                    Neighbour(
                        row=place.get(keys[other], -1),
                        name=names[other],
                        alike=round(float(line[other]), 3),
                        roi=_number(came[0][other]),
                        gpm=_number(came[1][other]),
                        impressions=_number(came[2][other]),
                    )
                    for other in best
                    if line[other] >= 0
                ]
            )
    return found


def _largest(line: npt.NDArray[np.float32]) -> list[int]:
    """Places of the largest, the largest first, of equals the first."""
    edge = np.partition(line, max(len(line) - NEAREST, 0))[max(len(line) - NEAREST, 0)]
    places = np.flatnonzero(line >= edge)
    return places[np.argsort(-line[places], kind="stable")][:NEAREST].tolist()


def _alike(some: pd.DataFrame, past: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.float32]:
    alike = np.zeros((len(some), len(past)), dtype=np.float32)
    for column in columns:
        codes = pd.factorize(pd.concat([some[column], past[column]]))[0]
        left, right = codes[: len(some), None], codes[None, len(some) :]
        alike += (left == right) & (left >= 0)
    if "price_cny" in some:
        apart = np.log(some["price_cny"].to_numpy(np.float64))[:, None] - np.log(past["price_cny"].to_numpy(np.float64))
        alike += np.nan_to_num(np.exp(-np.abs(apart)))
    return alike / np.float32(max(len(columns) + ("price_cny" in some), 1))


def _shown(seen: Seen) -> list[int]:
    """Those that run first, the most spent of them first; then those not launched; then those that ended."""
    spent = np.nan_to_num(seen.figure("spend_cny"))
    until = seen.observed["cutoff"].to_numpy("datetime64[h]").astype(np.int64)
    ended = seen.launched & (until < until.max(initial=0) - RUNNING_HOURS)
    turn = np.where(ended, 2, np.where(seen.launched, 0, 1))
    return np.lexsort((-spent, turn))[:MOST_CARDS].tolist()


def _described(seen: Seen) -> dict[str, str]:
    groups = {name: name for name in ("category", "product_id", "creator_id", "price_cny", "duration_s", "copy_text")}
    return {tag: column for tag, column in {**seen.tags, **groups}.items() if column in seen.observed}


def _name(told: dict[str, object]) -> str:
    name = told.get("creative_name")
    return str(name) if _is(name) else str(told["creative_id"])


def _is(value: object) -> bool:
    return value is not None and value == value


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

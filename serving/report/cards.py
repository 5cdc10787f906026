"""Creative cards: prediction, verdict, waterfall, own counts, and outcomes of the nearest past creatives."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY
from serving.report.context import ReportContext
from serving.report.contribution_groups import ACCOUNT, GroupedContributions
from serving.report.effects import ReportPart

MOST_CARDS = 2000
MOST_BARS = 8
NEAREST = 3
DECIMALS = 6
"""Decimals of contributions in cards; the additivity of answers is checked to the same precision."""
NEIGHBOUR_BATCH = 500
COUNTED = ("impressions", "clicks", "orders", "spend_cny", "gmv_cny")
CARD_ATTRIBUTES = ("category", "product_id", "creator_id", "price_cny", "duration_s", "copy_text")
"""Attributes shown beside the tags, each under its own name."""


class Waterfall(ReportPart):
    """From the account's baseline to the prediction on the log scale: start + bars + others + own = log prediction.

    Attributes:
        start: Log prediction for the account's mean creative.
        bars: Feature group and contribution, the largest first.
        others: Sum of the contributions of the remaining groups.
        own: Contribution of the creative's own early counts.
    """

    start: float
    bars: list[tuple[str, float]]
    others: float
    own: float


class Neighbour(ReportPart):
    """A past creative that is similar to another one.

    Attributes:
        row: Index of its card; −1 where it has none.
        name: Its name, or its id.
        similarity: Share of the compared attributes that both have in common, 0–1.
        roi, gpm, impressions: Outcomes of its first outcome window; None where nothing was exposed.
    """

    row: int
    name: str
    similarity: float
    roi: float | None
    gpm: float | None
    impressions: float | None


class Card(ReportPart):
    """One creative.

    Attributes:
        creative_id, promotion_type, account_id, name: Which.
        tags: Feature group of a tag, or name of an attribute → value.
        age_hours: 0 before launch.
        verdict: A code of `training.decision.rules.VERDICT_LABELS`; with its reason in both languages.
        stake_cny, test_cny: Of running and of waiting creatives (`training.decision.advice.Advice`).
        roi_target, chance, hit_chance: Required ROI, P(ROI ≥ it), P(hit).
        targets: Target → prediction, lower and upper end of its interval.
        at_launch: Target → prediction at age 0.
        evidence: Column of metrics → sum so far.
        waterfalls: Target → waterfall.
        neighbours: Nearest past creatives, the most similar first.
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
    stake_cny: float | None
    test_cny: float | None
    roi_target: float | None
    chance: float | None
    hit_chance: float | None
    targets: dict[str, tuple[float, float | None, float | None]]
    at_launch: dict[str, float]
    evidence: dict[str, float | None]
    waterfalls: dict[str, Waterfall]
    neighbours: list[Neighbour]


def creative_cards(context: ReportContext) -> list[Card]:
    """Cards of at most MOST_CARDS creatives, in `context.order`."""
    rows = context.order[:MOST_CARDS].tolist()
    targets = context.funnel.targets
    predicted = context.predicted.iloc[rows].to_dict("records")
    at_launch = context.at_launch[targets].iloc[rows].to_dict("records")
    observed = context.observed.iloc[rows].to_dict("records")
    nearest = nearest_past_creatives(context, rows)
    explained = [name for name in (context.roi, context.gpm) if name] or targets[:1]
    falls = {name: waterfalls(context.targets[name], rows) for name in explained}
    chance = f"{context.roi or 'roi'}_chance"
    attributes = {
        name: column
        for name, column in {**context.tags, **{name: name for name in CARD_ATTRIBUTES}}.items()
        if column in context.observed
    }
    return [
        Card(
            **{name: str(creative[name]) for name in KEY},
            name=_name(creative),
            tags={name: str(creative[column]) for name, column in attributes.items() if _is_known(creative[column])},
            age_hours=round(float(creative["age_hours"]), 1),
            verdict=row["verdict"],
            reason_zh=row["verdict_reason_zh"],
            reason_en=row["verdict_reason_en"],
            stake_cny=_finite(row["stake_cny"]),
            test_cny=_finite(row["test_cny"]),
            roi_target=_finite(row["asked_roi"]),
            chance=_finite(row[chance]),
            hit_chance=_finite(row["hit_chance"]),
            targets={
                name: (float(row[name]), _finite(row[f"{name}_low"]), _finite(row[f"{name}_high"])) for name in targets
            },
            at_launch={name: float(launch[name]) for name in targets},
            evidence={name: _finite(creative[f"early:{name}"]) for name in COUNTED if f"early:{name}" in creative},
            waterfalls={name: falls[name][place] for name in explained},
            neighbours=nearest[place],
        )
        for place, (row, launch, creative) in enumerate(zip(predicted, at_launch, observed))
    ]


def waterfalls(grouped: GroupedContributions, rows: Sequence[int]) -> list[Waterfall]:
    """Waterfalls of these rows, from contributions by feature group."""
    start = grouped.baseline + grouped.of_group(ACCOUNT)
    groups = [group for group in grouped.groups if group != ACCOUNT]
    logs = np.column_stack([grouped.of_group(group) for group in groups] or [np.zeros((len(start), 0))])
    found = []
    for row in rows:
        order = np.argsort(-np.abs(logs[row]), kind="stable")[:MOST_BARS].tolist()
        bars = [(groups[at], round(float(logs[row, at]), DECIMALS)) for at in order if logs[row, at] != 0.0]
        total = float(grouped.total[row])
        begin, own = round(float(start[row]), DECIMALS), round(float(grouped.own_evidence[row]), DECIMALS)
        # The rest takes the rounding errors too, so that the bars add up.
        rest = total - begin - own - sum(log for _, log in bars)
        found.append(Waterfall(start=begin, bars=bars, others=round(rest, DECIMALS), own=own))
    return found


def nearest_past_creatives(context: ReportContext, rows: Sequence[int]) -> list[list[Neighbour]]:
    """The nearest creatives of each row, of all with a mature first outcome window and enough delivery.

    Similarity is the share of tags, product, KOC and category that two creatives have in common; the price counts as
    one more attribute with exp(−|difference of log prices|).
    """
    volume = f"later:{context.funnel.volume_of}"
    creatives = context.all_creatives
    mature = creatives["known"] & (creatives[volume] >= context.settings.evaluate.min_impressions)
    past = creatives[mature].reset_index(drop=True)
    if past.empty:
        return [[] for _ in rows]
    own = context.observed.iloc[list(rows)].reset_index(drop=True)
    columns = [
        *context.tags.values(),
        *(name for name in ("product_id", "creator_id", "category") if name in context.observed),
    ]
    card_of = {key: number for number, key in enumerate(own[KEY].itertuples(index=False, name=None))}
    keys = list(past[KEY].itertuples(index=False, name=None))
    names = [_name(one) for one in past[[c for c in (*KEY, "creative_name") if c in past]].to_dict("records")]
    roi, gpm = (past[name].tolist() if name in past else [np.nan] * len(past) for name in (context.roi, context.gpm))
    impressions = past[volume].tolist()
    place_in_past = pd.Series(range(len(past)), index=pd.MultiIndex.from_frame(past[KEY]))
    itself = place_in_past.reindex(pd.MultiIndex.from_frame(own[KEY])).fillna(-1).to_numpy(np.int64)
    found: list[list[Neighbour]] = []
    for first in range(0, len(rows), NEIGHBOUR_BATCH):
        similarity = _similarity(own.iloc[first : first + NEIGHBOUR_BATCH], past, columns)
        for number, line in enumerate(similarity, start=first):
            if itself[number] >= 0:
                line[itself[number]] = -1.0
            found.append(
                [
                    Neighbour(
                        row=card_of.get(keys[other], -1),
                        name=names[other],
                        similarity=round(float(line[other]), 3),
                        roi=_finite(roi[other]),
                        gpm=_finite(gpm[other]),
                        impressions=_finite(impressions[other]),
                    )
                    for other in _largest(line)
                    if line[other] >= 0
                ]
            )
    return found


def _largest(line: npt.NDArray[np.float32]) -> list[int]:
    """Indices of the NEAREST largest numbers, the largest first, the first of equal ones first."""
    edge = np.partition(line, max(len(line) - NEAREST, 0))[max(len(line) - NEAREST, 0)]
    places = np.flatnonzero(line >= edge)
    return places[np.argsort(-line[places], kind="stable")][:NEAREST].tolist()


def _similarity(own: pd.DataFrame, past: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.float32]:
    """(own, past) Similarity of every creative to every past creative, 0–1."""
    same = np.zeros((len(own), len(past)), dtype=np.float32)
    for column in columns:
        codes = pd.factorize(pd.concat([own[column], past[column]]))[0]
        left, right = codes[: len(own), None], codes[None, len(own) :]
        same += (left == right) & (left >= 0)
    if "price_cny" in own:
        logs = [np.log(frame["price_cny"].to_numpy(np.float64)) for frame in (own, past)]
        same += np.nan_to_num(np.exp(-np.abs(logs[0][:, None] - logs[1][None, :])))
    return same / np.float32(max(len(columns) + ("price_cny" in own), 1))


def _name(creative: Mapping[Hashable, object]) -> str:
    name = creative.get("creative_name")
    return str(name) if _is_known(name) else str(creative["creative_id"])


def _is_known(value: object) -> bool:
    return value is not None and value == value


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

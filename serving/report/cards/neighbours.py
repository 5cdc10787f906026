"""The nearest past creatives of each creative, of all data, and what they did in their first outcome window."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY
from serving.report.cards.steps import finite
from serving.report.context import ReportContext
from serving.report.effects import ReportPart

NEAREST = 3
BATCH = 500
"""Creatives whose similarities are held in memory together."""


class Neighbour(ReportPart):
    """A past creative that is similar to another one.

    Attributes:
        row: Index of its card; −1 where it has none.
        key: Its promotion type, account and id.
        name: Its name, or its id.
        similarity: Share of the compared attributes that both have in common, 0–1.
        roi, gpm, impressions: Outcomes of its first outcome window; None where nothing was exposed.
    """

    row: int
    key: str
    name: str
    similarity: float
    roi: float | None
    gpm: float | None
    impressions: float | None


def nearest_past_creatives(context: ReportContext, rows: Sequence[int]) -> list[list[Neighbour]]:
    """The nearest creatives of each row, of all with a mature first outcome window and enough delivery.

    Similarity is the share of tags, product, KOC and category that two creatives of one promotion type have in common;
    the price counts as one more attribute with exp(−|difference of log prices|).
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
    names = [name_of(one) for one in past[[c for c in (*KEY, "creative_name") if c in past]].to_dict("records")]
    roi, gpm = (past[name].tolist() if name in past else [np.nan] * len(past) for name in (context.roi, context.gpm))
    impressions = past[volume].tolist()
    place_in_past = pd.Series(range(len(past)), index=pd.MultiIndex.from_frame(past[KEY]))
    itself = place_in_past.reindex(pd.MultiIndex.from_frame(own[KEY])).fillna(-1).to_numpy(np.int64)
    found: list[list[Neighbour]] = []
    for first in range(0, len(rows), BATCH):
        similarity = _similarity(own.iloc[first : first + BATCH], past, columns)
        for number, line in enumerate(similarity, start=first):
            if itself[number] >= 0:
                line[itself[number]] = -1.0
            found.append(
                [
                    Neighbour(
                        row=card_of.get(keys[other], -1),
                        key=" ".join(keys[other]),
                        name=names[other],
                        similarity=round(float(line[other]), 3),
                        roi=finite(roi[other]),
                        gpm=finite(gpm[other]),
                        impressions=finite(impressions[other]),
                    )
                    for other in _largest(line)
                    if line[other] >= 0
                ]
            )
    return found


def name_of(creative: Mapping[Hashable, object]) -> str:
    """Name of a creative, or its id."""
    name = creative.get("creative_name")
    return str(name) if is_known(name) else str(creative["creative_id"])


def is_known(value: object) -> bool:
    """Whether a value of a frame is there."""
    return value is not None and value == value


def _largest(line: npt.NDArray[np.float32]) -> list[int]:
    """Indices of the NEAREST largest numbers, the largest first, the first of equal ones first."""
    edge = np.partition(line, max(len(line) - NEAREST, 0))[max(len(line) - NEAREST, 0)]
    places = np.flatnonzero(line >= edge)
    return places[np.argsort(-line[places], kind="stable")][:NEAREST].tolist()


def _similarity(own: pd.DataFrame, past: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.float32]:
    """(own, past) Similarity of every creative to every past creative, 0–1; −1 of another promotion type."""
    same = np.zeros((len(own), len(past)), dtype=np.float32)
    for column in columns:
        codes = pd.factorize(pd.concat([own[column], past[column]]))[0]
        left, right = codes[: len(own), None], codes[None, len(own) :]
        same += (left == right) & (left >= 0)
    if "price_cny" in own:
        logs = [np.log(frame["price_cny"].to_numpy(np.float64)) for frame in (own, past)]
        same += np.nan_to_num(np.exp(-np.abs(logs[0][:, None] - logs[1][None, :])))
    same /= np.float32(max(len(columns) + ("price_cny" in own), 1))
    kinds = [frame["promotion_type"].to_numpy(object) for frame in (own, past)]
    same[kinds[0][:, None] != kinds[1][None, :]] = -1.0
    return same

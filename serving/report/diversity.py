"""Diversity: which combinations of tags were shot, how alike creatives are, and what that means for the next hit."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.arrays import Codes, Floats, Mask
from features.point_in_time.entity_history import TAG
from serving.report.context import ReportContext
from serving.report.effects import ReportPart
from serving.report.hit_chances import HitChances, hit_chances, intraclass_correlation, observed_hits
from serving.report.levers.parts import Levers
from serving.report.levers.section import lever_grades
from training.decision.status import RUNNING

DIRECTION_TAGS = ("hook", "scene", "face", "script")
"""Tags whose combination is called a direction."""
RECENT_LAUNCH_DAYS = 28


class TagValue(ReportPart):
    """A value of a tag, and its effect on the main target in one promotion type (as the levers grade it)."""

    value: str
    log: float
    grade: str


class DiversitySlice(ReportPart):
    """Creatives of one promotion type: all of them, or those of one account.

    Attributes:
        promotion_type: Which.
        account: Account id; empty: all.
        creatives: Creatives with all tags of a direction.
        directions: Different directions among them.
        effective: exp of the Shannon entropy of the directions: as many equally used ones would be as diverse.
        recent: Creatives launched in the last RECENT_LAUNCH_DAYS, or not launched yet.
        running: Creatives with delivery now.
        repeat_share: Share of the recent creatives that repeat the direction of an older one.
        shared_tags: Mean share of the tags that two recent creatives have in common; None with fewer than two.
        hits: None where chances are not calibrated.
    """

    promotion_type: str
    account: str
    creatives: int
    directions: int
    effective: float
    recent: int
    running: int
    repeat_share: float
    shared_tags: float | None
    hits: HitChances | None


class Diversity(ReportPart):
    """The section.

    Attributes:
        tags: Those of DIRECTION_TAGS that the data have.
        possible: Combinations of all values in the training data.
        values: Promotion type → tag → its values in the training data, with their effects.
        codes: Per creative of `ReportData.creatives`, index of its value of each tag; −1 without one.
        slices: Each promotion type, followed by its accounts.
        hit_share: Top share of a promotion type that counts as a hit.
        hit_measure: What hits are ranked by: `net_gmv`, `gmv` or `volume`; empty where none is calibrated.
        days: Length of the outcome window.
        missing: Those of DIRECTION_TAGS that the data do not have.
    """

    tags: list[str]
    possible: int
    values: dict[str, dict[str, list[TagValue]]]
    codes: list[list[int]]
    slices: list[DiversitySlice]
    hit_share: float
    hit_measure: str
    days: int
    missing: list[str]


def diversity(context: ReportContext, found: Levers) -> Diversity:
    """Diversity of the chosen creatives, by promotion type and account.

    Args:
        context: The chosen creatives.
        found: Levers, whose grades say which values are worth shooting.
    """
    tags = [tag for tag in DIRECTION_TAGS if tag in context.tags]
    uncertainty = context.loaded_model.model.uncertainty
    known = {tag: _known_values(context, tag) for tag in tags}
    codes = _codes(context.observed, context, known)
    types = [str(name) for name in context.observed["promotion_type"].value_counts().index]
    possible = int(np.prod([len(values) for values in known.values()])) if tags else 0
    return Diversity(
        tags=tags,
        possible=possible,
        values={name: _values(found, name, known) for name in types},
        codes=codes[context.order].tolist(),
        slices=[one for name in types for one in _slices(context, name, codes)] if tags else [],
        hit_share=context.settings.interval.hit_share,
        hit_measure=uncertainty.hit_measure if uncertainty else "",
        days=context.settings.outcome_days,
        missing=[tag for tag in DIRECTION_TAGS if tag not in tags],
    )


def _slices(context: ReportContext, promotion_type: str, codes: Codes) -> list[DiversitySlice]:
    """All creatives of a promotion type, then each of its accounts, most creatives first."""
    observed = context.observed
    of_type = (observed["promotion_type"] == promotion_type).to_numpy()
    hits = observed_hits(context)
    complete = (codes >= 0).all(axis=1)
    judged = of_type & np.isfinite(hits)
    correlation, directions = intraclass_correlation(hits[judged & complete], codes[judged & complete])
    accounts = ["", *(str(name) for name in observed.loc[of_type, "account_id"].value_counts().index)]
    return [
        _slice(
            context, promotion_type, account, codes, hits, correlation, directions,
            of_type if not account else of_type & (observed["account_id"] == account).to_numpy(), of_type,
        )
        for account in accounts
    ]  # fmt: skip


def _slice(
    context: ReportContext, promotion_type: str, account: str, codes: Codes, hits: Floats, correlation: float,
    directions: int, rows: Mask, of_type: Mask,
) -> DiversitySlice:  # fmt: skip
    since = context.now - pd.Timedelta(days=RECENT_LAUNCH_DAYS)
    recent = rows & (~context.launched | (context.observed["launched_at"] >= since).to_numpy())
    used = codes[rows & (codes >= 0).all(axis=1)]
    counts = np.unique(used, axis=0, return_counts=True)[1] if len(used) else np.zeros(0)
    shares = counts / counts.sum() if len(counts) else np.ones(1)
    shared = mean_shared_tags(codes[recent])
    return DiversitySlice(
        promotion_type=promotion_type,
        account=account,
        creatives=len(used),
        directions=len(counts),
        effective=float(np.exp(-(shares * np.log(shares)).sum())) if len(counts) else 0.0,
        recent=int(recent.sum()),
        running=int((rows & (np.array(context.status) == RUNNING)).sum()),
        repeat_share=_repeat_share(codes, rows, recent),
        shared_tags=shared,
        hits=hit_chances(context, rows, of_type, hits, shared, correlation, directions),
    )


def mean_shared_tags(codes: Codes) -> float | None:
    """Mean share of tags that two creatives have in common, over all pairs; `codes`: (creatives, tags), −1 unknown."""
    if len(codes) < 2:
        return None
    shares = []
    for column in codes.T:
        counts = np.bincount(column[column >= 0])
        known = counts.sum()
        if known >= 2:
            shares.append(float((counts * (counts - 1)).sum() / (known * (known - 1))))
    return float(np.mean(shares)) if shares else None


def _repeat_share(codes: Codes, rows: Mask, recent: Mask) -> float:
    """Share of recent creatives with an older combination of tags; codes: (creatives, tags), masks (creatives,)."""
    known = (codes >= 0).all(axis=1)
    older = {tuple(row) for row in codes[rows & ~recent & known].tolist()}
    new = [tuple(row) for row in codes[recent & known].tolist()]
    return float(np.mean([row in older for row in new])) if new else 0.0


def _codes(frame: pd.DataFrame, context: ReportContext, known: Mapping[str, Sequence[str]]) -> Codes:
    """(creatives, tags) Places of the values of the tags among the known ones; −1 for none, or one never seen."""
    places = [{value: place for place, value in enumerate(values)} for values in known.values()]
    parts = [frame[context.tags[tag]].map(one).fillna(-1) for tag, one in zip(known, places)]
    return np.column_stack(parts).astype(np.int64) if parts else np.zeros((len(frame), 0), dtype=np.int64)


def _known_values(context: ReportContext, tag: str) -> list[str]:
    return list(context.loaded_model.tags[context.tags[tag].removeprefix(TAG)])


def _values(found: Levers, promotion_type: str, known: Mapping[str, Sequence[str]]) -> dict[str, list[TagValue]]:
    grades = lever_grades(found, promotion_type)
    stated = {}
    for tag, values in known.items():
        told = [grades.get((tag, value)) for value in values]
        stated[tag] = [
            TagValue(value=value, log=round(one.log, 4) if one else 0.0, grade=one.grade if one else "unclear")
            for value, one in zip(values, told)
        ]
    return stated

"""Creatives that are the same idea (同质化), in groups with their near-duplicates, by index of the report."""

import numpy as np

from features.attributes import TAG_LABELS
from features.point_in_time.entity_history import TAG
from features.schema import KEY
from serving.report.context import ReportContext
from serving.report.creative_rows import known_text
from serving.report.effects import ReportPart
from training.decision.similar import IDEA_TAGS, same_ideas

MOST_GROUPS = 400
"""Groups of which the page is told, the largest first."""


class NearDuplicate(ReportPart):
    """Two creatives whose copies are nearly the same, and how similar they are (Jaccard index of character pairs)."""

    one: int
    other: int
    similarity: float


class IdeaGroup(ReportPart):
    """Creatives of one account and product that are the same idea.

    Attributes:
        members: Their indices, the one delivered first in front.
        tags: Tag → the value that all of them share.
        near: Members whose copy is nearly that of another one.
    """

    members: list[int]
    tags: dict[str, str]
    near: list[NearDuplicate]


def ideas(context: ReportContext) -> list[IdeaGroup]:
    """Groups of two or more of the chosen creatives, the largest first."""
    keys = context.observed[KEY].iloc[context.order].reset_index(drop=True)
    creatives = keys.merge(context.loaded.creatives, how="left", on=KEY)
    creatives["launched_at"] = context.observed["launched_at"].to_numpy()[context.order]
    found = same_ideas(creatives)
    groups = found.groups[:MOST_GROUPS]
    tags = [tag for tag in (*IDEA_TAGS, *(tag for tag in TAG_LABELS if tag not in IDEA_TAGS)) if TAG + tag in creatives]
    values = {tag: creatives[TAG + tag].map(known_text).to_numpy(object) for tag in tags}
    stated = []
    for members in groups:
        shared = {tag: of[members[0]] for tag, of in values.items() if of[members[0]] and len(set(of[members])) == 1}
        inside = set(members)
        near = [
            NearDuplicate(one=one, other=other, similarity=round(float(found.near_copy_similarity[one]), 3))
            for one in members
            if (other := int(found.near_copy[one])) in inside
            and not (int(found.near_copy[other]) == one and other < one)
        ]
        stated.append(IdeaGroup(members=members, tags=shared, near=near))
    return stated


def repeated(found: list[IdeaGroup], chosen: np.ndarray) -> int:
    """Number of chosen creatives that are the same idea as another chosen one; `chosen`: (creatives,) flags."""
    sizes = [int(chosen[one.members].sum()) for one in found]
    return sum(size for size in sizes if size > 1)

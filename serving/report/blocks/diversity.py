"""Diversity: what stands there without a script, and the JSON of the script."""

import numpy as np

from features.schema import MULTI
from serving.report import wording
from serving.report.data import ReportData
from serving.report.diversity import DiversitySlice
from serving.report.hit_chances import CERTAINTIES
from serving.report.ideas import IdeaGroup, repeated
from serving.report.wording.common import promotion_type, tag
from training.decision.status import RUNNING, STOPPED, WAITING

MOST_IDEAS = 8
"""Groups of each promotion type in the page without its script."""
STATUS = (RUNNING, WAITING, STOPPED)
CERTAIN = 1
"""Place in CERTAINTIES of the one that the finding is about: 80 %."""


def values(data: ReportData) -> dict[str, object]:
    """Per promotion type: findings, creatives needed for a hit, counts of combinations, groups of the same idea."""
    return {"types": [_of_type(one, data) for one in data.diversity.slices if not one.account]}


def _of_type(one: DiversitySlice, data: ReportData) -> dict[str, object]:
    found, types = data.diversity, np.array([row.promotion_type for row in data.creatives])
    chosen = types == one.promotion_type
    running = chosen & (np.array([row.status for row in data.creatives]) == RUNNING)
    groups = [idea for idea in data.ideas if data.creatives[idea.members[0]].promotion_type == one.promotion_type]
    return {
        "name": promotion_type(one.promotion_type),
        "slice": one,
        "direction": wording.diversity.direction_finding(one, found),
        "hit": wording.diversity.hit_finding(one.hits, CERTAIN) if one.hits else None,
        "needed": list(zip(CERTAINTIES, one.hits.needed)) if one.hits else [],
        "counts": _counts(one.promotion_type, data, chosen),
        "repeated": repeated(groups, running),
        "ideas": [
            (_title(idea, data), [data.creatives[row].name for row in idea.members]) for idea in groups[:MOST_IDEAS]
        ],
    }


def _title(idea: IdeaGroup, data: ReportData) -> list[str]:
    """Product and shared tags."""
    product = data.creatives[idea.members[0]].product_name
    return [product, *_values(idea)] if product else _values(idea)


def _values(idea: IdeaGroup) -> list[str]:
    """Shared values; several of one tag one after another."""
    return [value.replace(MULTI, "、") for value in idea.tags.values()]


def _counts(promotion_type: str, data: ReportData, chosen: np.ndarray) -> dict[str, object] | None:
    """Creatives of each combination of the first two tags."""
    found = data.diversity
    if len(found.tags) < 2:
        return None
    rows, columns = (found.values[promotion_type][name] for name in found.tags[:2])
    table = np.zeros((len(rows), len(columns)), dtype=np.int64)
    codes = np.array(found.codes)[chosen][:, :2]
    known = codes[(codes >= 0).all(axis=1)]
    np.add.at(table, (known[:, 0], known[:, 1]), 1)
    return {
        "names": [tag(name) for name in found.tags[:2]],
        "rows": [one.value for one in rows],
        "columns": [one.value for one in columns],
        "counts": table.tolist(),
    }


def embedded(data: ReportData) -> dict[str, object]:
    """Tags by index, their values by index; codes of each creative, −1 without a value."""
    found = data.diversity
    grades = ("certain", "likely", "unclear")
    return {
        "words": wording.diversity.SENTENCES,
        "texts": {
            name: wording.diversity.TEXTS[name]
            for name in (
                "one_hit", "shot_before", "same_ideas", "how_coverage", "how_ideas", "certainty", "alike", "as_now",
                "apart", "no_hits",
            )
        },
        "tags": [tag(name) for name in found.tags],
        "codes": found.codes,
        "values": {
            name: [
                [[one.value, one.log, grades.index(one.grade)] for one in by_tag[tag_name]] for tag_name in found.tags
            ]
            for name, by_tag in found.values.items()
        },
        "certainties": CERTAINTIES,
        "slices": [_slice(one, data) for one in found.slices],
        "types": {one.promotion_type: promotion_type(one.promotion_type) for one in found.slices},
        "what": wording.diversity.what_is_a_hit(found) if found.hit_measure else None,
        "ideas": [
            [idea.members, _values(idea), [[one.one, one.other, one.similarity] for one in idea.near]]
            for idea in data.ideas
        ],
        "statusOrder": STATUS,
        "status": [STATUS.index(row.status) for row in data.creatives],
    }  # fmt: skip


def _slice(one: DiversitySlice, data: ReportData) -> dict[str, object]:
    hits = one.hits
    return {
        "type": one.promotion_type,
        "account": one.account,
        "direction": wording.diversity.direction_finding(one, data.diversity),
        "hit": wording.diversity.hit_finding(hits, CERTAIN) if hits else None,
        "one": hits and round(hits.one, 5),
        "likeness": hits and [round(hits.correlation, 5), round(hits.correlation * (one.shared_tags or 0.0), 5), 0.0],
        "needed": hits.needed if hits else [],
    }

"""What to shoot next: tests that change one tag of a running creative, and new tag combinations, as predicted.

Every candidate is a request to the service's own function (`serving.inference.predict.predictions`), at age 0.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes import names_of
from features.point_in_time.entity_history import TAG
from features.schema import MULTI
from serving.api.requests import Creative
from serving.inference.predict import predictions
from serving.report.context import ReportContext
from serving.report.diversity import DIRECTION_TAGS
from serving.report.effects import ReportPart

MOST_TESTS = 6
CHANGED_TAGS = (*DIRECTION_TAGS, "style")
VALUES_PER_TEST = 3
VALUES_PER_DIRECTION_TAG = 5
MOST_CANDIDATES = 200
MOST_DIRECTIONS = 6
LEAST_GAIN = 1.02

Ints = npt.NDArray[np.int64]
CandidateCreative = dict[str, Any]
Answer = dict[str, Any]
Predict = Callable[[Sequence[CandidateCreative]], list[Answer]]
ValueEffects = Mapping[str, Mapping[str, tuple[float, float]]]
"""Tag → value → log effect on the target, and its standard deviation."""


class Shot(ReportPart):
    """A creative worth shooting.

    Attributes:
        kind: `test` (one tag changed on a creative that runs) or `direction` (a combination not shot yet).
        of: Name of the creative that is changed; empty for a direction.
        changed: Tag → (old value, new value); old values of a direction are empty.
        target: ROI target, or GPM without spend.
        value, low, high: Prediction before launch, with its interval for one creative's first week.
        gain, gain_low, gain_high: `value` over `before`, with the interval of the changed tags' effects.
        before: Prediction for the unchanged creative as a new one; of a direction, for the account's typical creative.
        chance: P(ROI ≥ its target).
        hit_chance: P(hit).
        because: Stage → factor against `before`, the largest first.
        creatives: Creatives of all data with the new value (of a direction: with the rarest one).
    """

    kind: str
    of: str
    changed: dict[str, tuple[str, str]]
    target: str
    value: float
    low: float | None
    high: float | None
    gain: float
    gain_low: float
    gain_high: float
    before: float
    chance: float | None
    hit_chance: float | None
    because: list[tuple[str, float]]
    creatives: int


def what_to_shoot(context: ReportContext, account: str, value_effects: ValueEffects, z: float) -> list[Shot]:
    """Tests first, then directions; empty where the data have no tag or target for them.

    Args:
        context: The chosen creatives.
        account: Account id.
        value_effects: Effects by which candidate values are ranked before they are predicted.
        z: Half width of an interval in standard deviations.
    """
    target = context.roi or context.gpm
    tags = [tag for tag in CHANGED_TAGS if tag in context.tags and tag in value_effects]
    rows = np.flatnonzero((context.observed["account_id"] == account).to_numpy())
    if not target or not tags or not len(rows):
        return []

    def predict(creatives: Sequence[CandidateCreative]) -> list[Answer]:
        model = context.loaded_model
        requested = [Creative.model_validate(one) for one in creatives]
        return list(predictions(model, requested, now=model.as_of.moment).answers)

    tests = _tests(context, predict, rows, tags, value_effects, target, z)
    return [*tests, *_directions(context, predict, rows, tags, value_effects, target, z)]


def _tests(
    context: ReportContext, predict: Predict, rows: Ints, tags: Sequence[str], value_effects: ValueEffects,
    target: str, z: float,
) -> list[Shot]:  # fmt: skip
    requested: list[CandidateCreative] = []
    changes: list[tuple[int, str, str, str]] = []
    for row in _best_running(context, rows):
        unchanged = new_creative(context, row)
        requested.append(unchanged)
        changes.append((row, "", "", ""))
        for tag in tags:
            name = context.tags[tag].removeprefix(TAG)
            old = unchanged["tags"].get(name)
            for value in [value for value in _ranked(value_effects, tag) if value != old][:VALUES_PER_TEST]:
                tagged = {**unchanged["tags"], name: value}
                requested.append({**unchanged, "creative_id": f"{row}-{tag}-{value}"[:128], "tags": tagged})
                changes.append((row, tag, str(old or ""), value))
    before: Answer = {}
    found: list[tuple[float, Shot]] = []
    for (row, tag, old, value), answer in zip(changes, predict(requested)):
        if not tag:
            before = answer
            continue
        gain = answer["targets"][target]["value"] / before["targets"][target]["value"]
        if gain >= LEAST_GAIN:
            name = _name(context, row)
            shot = _shot(context, "test", answer, before, target, {tag: (old, value)}, name, value_effects, z)
            found.append((gain, shot))
    found.sort(key=lambda entry: -entry[0])
    chosen: list[Shot] = []
    used: set[object] = set()
    for _, shot in found:  # one test a creative and one creative a change: more different questions are answered
        (tag, (_, value)) = next(iter(shot.changed.items()))
        if shot.of not in used and (tag, value) not in used:
            chosen.append(shot)
            used |= {shot.of, (tag, value)}
    return chosen[:MOST_TESTS]


def _directions(
    context: ReportContext, predict: Predict, rows: Ints, tags: Sequence[str], value_effects: ValueEffects,
    target: str, z: float,
) -> list[Shot]:  # fmt: skip
    tags = [tag for tag in tags if tag in DIRECTION_TAGS]
    if len(tags) < 2:
        return []
    columns = [context.tags[tag] for tag in tags]
    shot_before = {tuple(row) for row in context.observed[columns].iloc[rows].astype(object).to_numpy().tolist()}
    top = [_ranked(value_effects, tag)[:VALUES_PER_DIRECTION_TAG] for tag in tags]
    combinations = [values for values in product(*top) if values not in shot_before]
    if not combinations:
        return []
    combinations.sort(key=lambda values: -sum(value_effects[tag][value][0] for tag, value in zip(tags, values)))
    combinations = combinations[:MOST_CANDIDATES]
    typical = typical_creative(context, rows)
    names = [column.removeprefix(TAG) for column in columns]
    candidates = [
        {**typical, "creative_id": f"d{number}", "tags": {**typical["tags"], **dict(zip(names, values))}}
        for number, values in enumerate(combinations)
    ]
    before, *answers = predict([typical, *candidates])
    order = sorted(range(len(combinations)), key=lambda number: -answers[number]["targets"][target]["value"])
    chosen: list[int] = []
    for place in order:  # each direction differs from those before it in two tags or more
        if all(sum(a != b for a, b in zip(combinations[place], combinations[other])) >= 2 for other in chosen):
            chosen.append(place)
        if len(chosen) == MOST_DIRECTIONS:
            break
    changed = {place: {tag: ("", value) for tag, value in zip(tags, combinations[place])} for place in chosen}
    return [
        _shot(context, "direction", answers[place], before, target, changed[place], "", value_effects, z)
        for place in chosen
    ]


def _ranked(value_effects: ValueEffects, tag: str) -> list[str]:
    """Values of a tag, the largest effect first."""
    return sorted(value_effects[tag], key=lambda value: -value_effects[tag][value][0])


def _shot(
    context: ReportContext, kind: str, answer: Answer, before: Answer, target: str,
    changed: dict[str, tuple[str, str]], of: str, value_effects: ValueEffects, z: float,
) -> Shot:  # fmt: skip
    factors = {
        name: answer["stages"][name]["value"] / before["stages"][name]["value"]
        for name in answer["stages"]
        if name in context.funnel.composed_stages
    }
    because = sorted(factors.items(), key=lambda entry: -abs(np.log(entry[1])))
    creatives = context.loaded.creatives
    sizes = [int((creatives[context.tags[tag]] == value).sum()) for tag, (_, value) in changed.items()]
    estimate, earlier = answer["targets"][target], before["targets"][target]["value"]
    gain = estimate["value"] / earlier
    sds = [
        value_effects[tag][value][1] for tag, pair in changed.items() for value in pair if value in value_effects[tag]
    ]
    sd = float(np.sqrt(np.square(sds).sum()))
    return Shot(
        kind=kind,
        of=of,
        changed=changed,
        target=target,
        value=estimate["value"],
        low=estimate["low"],
        high=estimate["high"],
        gain=gain,
        gain_low=float(gain * np.exp(-z * sd)),
        gain_high=float(gain * np.exp(z * sd)),
        before=earlier,
        chance=answer["chance_of_target"],
        hit_chance=answer["hit_chance"],
        because=[(name, float(factor)) for name, factor in because if abs(factor - 1.0) >= 0.01][:3],
        creatives=min(sizes),
    )


def _best_running(context: ReportContext, rows: Ints) -> list[int]:
    """Ints of the account's creatives that had delivery in the last week, the most gross (net) money first."""
    until = context.observed["cutoff"].to_numpy("datetime64[s]")
    running = rows[context.launched[rows] & (until[rows] >= until.max() - np.timedelta64(7, "D"))]
    running = running if len(running) else rows
    column = "net_gmv_cny" if "early:net_gmv_cny" in context.observed else "gmv_cny"
    earned = np.nan_to_num(context.counts(column))
    return running[np.argsort(-earned[running], kind="stable")][:MOST_TESTS].tolist()


def new_creative(context: ReportContext, row: int) -> CandidateCreative:
    """A creative of the data as the request of a caller before launch."""
    observed = context.observed.iloc[row]
    creative: CandidateCreative = {
        "creative_id": f"{row}",
        "promotion_type": str(observed["promotion_type"]),
        "account_id": str(observed["account_id"]),
    }
    for name in names_of("text", requested=True):
        if name in observed and pd.notna(observed[name]):
            creative[name] = str(observed[name])
    for name in names_of("number", requested=True):
        if name in observed and pd.notna(observed[name]):
            creative[name] = float(observed[name])
    tags = {name: observed.get(TAG + name) for name in context.loaded_model.tags}
    creative["tags"] = {
        name: _tag_values(context, name, str(value))
        for name, value in tags.items()
        if value is not None and pd.notna(value)
    }
    return creative


def typical_creative(context: ReportContext, rows: Ints) -> CandidateCreative:
    """The account's typical creative before launch: the most frequent category values, the median numbers."""
    creatives = context.observed.iloc[rows]
    promotion_type = creatives["promotion_type"].mode().iat[0]
    creatives = creatives[creatives["promotion_type"] == promotion_type]
    creative: CandidateCreative = {
        "creative_id": "typical",
        "promotion_type": str(promotion_type),
        "account_id": str(creatives["account_id"].iat[0]),
    }
    for name in [name for name in names_of("text", requested=True) if name != "copy_text"]:
        if name in creatives and creatives[name].notna().any():
            if name == "product_id":  # KOC, category and price are then those of this product
                creatives = creatives[creatives[name] == creatives[name].mode().iat[0]]
            creative[name] = str(creatives[name].mode().iat[0])
    for name in names_of("number", requested=True):
        if name in creatives and creatives[name].notna().any():
            creative[name] = float(creatives[name].median())
    columns = {name: TAG + name for name in context.loaded_model.tags}
    creative["tags"] = {
        name: _tag_values(context, name, str(creatives[column].mode().iat[0]))
        for name, column in columns.items()
        if column in creatives and creatives[column].notna().any()
    }
    return creative


def _tag_values(context: ReportContext, name: str, value: str) -> str | list[str]:
    return value.split(MULTI) if name in context.loaded_model.vocabulary.multi else value


def _name(context: ReportContext, row: int) -> str:
    observed = context.observed
    name = observed["creative_name"].iloc[row] if "creative_name" in observed else None
    return str(observed["creative_id"].iloc[row]) if name is None or pd.isna(name) else str(name)

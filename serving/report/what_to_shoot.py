"""What to shoot next: tests of one variable on what runs, and new directions, each asked of the service's own path."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from features.attributes import names_of
from features.point_in_time.entity_history import TAG
from features.schema import MULTI
from serving.api.requests import Creative
from serving.inference.predict import predictions
from serving.report.context import Seen
from serving.report.diversity import DIRECTION
from serving.report.effects import Figure

BASES = 6
CHANGED = (*DIRECTION, "style")
VALUES_PER_TAG = 5
DIRECTIONS_SHOWN = 6
LEAST_GAIN = 1.02


Merit = Mapping[str, Mapping[str, tuple[float, float]]]
"""Tag → value → log factor on the target, and its standard deviation."""


class Shot(Figure):
    """A creative worth shooting.

    Attributes:
        kind: `test` (one variable changed on a creative that runs) or `direction` (a combination not shot yet).
        of: The creative it changes, by name; empty for a direction.
        changed: Tag → (from, to); of a direction from is empty.
        target: What is told: ROI, else GPM.
        value, low, high: Predicted before launch; the interval is that of one creative's first week.
        gain, gain_low, gain_high: `value` over `before`, with the interval of what the changed tags do.
        before: Of the unchanged creative, were it new too; of a direction, of the account's mean new creative.
        chance: P(≥ ROI target).
        hit_chance: P(hit).
        because: Stage → factor against `before`, the largest first.
        creatives: In all the data with the new values (of a direction: with its rarest one).
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


def shots(seen: Seen, account: str, merit: Merit, z: float) -> list[Shot]:
    """Tests first, then directions; none where no tag or target allows any.

    Args:
        seen: The creatives.
        account: For whom.
        merit: Which values are worth asking about.
        z: Standard deviations to either end of an interval.
    """
    target = seen.roi or seen.gpm
    tags = [tag for tag in CHANGED if tag in seen.tags and tag in merit]
    mine = np.flatnonzero((seen.observed["account_id"] == account).to_numpy())
    if not target or not tags or not len(mine):
        return []
    ask = _asker(seen)
    return [*_tests(seen, ask, mine, tags, merit, target, z), *_directions(seen, ask, mine, tags, merit, target, z)]


Ask = Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]


def _asker(seen: Seen) -> Ask:
    def ask(creatives: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        asked = [Creative.model_validate(one) for one in creatives]
        return list(predictions(seen.served, asked, now=seen.served.as_of.moment).answers)

    return ask


def _tests(seen: Seen, ask: Ask, mine: np.ndarray, tags: list[str], merit: Merit, target: str, z: float) -> list[Shot]:
    bases = _bases(seen, mine)
    asked: list[dict[str, Any]] = []
    about: list[tuple[int, str, str, str]] = []
    for row in bases:
        plain = new_one(seen, row)
        asked.append(plain)
        about.append((row, "", "", ""))
        for tag in tags:
            name = seen.tags[tag].removeprefix(TAG)
            has = plain["tags"].get(name)
            best = sorted(merit[tag], key=lambda value: -merit[tag][value][0])
            for value in [v for v in best if v != has][:3]:
                asked.append(
                    {**plain, "creative_id": f"{row}-{tag}-{value}"[:128], "tags": {**plain["tags"], name: value}}
                )
                about.append((row, tag, str(has or ""), value))
    answers = ask(asked)
    before: dict[str, Any] = {}
    found: list[tuple[float, Shot]] = []
    for (row, tag, has, value), answer in zip(about, answers):
        if not tag:
            before = answer
            continue
        gain = answer["targets"][target]["value"] / before["targets"][target]["value"]
        if gain >= LEAST_GAIN:
            told = _shot(seen, "test", answer, before, target, {tag: (has, value)}, _named(seen, row), merit, z)
            found.append((gain, told))
    found.sort(key=lambda entry: -entry[0])
    shown, used = [], set()
    for _, shot in found:  # one test of a creative, one creative of a change: different questions teach more
        (tag, (_, value)) = next(iter(shot.changed.items()))
        if shot.of not in used and (tag, value) not in used:
            shown.append(shot)
            used |= {shot.of, (tag, value)}
    return shown[:BASES]


def _directions(
    seen: Seen, ask: Ask, mine: np.ndarray, tags: list[str], merit: Merit, target: str, z: float
) -> list[Shot]:
    tags = [tag for tag in tags if tag in DIRECTION]
    if len(tags) < 2:
        return []
    columns = [seen.tags[tag] for tag in tags]
    shot_before = {tuple(row) for row in seen.observed[columns].iloc[mine].astype(object).to_numpy().tolist()}
    top = [sorted(merit[tag], key=lambda value: -merit[tag][value][0])[:VALUES_PER_TAG] for tag in tags]
    combos = [combo for combo in product(*top) if combo not in shot_before]
    if not combos:
        return []
    plain = typical_one(seen, mine)
    names = [column.removeprefix(TAG) for column in columns]
    combos.sort(key=lambda combo: -sum(merit[tag][value][0] for tag, value in zip(tags, combo)))
    combos = combos[:200]
    asked = [
        plain,
        *(
            {**plain, "creative_id": f"d{n}", "tags": {**plain["tags"], **dict(zip(names, combo))}}
            for n, combo in enumerate(combos)
        ),
    ]
    before, *answers = ask(asked)
    order = sorted(range(len(combos)), key=lambda n: -answers[n]["targets"][target]["value"])
    chosen: list[int] = []
    for place in order:  # each differs from those before it in two tags or more
        if all(sum(a != b for a, b in zip(combos[place], combos[other])) >= 2 for other in chosen):
            chosen.append(place)
        if len(chosen) == DIRECTIONS_SHOWN:
            break
    return [
        _shot(
            seen, "direction", answers[n], before, target, {t: ("", v) for t, v in zip(tags, combos[n])}, "", merit, z
        )
        for n in chosen
    ]


def _shot(
    seen: Seen, kind: str, answer: dict[str, Any], before: dict[str, Any], target: str,
    changed: dict[str, tuple[str, str]], of: str, merit: Merit, z: float,
) -> Shot:  # fmt: skip
    factors = {
        name: answer["stages"][name]["value"] / before["stages"][name]["value"]
        for name in answer["stages"]
        if name not in ("hold", "engage")
    }
    because = sorted(factors.items(), key=lambda entry: -abs(np.log(entry[1])))
    sizes = [int((seen.loaded.creatives[seen.tags[tag]] == value).sum()) for tag, (_, value) in changed.items()]
    told = answer["targets"][target]
    earlier = before["targets"][target]["value"]
    gain = told["value"] / earlier
    values = [merit[tag][value][1] for tag, pair in changed.items() for value in pair if value in merit[tag]]
    sd = float(np.sqrt(np.square(values).sum()))
    return Shot(
        kind=kind,
        of=of,
        changed=changed,
        target=target,
        value=told["value"],
        low=told["low"],
        high=told["high"],
        gain=gain,
        gain_low=float(gain * np.exp(-z * sd)),
        gain_high=float(gain * np.exp(z * sd)),
        before=earlier,
        chance=answer["chance_of_target"],
        hit_chance=answer["hit_chance"],
        because=[(name, float(factor)) for name, factor in because if abs(factor - 1.0) >= 0.01][:3],
        creatives=min(sizes),
    )


def _bases(seen: Seen, mine: np.ndarray) -> list[int]:
    """The account's creatives that ran lately and earned most: worth a variation."""
    until = seen.observed["cutoff"].to_numpy("datetime64[s]")
    running = mine[seen.launched[mine] & (until[mine] >= until.max() - np.timedelta64(7, "D"))]
    running = running if len(running) else mine
    earned = np.nan_to_num(seen.figure("net_gmv_cny" if "early:net_gmv_cny" in seen.observed else "gmv_cny"))
    return running[np.argsort(-earned[running], kind="stable")][:BASES].tolist()


def new_one(seen: Seen, row: int) -> dict[str, Any]:
    """A creative of the data as one not launched yet, as a caller of the service would tell it."""
    told = seen.observed.iloc[row]
    one: dict[str, Any] = {
        "creative_id": f"{row}",
        "promotion_type": str(told["promotion_type"]),
        "account_id": str(told["account_id"]),
    }
    for name in names_of("text", requested=True):
        if name in told and pd.notna(told[name]):
            one[name] = str(told[name])
    for name in names_of("number", requested=True):
        if name in told and pd.notna(told[name]):
            one[name] = float(told[name])
    one["tags"] = {}
    for name in seen.served.tags:
        value = told.get(TAG + name)
        if value is not None and pd.notna(value):
            one["tags"][name] = str(value).split(MULTI) if name in seen.served.vocabulary.multi else str(value)
    return one


def typical_one(seen: Seen, mine: np.ndarray) -> dict[str, Any]:
    """The account's most usual creative: of each word the most frequent, of each number the median."""
    rows = seen.observed.iloc[mine]
    kind = rows["promotion_type"].mode().iat[0]
    rows = rows[rows["promotion_type"] == kind]
    one: dict[str, Any] = {
        "creative_id": "typical",
        "promotion_type": str(kind),
        "account_id": str(rows["account_id"].iat[0]),
    }
    for name in [name for name in names_of("text", requested=True) if name != "copy_text"]:
        if name in rows and rows[name].notna().any():
            if name == "product_id":
                rows = rows[rows[name] == rows[name].mode().iat[0]]  # its KOC, category and price go with it
            one[name] = str(rows[name].mode().iat[0])
    for name in names_of("number", requested=True):
        if name in rows and rows[name].notna().any():
            one[name] = float(rows[name].median())
    one["tags"] = {}
    for name in seen.served.tags:
        column = TAG + name
        if column in rows and rows[column].notna().any():
            value = str(rows[column].mode().iat[0])
            one["tags"][name] = value.split(MULTI) if name in seen.served.vocabulary.multi else value
    return one


def _named(seen: Seen, row: int) -> str:
    name = seen.observed["creative_name"].iat[row] if "creative_name" in seen.observed else None
    return str(name) if name is not None and name == name else str(seen.observed["creative_id"].iat[row])

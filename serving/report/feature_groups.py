"""What the many contributions of a prediction are about: each named part belongs to one family that a strategist reads.

`hook` gathers the start's term `hook` and the trees' features `tag_hook`, `hist_hook_click`, `launched_hook`. Sums by
family are sums of served contributions and of nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.attributes import ATTRIBUTE_OF, NUMBER_ATTRIBUTES
from features.funnel import VOLUME
from features.matrix.catalogue import PLAIN_CODES, Feature, entity_label
from features.point_in_time.entity_history import MARKET, TAG, entity_name
from training.explanation.contributions import Contributions

Floats = npt.NDArray[np.float64]

BASE, OWN, PACE, PAST, ACCOUNT = "baseline", "own", "pace", "past", "account_id"
BY_NAME = {
    **{name: a.report_group for a in NUMBER_ATTRIBUTES for name in (a.feature_name, a.slope_name, a.square_name)},
    "price_band": ATTRIBUTE_OF["price_cny"].report_group,
    "creation_delay": "launch",
    "launch_hour": "launch",
    "launch_weekday": "launch",
    "hour_sin": "launch",
    "hour_cos": "launch",
    MARKET.name: BASE,
}
BY_GROUP = {"early": OWN, "pacing": PACE, "paid": PACE, "siblings": "siblings"}
WORDS = {
    **{a.report_group: a.label for a in NUMBER_ATTRIBUTES if a.group not in ATTRIBUTE_OF},
    "launch": ("投放时间", "time of launch"),
    "copy_text": ATTRIBUTE_OF["copy_text"].label,
    "siblings": ("同账户在投", "the account's other creatives"),
    OWN: ("自身早期数据", "own early evidence"),
    PACE: ("投放节奏", "pace of delivery"),
    PAST: ("同类历史", "history of others like it"),
    BASE: ("基准", "baseline"),
    **PLAIN_CODES,
}


def label(family: str) -> tuple[str, str]:
    """What a family is called, in Chinese and in English."""
    return WORDS.get(family) or entity_label(family)


def family_of(name: str, catalogue: Mapping[str, Feature], stages: Sequence[str]) -> str:
    """The family of a step of the start, or of a feature of the trees.

    Args:
        name: As it stands in an explanation.
        catalogue: Features of the model by name.
        stages: Of the funnel.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    if name not in catalogue:
        return name  # a term or entity of the start
    feature = catalogue[name]
    if feature.group in BY_GROUP:
        return BY_GROUP[feature.group]
    for prefix in ("hist_", "launched_"):
        if name.startswith(prefix):
            bare = name.removeprefix(prefix)
            for stage in (*stages, VOLUME):
                bare = bare.removesuffix(f"_{stage}") if prefix == "hist_" else bare
            return bare
    if feature.group == "history":
        return PAST
    if name.startswith("text_"):
        return "copy_text"
    return entity_name(name.split("=")[0]) if name.startswith(TAG) else name


@dataclass(frozen=True)
class Gathered:
    """Contributions to one log prediction of each row, by family; they add up to it.

    Attributes:
        baseline: What is expected of the mean creative at the time.
        own: The creative's own counts, and what the trees make of them.
        families: Names of the others.
        logs: One column each.
    """

    baseline: Floats
    own: Floats
    families: tuple[str, ...]
    logs: Floats

    @cached_property
    def total(self) -> Floats:
        """The log prediction."""
        return self.baseline + self.own + self.logs.sum(axis=1)

    def of(self, family: str) -> Floats:
        """One family's column; 0 where it has none."""
        if family not in self.families:
            return np.zeros(len(self.baseline))
        return self.logs[:, self.families.index(family)]


def gather(parts: Contributions, catalogue: Mapping[str, Feature], stages: Sequence[str]) -> Gathered:
    """The parts of a prediction by family."""
    count = len(parts.baseline)
    found: dict[str, Floats] = {BASE: parts.baseline + parts.clipped, OWN: parts.own_evidence.copy()}
    named = [*zip(parts.effect_names, parts.effects.T), *zip(parts.feature_names, parts.shap.T)]
    for name, values in named:
        if values.any():
            family = family_of(name, catalogue, stages)
            found[family] = found.get(family, np.zeros(count)) + values
    names = tuple(name for name in found if name not in (BASE, OWN))
    logs = np.column_stack([found[name] for name in names]) if names else np.zeros((count, 0))
    return Gathered(found[BASE], found[OWN], names, logs)

"""Contributions of a prediction summed by feature group, and the residuals that they leave.

A feature group is what a strategist reads as one thing: `hook` sums the random effect `hook` of the funnel model and
the SHAP values of `tag_hook`, `hist_hook_click` and `launched_hook`; `funnel` sums those of the funnel model's own
predictions, by which a head corrects it. Only contributions that the service answers with
are summed. Residuals compare a creative's own counts with what its groups predict; `shrunk_cells` averages them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.arrays import Codes, Floats
from features.attributes import ATTRIBUTE_OF, NUMBER_ATTRIBUTES
from features.bilingual import Words
from features.matrix.catalogue import PLAIN_CODES, Feature, entity_label
from features.point_in_time.entity_history import MARKET, TAG, entity_name
from features.stages import VOLUME
from training.boosting.volume_rows import PACES
from training.explanation.contributions import LogContributions

BASE, OWN, PACE, PAST, FUNNEL, ACCOUNT = "baseline", "own", "pace", "past", "funnel", "account_id"
GROUP_OF_NAME = {
    **{name: a.report_group for a in NUMBER_ATTRIBUTES for name in (a.feature_name, a.slope_name, a.square_name)},
    "price_band": ATTRIBUTE_OF["price_cny"].report_group,
    "creation_delay": "launch",
    "launch_hour": "launch",
    "launch_weekday": "launch",
    "hour_sin": "launch",
    "hour_cos": "launch",
    MARKET.name: BASE,
    **dict.fromkeys(PACES, PACE),
    "calibration": BASE,
}
"""Fixed effect or feature → its group, where its name does not say it."""
GROUP_OF_CATALOGUE_GROUP = {
    "early": OWN, "pacing": PACE, "paid": PACE, "siblings": "siblings", "funnel": FUNNEL,
}  # fmt: skip
GROUP_LABELS = {
    **{a.report_group: a.label for a in NUMBER_ATTRIBUTES if a.group not in ATTRIBUTE_OF},
    "copy_text": ATTRIBUTE_OF["copy_text"].label,
    "launch": Words("投放时间", "time of launch"),
    "siblings": Words("同账户在投", "the account's other creatives"),
    OWN: Words("自身早期数据", "own early evidence"),
    PACE: Words("投放节奏", "pace of delivery"),
    PAST: Words("同类历史", "history of others like it"),
    FUNNEL: Words("漏斗修正", "correction of the funnel"),
    BASE: Words("基准", "baseline"),
}
"""Groups that are no entity of the catalogue."""
LEAST_TAU = 1e-4
"""Smallest between-cell variance τ²."""


def group_label(group: str) -> Words:
    """Label of a feature group: that of its attributes or entities wherever they have one."""
    if group in GROUP_LABELS:
        return GROUP_LABELS[group]
    return PLAIN_CODES[group] if group in PLAIN_CODES else Words(*entity_label(group))


def feature_group(name: str, catalogue: Mapping[str, Feature], stages: Sequence[str]) -> str:
    """Feature group of a fixed or random effect of the funnel model, or of a feature of the trees.

    Args:
        name: Name of the contribution in an explanation.
        catalogue: Features of the model by name.
        stages: Names of the funnel's stages.
    """
    if name in GROUP_OF_NAME:
        return GROUP_OF_NAME[name]
    if name not in catalogue:
        return name  # an effect of the funnel model
    feature = catalogue[name]
    if feature.group in GROUP_OF_CATALOGUE_GROUP:
        return GROUP_OF_CATALOGUE_GROUP[feature.group]
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
class GroupedContributions:
    """Contributions to one log prediction of each creative by feature group; axis 0 of every array is the creative.

    Attributes:
        baseline: (creatives,) Log prediction of the mean creative at the time.
        own_evidence: (creatives,) What the creative's own early counts change.
        groups: Names of the other groups.
        logs: (creatives, groups) Their contributions.
        shap: (creatives, groups) The part of `logs` that is SHAP values of the heads' trees.
    """

    baseline: Floats
    own_evidence: Floats
    groups: tuple[str, ...]
    logs: Floats
    shap: Floats

    @cached_property
    def total(self) -> Floats:
        """(creatives,) The log prediction: the sum of all contributions."""
        return self.baseline + self.own_evidence + self.logs.sum(axis=1)

    @cached_property
    def without_own_evidence(self) -> Floats:
        """(creatives,) The log prediction without the creative's own counts."""
        return self.total - self.own_evidence

    def of_group(self, group: str) -> Floats:
        """(creatives,) Contributions of one group; zeros where it has none."""
        if group not in self.groups:
            return np.zeros(len(self.baseline))
        return self.logs[:, self.groups.index(group)]

    def shap_of_group(self, group: str) -> Floats:
        """(creatives,) The part of them that is SHAP values of the heads' trees."""
        if group not in self.groups:
            return np.zeros(len(self.baseline))
        return self.shap[:, self.groups.index(group)]


def group_contributions(
    contributions: LogContributions, catalogue: Mapping[str, Feature], stages: Sequence[str]
) -> GroupedContributions:
    """Sum contributions by feature group.

    Args:
        contributions: To one stage or target.
        catalogue: Features of the model by name.
        stages: Names of the funnel's stages.
    """
    count = len(contributions.baseline)
    sums: dict[str, Floats] = {
        BASE: contributions.baseline + contributions.clipped,
        OWN: contributions.own_evidence.copy(),
    }
    of_trees: dict[str, Floats] = {}
    for name, values in zip(contributions.effect_names, contributions.effects.T):
        _add(sums, feature_group(name, catalogue, stages), values)
    for name, values in zip(contributions.feature_names, contributions.shap.T):
        _add(sums, feature_group(name, catalogue, stages), values)
        _add(of_trees, feature_group(name, catalogue, stages), values)
    names = tuple(name for name in sums if name not in (BASE, OWN))
    zeros = np.zeros(count)
    logs, shap = (
        np.column_stack([table.get(name, zeros) for name in names]) if names else np.zeros((count, 0))
        for table in (sums, of_trees)
    )
    return GroupedContributions(sums[BASE], sums[OWN], names, logs, shap)


def _add(sums: dict[str, Floats], group: str, values: Floats) -> None:
    if values.any():
        sums[group] = sums[group] + values if group in sums else values.copy()


@dataclass(frozen=True)
class StageResidual:
    """How far creatives are from their prediction without own counts, at one stage; axis 0 is the creative.

    Attributes:
        deviation: (creatives,) Observed over predicted rate, less 1; 0 where nothing was counted.
        weight: (creatives,) One over its variance φ/u + s² (u: effective sample size); 0 where nothing was counted.
    """

    deviation: Floats
    weight: Floats


@dataclass(frozen=True)
class ResidualCell:
    """Mean residual of the creatives of one cell (a tag pair, a phrase, a KOC with a product).

    Attributes:
        code: Number of the cell.
        creatives: Creatives with counts.
        log: Log factor, shrunk.
        sd: Its posterior standard deviation.
        z: The mean before shrinkage, in its standard errors across creatives.
    """

    code: int
    creatives: int
    log: float
    sd: float
    z: float


def shrunk_cells(residuals: Sequence[StageResidual], codes: Codes, count: int) -> list[ResidualCell]:
    """Mean residual of each cell, shrunk by the between-cell variance τ² (by moments); empty cells are left out.

    τ² is estimated as in `features.funnel_model.interactions`: the mean product of residuals of two creatives of the
    same cell. The log factors of several stages add up.

    Args:
        residuals: Of one stage, or of several whose factors multiply.
        codes: (creatives,) Cell of each creative; −1 for none.
        count: Number of cells.
    """
    kept = codes >= 0
    log, variance, z = np.zeros(count), np.zeros(count), np.zeros(count)
    creatives = np.zeros(count, dtype=np.int64)
    for residual in residuals:
        deviation, weight, at = residual.deviation[kept], residual.weight[kept], codes[kept]
        total, total_squares, weights, squared_weights = (
            np.bincount(at, part, count).astype(np.float64)
            for part in (weight * deviation, (weight * deviation) ** 2, weight, weight**2)
        )
        top, bottom = float((total**2 - total_squares).sum()), float((weights**2 - squared_weights).sum())
        tau = max(top / bottom, LEAST_TAU) if bottom > 0 else LEAST_TAU
        mean = np.divide(total, weights, out=np.zeros(count), where=weights > 0)
        spread = np.bincount(at, (weight * (deviation - mean[at])) ** 2, count).astype(np.float64)
        # The robust variance across creatives is never taken to be below that of the model.
        of_model = np.divide(1.0, weights, out=np.full_like(weights, 1e6), where=weights > 0)
        error = np.maximum(np.divide(spread, weights**2, out=np.zeros(count), where=weights > 0), of_model)
        log += mean * tau / (tau + error)
        variance += tau * error / (tau + error)
        z += mean / np.sqrt(np.maximum(error, 1e-12)) / np.sqrt(len(residuals))
        creatives = np.maximum(creatives, np.bincount(at, weight > 0, count).astype(np.int64))
    return [
        ResidualCell(code, int(creatives[code]), float(log[code]), float(np.sqrt(variance[code])), float(z[code]))
        for code in np.flatnonzero(creatives).tolist()
    ]

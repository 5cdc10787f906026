"""The fitted funnel model: predicts the log rate of every stage from a creative's attributes; and its JSON form.

A log-linear mixed model per stage,

    log rate = intercept + Σ over columns of effect · value,

in which the effects of one term are random with a common variance, so that a category with few creatives stays near
the average creative (shrinkage by partial pooling). `features.funnel_model.fit` fits it.

Array axes: S stages, N rows, T terms, P columns of the design matrix, K slots of `TermEntries`. Variances are
variances of a log rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats, Seconds, Times
from features.funnel_model.design_matrix import term_entries
from features.funnel_model.effects import Effects
from features.funnel_model.expected_rates import ExpectedRates
from features.funnel_model.terms import PROMOTION_TYPE, TIME, Terms, is_categorical
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.windowed_sums import seconds
from features.stages import Stage


@dataclass(frozen=True)
class StageModel:
    """The fitted model of one stage.

    Attributes:
        intercept: Log rate of the average creative, before the effect of its promotion type.
        creative_variance: s², variance between creatives around their expected log rate (over-dispersion).
        dispersion: φ, variance of a ratio times its events; 1 for counts.
        effects: Term → (number of its columns,) effects.
        effect_variances: Term → posterior variance of each effect, same shape.
        variance_components: Random term → σ², the variance of its effects; a new category has this variance.
    """

    intercept: float
    creative_variance: float
    dispersion: float
    effects: Mapping[str, Floats]
    effect_variances: Mapping[str, Floats]
    variance_components: Mapping[str, float]


@dataclass(frozen=True)
class FunnelModel:
    """The models of all stages as fitted at one moment.

    Attributes:
        origin: Moment of the fit: it was fitted on what had been reported by then, and applies to cutoffs from then on.
        terms: Columns of the design matrix; each stage uses its own subset of the interactions.
        stages: Stage name → model.
        relative_variances: Categorical term → its variance component over the mean of all categorical terms, over all
            stages together.
    """

    origin: pd.Timestamp
    terms: Terms
    stages: Mapping[str, StageModel]
    relative_variances: Mapping[str, float]

    @cached_property
    def arrays(self) -> "ModelArrays":
        """The models of all stages as arrays."""
        return _compile(self)


@dataclass(frozen=True, eq=False)
class ModelArrays:
    """The models of S stages as arrays, compiled once for fast prediction.

    Attributes:
        first_column: Term → index of its first column among the P columns of all terms.
        effects: (S, P + 1); the last column belongs to no term and is 0.
        effect_variances: (S, P + 1), likewise.
        variance_components: Categorical term → (S,) σ².
        effect_terms: Stage → its terms besides promotion type and time, which form the base rate.
        intercepts: (S,).
        creative_variances: (S,), s².
    """

    first_column: Mapping[str, int]
    effects: Floats
    effect_variances: Floats
    variance_components: Mapping[str, Floats]
    effect_terms: Mapping[str, tuple[str, ...]]
    intercepts: Floats
    creative_variances: Floats
    _aligned: dict[tuple[tuple[str, ...], tuple[int, ...]], "AlignedArrays"] = field(default_factory=dict)

    def aligned(self, names: tuple[str, ...], edges: tuple[int, ...]) -> "AlignedArrays":
        """The arrays in the order of these terms and slots (`TermEntries`).

        Cached: they vary only in whether rows have a launch hour, and in the most values of a multi-valued tag.
        """
        found = self._aligned.get((names, edges))
        if found is None:
            places = {name: place for place, name in enumerate(names)}
            no_column, zeros = self.effects.shape[1] - 1, np.zeros(len(self.intercepts))
            first = np.array([self.first_column.get(name, no_column) for name in names]).repeat(np.diff(edges))
            found = self._aligned[names, edges] = AlignedArrays(
                first_column=first,
                known=first < no_column,
                first_slot=np.array(edges[:-1], dtype=np.int64),
                further_slots=[
                    (place, slot)
                    for place, (start, end) in enumerate(pairwise(edges))
                    for slot in range(start + 1, end)
                ],
                variance_components=np.array([self.variance_components.get(name, zeros) for name in names]).T[:, None],
                promotion_type=places[PROMOTION_TYPE],
                time=places[TIME],
                stages={
                    stage: (number, used, [places[name] for name in used])
                    for number, (stage, terms) in enumerate(self.effect_terms.items())
                    for used in [tuple(name for name in terms if name in places)]
                },
            )
        return found


@dataclass(frozen=True, eq=False)
class AlignedArrays:
    """A model's arrays in the order of the T terms and K slots of some `TermEntries`.

    Attributes:
        first_column: (K,) int64, index of the first column of each slot's term; P, the column of zeros, if unknown.
        known: (K,) whether the model knows the term.
        first_slot: (T,) int64, the first slot of each term.
        further_slots: Place of the term and the slot, of every slot but the first of its term.
        variance_components: (S, 1, T), σ²; 0 where the term is not categorical.
        promotion_type: Index of this term.
        time: Index of this term.
        stages: Stage → its index on axis 0, its terms besides promotion type and time, and the indices of these.
    """

    first_column: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]
    first_slot: npt.NDArray[np.int64]
    further_slots: list[tuple[int, int]]
    variance_components: Floats
    promotion_type: int
    time: int
    stages: Mapping[str, tuple[int, tuple[str, ...], list[int]]]


def _compile(model: FunnelModel) -> ModelArrays:
    stages = list(model.stages.values())
    sizes: dict[str, int] = {}
    for stage in stages:
        sizes |= {name: len(effect) for name, effect in stage.effects.items()}
    ends = np.cumsum([0, *sizes.values()])
    first_column = dict(zip(sizes, ends.tolist()))
    effects, effect_variances = np.zeros((2, len(stages), ends[-1] + 1))
    components = {name: np.zeros(len(stages)) for name in sizes if is_categorical(name)}
    for number, stage in enumerate(stages):
        for name, effect in stage.effects.items():
            columns = slice(first_column[name], first_column[name] + len(effect))
            effects[number, columns], effect_variances[number, columns] = effect, stage.effect_variances[name]
            if name in components:
                components[name][number] = stage.variance_components[name]
    return ModelArrays(
        first_column=first_column,
        effects=effects,
        effect_variances=effect_variances,
        variance_components=components,
        effect_terms={
            name: tuple(term for term in stage.effects if term not in (PROMOTION_TYPE, TIME))
            for name, stage in model.stages.items()
        },
        intercepts=np.array([stage.intercept for stage in stages]),
        creative_variances=np.array([stage.creative_variance for stage in stages]),
    )


def model_index(models: Sequence[FunnelModel], cutoffs: Times) -> npt.NDArray[np.int64]:
    """(N,) index of the model that applies at each cutoff: the last with origin ≤ cutoff; the first where none has."""
    origins = np.array([model.origin for model in models], dtype="datetime64[us]")
    return np.maximum(np.searchsorted(origins, cutoffs.astype("datetime64[us]", copy=False), side="right") - 1, 0)


def predict_as_of(models: Sequence[FunnelModel], observed: ArrayFrame, stages: Sequence[Stage]) -> ExpectedRates:
    """Predict each row by the model that applies at its cutoff, so that no row is predicted from its own future.

    Args:
        models: By rising origin.
        observed: N rows of `features.point_in_time.counts`.
        stages: Of the funnel.
    """
    index = model_index(models, observed["cutoff"]) if len(models) > 1 else np.zeros(0, dtype=np.int64)
    if (index == index[:1]).all():
        model = models[int(index[0])] if len(index) else models[-1]
        return predict(model, observed, seconds(observed["cutoff"]), stages)
    parts = []
    for number in np.unique(index):
        rows = np.flatnonzero(index == number)
        frame = observed.take(rows)
        parts.append((rows, predict(models[number], frame, seconds(frame["cutoff"]), stages)))
    return _join_rows(parts, len(index))


def _join_rows(parts: Sequence[tuple[npt.NDArray[np.int64], ExpectedRates]], count: int) -> ExpectedRates:
    """Put predictions of disjoint row sets together; a term that one of the models lacks has effect 0 there."""
    stages, all_effects = parts[0][1].stages, []
    for place in range(len(stages)):
        names = tuple(dict.fromkeys(name for _, part in parts for name in part.log_effects[place]))
        effects = Effects(names, np.zeros((len(names), count)), range(len(names)))
        for rows, part in parts:
            for name, effect in part.log_effects[place].items():
                effects[name][rows] = effect
        all_effects.append(effects)
    whole = ExpectedRates(stages, np.ones((len(stages), count)), all_effects, *np.ones((2, len(stages), count)))
    for rows, part in parts:
        whole.base_rate[:, rows], whole.log_rate[:, rows] = part.base_rate, part.log_rate
        whole.variance[:, rows] = part.variance
    return whole


def predict(model: FunnelModel, frame: ArrayFrame, times: Seconds, stages: Sequence[Stage]) -> ExpectedRates:
    """Predict the log rate of every stage, all stages in one step.

    Args:
        model: As fitted at one moment.
        frame: N rows with creatives' attributes and `launch_hour`.
        times: (N,) int64 seconds since 1970: the moment at which the time effect is evaluated.
        stages: Of the funnel.
    """
    arrays, entries = model.arrays, term_entries(frame, times, model.terms)
    aligned, no_column = arrays.aligned(entries.names, entries.edges), arrays.effects.shape[1] - 1
    # (N, K) column of each slot among all P columns; empty slots and terms unknown to the model take the zero column.
    at = np.where((entries.columns >= 0) & aligned.known, entries.columns + aligned.first_column, no_column)
    effects = _sum_by_term(arrays.effects.take(at, axis=1) * entries.values, aligned)
    effects[:, :, aligned.promotion_type] += arrays.intercepts[:, None]
    # x'Vx with V taken as diagonal; a new category (its first slot is empty) has the whole variance component.
    variances = _sum_by_term(arrays.effect_variances.take(at, axis=1) * entries.values**2, aligned)
    variances += aligned.variance_components * (at.take(aligned.first_slot, axis=1) == no_column)
    # (S, N, T) has a row's terms contiguous: their sum is bit-identical for one row and for many.
    log_rate, variance = effects.sum(axis=-1), variances.sum(axis=-1) + arrays.creative_variances[:, None]
    base_rate = np.exp(effects[:, :, aligned.promotion_type] + effects[:, :, aligned.time])
    names = tuple(stage.name for stage in stages)
    places = [aligned.stages[name][0] for name in names]
    if places != list(range(len(log_rate))):
        base_rate, log_rate, variance = base_rate[places], log_rate[places], variance[places]
    log_effects = [
        Effects(terms, effects[number].T, own) for number, terms, own in (aligned.stages[name] for name in names)
    ]
    if any(stage.priced for stage in stages):
        of_price = price_variance(frame, model.terms)
        for stage, line in zip(stages, variance):
            if stage.priced:
                line += of_price
    return ExpectedRates(names, base_rate, log_effects, log_rate, variance)


def _sum_by_term(parts: Floats, aligned: AlignedArrays) -> Floats:
    """Sums over the slots of each term, (S, N, K) → (S, N, T).

    Slots are added one by one, so that a row's sums are bit-identical whatever number of slots the other rows of the
    batch need.
    """
    sums = parts.take(aligned.first_slot, axis=2)
    for place, slot in aligned.further_slots:
        sums[:, :, place] += parts[:, :, slot]
    return sums


def price_variance(frame: ArrayFrame, terms: Terms) -> Floats:
    """(N,) variance of the log price where a creative's price is unknown, else 0.

    Order value is counted in reference prices, so its log rate is as uncertain as the log price.
    """
    if "log_price" not in terms.scaling:
        return np.zeros(len(frame))
    return np.where(frame.floats("price_cny") > 0, 0.0, terms.scaling["log_price"][1] ** 2)


def to_document(model: FunnelModel) -> dict[str, Any]:
    """The model as plain JSON types; `from_document` restores every float bit for bit."""
    return {
        "origin": model.origin.isoformat(),
        "terms": model.terms.model_dump(mode="json"),
        "relative_variances": dict(model.relative_variances),
        "stages": {
            name: {
                "intercept": stage.intercept,
                "creative_variance": stage.creative_variance,
                "dispersion": stage.dispersion,
                "effects": {term: effect.tolist() for term, effect in stage.effects.items()},
                "effect_variances": {term: part.tolist() for term, part in stage.effect_variances.items()},
                "variance_components": dict(stage.variance_components),
            }
            for name, stage in model.stages.items()
        },
    }


def from_document(document: dict[str, Any]) -> FunnelModel:
    """The model that `to_document` wrote.

    Raises:
        KeyError, TypeError, ValueError: The document is of another form.
    """
    return FunnelModel(
        origin=pd.Timestamp(document["origin"]),
        terms=Terms.model_validate(document["terms"]),
        relative_variances=document["relative_variances"],
        stages={
            name: StageModel(
                intercept=stage["intercept"],
                creative_variance=stage["creative_variance"],
                dispersion=stage["dispersion"],
                effects={term: np.array(effect, dtype=np.float64) for term, effect in stage["effects"].items()},
                effect_variances={
                    term: np.array(part, dtype=np.float64) for term, part in stage["effect_variances"].items()
                },
                variance_components=stage["variance_components"],
            )
            for name, stage in document["stages"].items()
        },
    )

"""What was tried: every variant of the model, in a sentence, and what has to be changed for it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from benchmarks.challengers import Ground, by_target, halfway, trees_alone
from configs.settings import Settings, Trees, VolumeTrees
from features.funnel_model import fit as fit_mixed
from features.funnel_model import fit_priors as fit_start
from features.funnel_model import interactions as crosses
from features.funnel_model import terms
from features.funnel_model.empirical_bayes import Floats
from features.funnel_model.model import MixedStage
from features.funnel_model.posterior import EMPIRICAL_BAYES, MIXED, Kind
from features.funnel_model.terms import KIND, is_slope
from features.funnel_model.working_response import Counts
from features.matrix.feature_matrix import Features
from training.boosting import model, tune
from training.boosting import stage_targets as stages
from training.boosting import volume_offset as volume
from training.boosting.unseen import Unseen

Constant = tuple[ModuleType | type, str, object]
"""Module (or class), name in it, and what stands there while the variant is fitted."""

NOTHING = 1e-6
LARGE = {name: getattr(VolumeTrees(), name) for name in ("num_leaves", "min_data_in_leaf", "lambda_l2")}
_LUCK, _VOLUME_COLUMNS = fit_mixed._luck, volume._columns


@dataclass(frozen=True)
class Variant:
    """One thing that is otherwise.

    Attributes:
        name: Of the variant.
        sentence: What is otherwise.
        of_volume: Judged on later volume; otherwise on the rates.
        settings: Section of the settings → what is changed in it.
        constants: What is changed in modules.
        kind: What every stage starts from; None: as folds choose.
        refits: The mixed model is fitted anew.
        challenge: Predicts in the default's place.
    """

    name: str
    sentence: str
    of_volume: bool = False
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    constants: tuple[Constant, ...] = ()
    kind: Kind | None = None
    refits: bool = False
    challenge: Callable[[Ground], list[Unseen]] | None = None

    def set_in(self, settings: Settings) -> Settings:
        """The settings with its own in place of some."""
        sections = {name: getattr(settings, name).model_copy(update=dict(own)) for name, own in self.settings.items()}
        return settings.model_copy(update=sections)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Its constants stand in their modules; afterwards what stood there before."""
        before = [(module, name, getattr(module, name)) for module, name, _ in self.constants]
        try:
            for module, name, value in self.constants:
                setattr(module, name, value)
            yield
        finally:
            for module, name, value in before:
                setattr(module, name, value)


def variants() -> dict[str, Variant]:
    """All of them, by name."""
    return {variant.name: variant for variant in (*_challengers(), *_starts(), *_own_counts(), *_trees(), *_volume())}


def _challengers() -> list[Variant]:
    return [
        Variant(
            "Tweedie per target",
            "one Tweedie model per target after the start product, extra_trees with 8 leaves",
            challenge=lambda ground: by_target(ground, _small(ground)),
        ),
        Variant(
            "Tweedie per target, 31 leaves",
            "the same with the trees of volume",
            challenge=lambda ground: by_target(ground, _large(ground)),
        ),
        Variant(
            "geometric mean",
            "half funnel, half Tweedie per target, on the log scale",
            challenge=lambda ground: halfway(ground, _small(ground)),
        ),
        Variant(
            "trees alone",
            "extra_trees with 8 leaves from the market's rate, without a start",
            challenge=lambda ground: trees_alone(ground, _small(ground)),
        ),
    ]


def _starts() -> list[Variant]:
    of_pooling = ((fit_mixed, "POOLED_WORTH", NOTHING),)
    found = [
        Variant("empirical Bayes", "every stage starts from empirical Bayes", kind=EMPIRICAL_BAYES),
        Variant("mixed", "every stage starts from the mixed model", kind=MIXED),
        Variant("variances alone", "one variance a term, nothing drawn together", constants=of_pooling, refits=True),
        Variant(
            "stages apart",
            "variances drawn to that of all words, but not to what a word says at other stages",
            constants=((fit_mixed, "_relative", lambda fits: {}),),
            refits=True,
        ),
        Variant(
            "flat slopes",
            "slopes with a flat prior instead of a variance of their own",
            constants=((fit_mixed, "_variance", _flat_slopes),),
            refits=True,
        ),
        Variant(
            "luck from squared residuals",
            "s² and φ as if the fit had not used up anything",
            constants=((fit_mixed, "_luck", _luck_without_leverage),),
            refits=True,
        ),
        Variant(
            "ratios weighed by traffic",
            "instead of an effect of each creative's own (features/funnel_model/working_response.py)",
            constants=((fit_mixed, "weigh", _ratios), (fit_mixed._Fit, "told", _told_as_it_is)),
            refits=True,
        ),
        Variant(
            "typical price",
            "creatives without a price teach the rate of value, at the typical price",
            constants=((fit_mixed, "unknown_price", lambda frame, known: np.zeros(len(frame))),),
            refits=True,
        ),
        Variant("refits every 5 days", "instead of 10", settings={"mixed": {"every_days": 5, "most": 30}}, refits=True),
        Variant("refits every 20 days", "instead of 10", settings={"mixed": {"every_days": 20}}, refits=True),
    ]
    found += [
        Variant(
            name,
            sentence,
            constants=((crosses, "LEAST_Z", least),),
            refits=True,
        )
        for name, sentence, least in (
            ("crosses at 1", "crosses kept at 1 standard error instead of 2", 1.0),
            ("crosses at 3", "at 3", 3.0),
            ("no crosses", "no pair of words has an effect of its own", np.inf),
        )
    ]
    return found + [
        Variant(
            f"bumps of {days} days",
            "bumps of time that far apart instead of 14",
            constants=((terms, "KNOT_SECONDS", days * 86_400),),
            refits=True,
        )
        for days in (7, 28)
    ]


def _own_counts() -> list[Variant]:
    return [
        Variant(
            "one step",
            "own counts of the whole life at once: no drift, no flutter",
            constants=((fit_start, "_fit_drift", lambda stage, lives, prior, expected: prior),),
        ),
        Variant(
            "each stage for itself",
            "own counts at one stage are not heard at others",
            constants=((fit_start, "_fit_trust", lambda stage, *_: {stage.name: 1.0}),),
        ),
        *(
            Variant(f"ridge {ridge:g}", "of both regressions, instead of 0.1", constants=((fit_start, "RIDGE", ridge),))
            for ridge in (0.01, 1.0, 10.0)
        ),
    ]


def _trees() -> list[Variant]:
    return [
        Variant("no trees", "the start alone", settings={"trees": {"rounds": 0}}),
        Variant(
            "best splits",
            "trees that look for the best split: no extra_trees",
            settings={"trees": {"extra_trees": False}},
        ),
        *(
            Variant(f"{leaves} leaves", "instead of 8", settings={"trees": {"num_leaves": leaves}})
            for leaves in (4, 16, 31)
        ),
        Variant("trees of volume", "31 leaves of 40 rows, λ 5", settings={"trees": LARGE}),
        *(
            Variant(f"at most {rounds} trees", "instead of 1 500", settings={"trees": {"rounds": rounds}})
            for rounds in (300, 5000)
        ),
    ]


def _volume() -> list[Variant]:
    powers = [
        Variant(
            f"volume: power {power:g}",
            "of the variance, in the start and in the trees, instead of 1.5",
            of_volume=True,
            constants=tuple((module, "POWER", power) for module in (volume, model, stages, tune)),
        )
        for power in (1.2, 1.7)
    ]
    return [
        *powers,
        Variant(
            "volume: others as much as own",
            "columns that tell of others shrunk as little as own pace, not 100 times as much",
            of_volume=True,
            constants=((volume, "OTHERS_RIDGE", volume.RIDGE),),
        ),
        Variant(
            "volume: one pace",
            "for all promotion types, not one of each",
            of_volume=True,
            constants=((volume, "_columns", _columns_of_one_pace),),
        ),
        Variant(
            "volume: ridge 0.05",
            "instead of 0.01",
            of_volume=True,
            constants=((volume, "RIDGE", 0.05), (volume, "OTHERS_RIDGE", 5.0)),
        ),
        Variant(
            "volume: rates as columns",
            "the log rates of the start beside pace and age",
            of_volume=True,
            constants=((volume, "_columns", _columns_with_rates),),
        ),
        Variant("volume: no trees", "the start alone", of_volume=True, settings={"volume_trees": {"rounds": 0}}),
        Variant("volume: 8 leaves", "instead of 31", of_volume=True, settings={"volume_trees": {"num_leaves": 8}}),
        Variant(
            "volume: at most 300 trees", "instead of 1 500", of_volume=True, settings={"volume_trees": {"rounds": 300}}
        ),
    ]


def _small(ground: Ground) -> Trees:
    return ground.dataset.settings.trees


def _large(ground: Ground) -> Trees:
    return Trees(**ground.dataset.settings.volume_trees.model_dump())


def _flat_slopes(name: str, spreads: Mapping[str, float]) -> float:
    return fit_mixed.KIND_VARIANCE if name == KIND or is_slope(name) else spreads[name]


def _luck_without_leverage(
    rows: Counts, log_rate: Floats, fit: fit_mixed._Fit, leverage: Floats
) -> tuple[float, float]:
    return _LUCK(rows, log_rate, fit, np.zeros_like(leverage))


def _ratios(counts: Counts, log_rate: Floats, own: float, dispersion: float) -> tuple[Floats, Floats, Floats]:
    expected = counts.exposure * np.exp(np.clip(counts.intercept + log_rate, -40.0, 40.0))
    events = expected if counts.events is None else counts.events
    return counts.count / expected - 1.0, 1.0 / (dispersion / events + own), events


def _told_as_it_is(fit: fit_mixed._Fit, intercept: float) -> MixedStage:
    return MixedStage(intercept, fit.own, fit.dispersion, fit.effects, fit.variances, fit.spreads)


def _columns_of_one_pace(features: Features, kinds: list[str]) -> dict[str, Floats]:
    return {name: values for name, values in _VOLUME_COLUMNS(features, kinds).items() if "@" not in name}


def _columns_with_rates(features: Features, kinds: list[str]) -> dict[str, Floats]:
    rates = {f"rate_{name}": begin.log_rate for name, begin in features.starts.items()}
    return {**_VOLUME_COLUMNS(features, kinds), **rates}

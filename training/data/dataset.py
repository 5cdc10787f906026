"""The rows of a run: every snapshot with its counts and its outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import Settings
from features.errors import InputError
from features.funnel import Funnel
from features.funnel_model.fit_priors import fit_priors
from features.funnel_model.model import FunnelModel
from features.funnel_model.posterior import PriorKind
from features.matrix.encoders import fit_encoder
from features.matrix.feature_matrix import Features, Fitted, build_features, numbers_present
from features.point_in_time.counts import funnel_of
from features.point_in_time.entity_history import Entity, entities
from features.point_in_time.snapshots import unit_codes
from features.schema import KEY, Loaded
from training.data.metrics_source import InMemory, Source
from training.data.subsample import drawn
from training.errors import TooThinError
from training.labels.outcomes import MATURE

Mask = np.ndarray


@dataclass(frozen=True)
class Dataset:
    """All rows, by position: `observed` and `outcome` have the same order.

    Attributes:
        source: Where they come from.
        funnel: The funnel that the columns allow.
        entities: What the creatives share.
        observed: Counts at each cutoff (`features.point_in_time.counts`).
        outcome: What came after (`training.labels.outcomes`).
        settings: Of the run.
        states: The mixed model at rising moments (`training.boosting.rolling_fits`); none where only empirical Bayes
        is used.
    """

    source: Source
    funnel: Funnel
    entities: list[Entity]
    observed: pd.DataFrame
    outcome: pd.DataFrame
    settings: Settings
    states: tuple[FunnelModel, ...] = ()

    @property
    def loaded(self) -> Loaded:
        """All metrics as one frame: for what looks at single rows, such as the leak suite.

        Raises:
            InputError: They are not in memory.
        """
        if not isinstance(self.source, InMemory):
            raise InputError("This needs all metrics in memory. Run it without ENGINE=dask, on a part of the data.")
        return self.source.loaded

    @property
    def rows(self) -> pd.DataFrame:
        """What splits need: `cutoff`, `closed_at`, `state`."""
        return pd.DataFrame(
            {
                "cutoff": self.observed["cutoff"],
                "closed_at": self.outcome["closed_at"],
                "state": self.outcome["state"],
            }
        )

    def left_out(self) -> dict[str, int]:
        """How many rows do not train, by reason; straddling periods are counted too."""
        counts = self.outcome["state"].value_counts()
        found = {str(state): int(count) for state, count in counts.items() if state != MATURE}
        straddled = int(self.outcome["straddled"].sum())
        return found | ({"a period crosses an edge of the window": straddled} if straddled else {})


def prepare(loaded: Loaded, settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Dataset:
    """`prepare_from` metrics in memory."""
    return prepare_from(InMemory(loaded), settings, tell)


def prepare_from(source: Source, settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Dataset:
    """Every snapshot of the creatives, with counts and outcomes.

    Args:
        source: Of the metrics.
        settings: Of the run.
        tell: Called with a line for people at each step.

    Raises:
        TooThinError: There is nothing to predict from.
        InputError: Promotion types that allow different predictions are mixed.
    """
    held = source.held()
    if not held:
        raise TooThinError("The store holds no metrics. Import exports that have impressions or spend.")
    funnel = funnel_of(sorted({name for names in held.values() for name in names}), source.creatives, settings)
    if not funnel.to_gmv and not funnel.to_roi:
        needed = "; ".join(f"{stage} needs {columns}" for stage, columns in funnel.missing.items())
        raise TooThinError(f"These columns allow neither GPM nor ROI: {needed}. Add them to the export.")
    found = source.snapshots(settings)
    if found.empty:
        raise TooThinError("No creative has impressions or spend, so none has a snapshot. Check the exports.")
    _refuse_mixture(held, source.creatives, funnel, settings)
    tell(f"{len(found):,} snapshots of {len(source.creatives):,} creatives")
    if len(found) > settings.max_snapshots:
        found = drawn(found, settings.max_snapshots)
        tell(f"{len(found):,} of these snapshots train and judge: whole creatives, drawn (max_snapshots)")
    shared = entities(source.creatives, settings.tags.multi, settings.tags.crosses)
    return Dataset(
        source=source,
        funnel=funnel,
        entities=shared,
        observed=source.observe(found, funnel, shared, settings),
        outcome=source.outcomes(found, funnel, settings),
        settings=settings,
    )


def _refuse_mixture(
    held: Mapping[str, Sequence[str]], creatives: pd.DataFrame, funnel: Funnel, settings: Settings
) -> None:
    """One model serves promotion types that know the same things; others are trained apart."""
    allowed = {kind: funnel_of(names, creatives, settings).targets for kind, names in held.items()}
    if any(targets != funnel.targets for targets in allowed.values()):
        each = "; ".join(f"{kind}: {', '.join(targets) or 'nothing'}" for kind, targets in allowed.items())
        raise InputError(
            f"The promotion types in these data allow different predictions ({each}), so no one model can serve them. "
            "Train them apart: give DATA as a folder or pattern that holds one of them, or name its source configs "
            "under `sources:` in a config."
        )


def fit_features(
    dataset: Dataset, train: Mask, until: pd.Timestamp, prior_kinds: Mapping[str, PriorKind] | None = None
) -> Fitted:
    """Priors and maps from what was known at a moment.

    Args:
        dataset: All rows.
        train: Its training rows; their creatives teach the maps of words.
        until: Only periods that ended by then teach the priors; what refunds change, only once it stood by then.
        prior_kinds: What each stage starts from; empirical Bayes where it is not named.
    """
    creatives, funnel, settings = dataset.source.creatives, dataset.funnel, dataset.settings
    taught = np.unique(unit_codes(dataset.observed.loc[train, KEY], creatives))
    totals = totals_known(dataset, until)
    lives = pd.concat([dataset.observed[train], dataset.outcome[train]], axis=1)
    states = tuple(state for state in dataset.states if state.origin <= until)
    # The regressions are small: on busy cores, threads that wait for each other made them 100 times slower.
    with threadpool_limits(1):
        priors = fit_priors(totals, lives, creatives, funnel, dataset.entities, states, prior_kinds)
        encoder = fit_encoder(creatives.iloc[taught], settings)
    return Fitted(
        funnel=funnel,
        priors=priors,
        encoder=encoder,
        entities=tuple(dataset.entities),
        numbers=numbers_present(lives, funnel),
        funnel_models=states,
        prior_kinds=dict(prior_kinds or {}),
    )


def rows_of(dataset: Dataset, mask: Mask, fitted: Fitted) -> tuple[Features, pd.DataFrame]:
    """Features and outcomes of the rows of a mask, under these priors and maps."""
    observed = dataset.observed[mask].reset_index(drop=True)
    return build_features(observed, fitted), dataset.outcome[mask].reset_index(drop=True)


def totals_known(dataset: Dataset, moment: pd.Timestamp) -> pd.DataFrame:
    """Figures of each creative, in the order of the creatives, from the periods that were reported by a moment.

    What refunds change counts once it stood by then.
    """
    return next(iter(dataset.source.totals([moment], dataset.funnel, dataset.settings)))

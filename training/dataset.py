"""The rows of a run: every snapshot with its counts and its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import BASES, Settings
from features.build import Features, Fitted, describe, numbers_present
from features.encode import fit_encoder
from features.errors import InputError
from features.fit_start import fit_priors
from features.funnel import Plan
from features.history import Entity, reported_measures
from features.measures import measures, reference_prices, split_settled
from features.mixed import Mixed
from features.observe import data_entities, data_plan, observe
from features.schema import KEY, Loaded
from features.snapshots import launches, snapshots, unit_codes
from features.start import Kind
from features.window import TimedSums
from training.errors import TooThinError
from training.outcome import MATURE, outcomes

Mask = np.ndarray


@dataclass(frozen=True)
class Dataset:
    """All rows, by position: `observed` and `outcome` have the same order.

    Attributes:
        loaded: What the store gave.
        plan: The funnel that the columns allow.
        entities: What the creatives share.
        observed: Counts at each cutoff (`features.observe`).
        outcome: What came after (`training.outcome`).
        settings: Of the run.
        states: The mixed model at rising moments (`training.refits`); none where only empirical Bayes is used.
    """

    loaded: Loaded
    plan: Plan
    entities: list[Entity]
    observed: pd.DataFrame
    outcome: pd.DataFrame
    settings: Settings
    states: tuple[Mixed, ...] = ()

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

    @cached_property
    def born(self) -> pd.DataFrame:
        """Launch of each creative, in the order of the creatives (`features.snapshots.launches`)."""
        return launches(self.loaded.metrics, self.loaded.creatives.reset_index(drop=True))

    @cached_property
    def sums_known(self) -> tuple[TimedSums, TimedSums]:
        """Figures of each creative by when they could be had, those that stand at once and those that settle.

        Every refit, fold and model asks for them at moments of its own: they are laid out once.
        """
        metrics, creatives = self.loaded.metrics, self.loaded.creatives.reset_index(drop=True)
        basis_column, settle_hours = BASES[self.settings.basis]
        rows = unit_codes(metrics, creatives)
        prices = reference_prices(creatives, self.plan.typical_price).iloc[rows].set_axis(metrics.index)
        figures = measures(metrics, prices, basis_column)
        delays = {str(grain): hours for grain, hours in self.settings.report_delay_hours.items()}
        reported = reported_measures(metrics, figures, rows, delays, settle_hours)
        now, later = split_settled(list(figures))
        return (
            TimedSums(rows, reported.known, reported.known, figures[now]),
            TimedSums(rows, reported.settled, reported.settled, figures[later]),
        )

    def left_out(self) -> dict[str, int]:
        """How many rows do not train, by reason; straddling periods are counted too."""
        counts = self.outcome["state"].value_counts()
        found = {str(state): int(count) for state, count in counts.items() if state != MATURE}
        straddled = int(self.outcome["straddled"].sum())
        return found | ({"a period crosses an edge of the window": straddled} if straddled else {})


def prepare(loaded: Loaded, settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Dataset:
    """Every snapshot of the loaded creatives, with counts and outcomes.

    Args:
        loaded: Of the store.
        settings: Of the run.
        tell: Called with a line for people at each step.

    Raises:
        TooThinError: There is nothing to predict from.
        InputError: Promotion types that allow different predictions are mixed.
    """
    if loaded.metrics.empty:
        raise TooThinError("The store holds no metrics. Import exports that have impressions or spend.")
    plan = data_plan(loaded, settings)
    if not plan.to_gmv and not plan.to_roi:
        needed = "; ".join(f"{stage} needs {columns}" for stage, columns in plan.missing.items())
        raise TooThinError(f"These columns allow neither GPM nor ROI: {needed}. Add them to the export.")
    found = snapshots(loaded.metrics, loaded.creatives, settings.ages_hours, weekly=settings.weekly)
    if found.empty:
        raise TooThinError("No creative has impressions or spend, so none has a snapshot. Check the exports.")
    _refuse_mixture(loaded, plan, settings)
    tell(f"{len(found):,} snapshots of {loaded.creatives.shape[0]:,} creatives")
    shared = data_entities(loaded, settings)
    return Dataset(
        loaded=loaded,
        plan=plan,
        entities=shared,
        observed=observe(found, loaded, plan, shared, settings),
        outcome=outcomes(found, loaded, plan, settings),
        settings=settings,
    )


def _refuse_mixture(loaded: Loaded, plan: Plan, settings: Settings) -> None:
    """One model serves promotion types that know the same things; others are trained apart."""
    allowed = {
        str(kind): data_plan(Loaded(metrics, loaded.creatives), settings).targets
        for kind, metrics in loaded.metrics.groupby("promotion_type")
    }
    if any(targets != plan.targets for targets in allowed.values()):
        each = "; ".join(f"{kind}: {', '.join(targets) or 'nothing'}" for kind, targets in allowed.items())
        raise InputError(
            f"The promotion types in these data allow different predictions ({each}), so no one model can serve them. "
            "Train them apart: give DATA as a folder or pattern that holds one of them, or name its source configs "
            "under `sources:` in a config."
        )


def fit_features(dataset: Dataset, train: Mask, until: pd.Timestamp, kinds: Mapping[str, Kind] | None = None) -> Fitted:
    """Priors and maps from what was known at a moment.

    Args:
        dataset: All rows.
        train: Its training rows; their creatives teach the maps of words.
        until: Only periods that ended by then teach the priors; what refunds change, only once it stood by then.
        kinds: What each stage starts from; empirical Bayes where it is not named.
    """
    creatives, plan, settings = dataset.loaded.creatives, dataset.plan, dataset.settings
    taught = np.unique(unit_codes(dataset.observed.loc[train, KEY], creatives))
    totals = totals_known(dataset, until)
    lives = pd.concat([dataset.observed[train], dataset.outcome[train]], axis=1)
    states = tuple(state for state in dataset.states if state.origin <= until)
    # The regressions are small: on busy cores, threads that wait for each other made them 100 times slower.
    with threadpool_limits(1):
        priors = fit_priors(totals, lives, creatives, plan, dataset.entities, states, kinds)
        encoder = fit_encoder(creatives.iloc[taught], settings)
    return Fitted(
        plan=plan,
        priors=priors,
        encoder=encoder,
        entities=tuple(dataset.entities),
        numbers=numbers_present(lives, plan),
        mixed=states,
        kinds=dict(kinds or {}),
    )


def rows_of(dataset: Dataset, mask: Mask, fitted: Fitted) -> tuple[Features, pd.DataFrame]:
    """Features and outcomes of the rows of a mask, under these priors and maps."""
    observed = dataset.observed[mask].reset_index(drop=True)
    return describe(observed, fitted), dataset.outcome[mask].reset_index(drop=True)


def totals_known(dataset: Dataset, moment: pd.Timestamp) -> pd.DataFrame:
    """Figures of each creative, in the order of the creatives, from the periods that were reported by a moment.

    What refunds change counts once it stood by then.
    """
    everyone = np.arange(len(dataset.loaded.creatives), dtype=np.int64)
    moments = np.full(len(everyone), int(moment.timestamp()), dtype=np.int64)
    totals: dict[str, np.ndarray] = {}
    for sums in dataset.sums_known:
        totals |= sums.until(everyone, moments)
    return pd.DataFrame(totals)

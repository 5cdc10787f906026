"""The rows of a run: every snapshot with its counts and its outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import Settings
from features.arrays import Mask
from features.attributes import promotion_type_label
from features.bilingual import series
from features.errors import InputError
from features.funnel import Funnel
from features.funnel_model.fit_priors import fit_priors
from features.funnel_model.model import FunnelModel
from features.matrix.encoders import fit_encoder
from features.matrix.feature_matrix import Features, Fitted, build_features, numbers_present
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import entities_of, funnel_of
from features.point_in_time.entity_history import Entity
from features.point_in_time.metric_rows import unit_codes
from features.schema import KEY, Loaded
from features.targets import TARGETS
from training.data.metrics_source import InMemorySource, MetricsSource
from training.errors import TooThinError
from training.labels.outcomes import MATURE


@dataclass(frozen=True)
class Dataset:
    """All rows of a run; `observed` and `outcome` have the same rows in the same order.

    Attributes:
        source: Of the metrics.
        funnel: The funnel that the columns allow.
        entities: Attributes that creatives share.
        observed: Counts at each cutoff (`features.point_in_time.counts`).
        outcome: Outcomes (`training.labels.outcomes`).
        settings: Of the run.
        funnel_models: Fitted at rising moments (`training.boosting.rolling_fits`); empty where only empirical Bayes is
            used.
    """

    source: MetricsSource
    funnel: Funnel
    entities: list[Entity]
    observed: pd.DataFrame
    outcome: pd.DataFrame
    settings: Settings
    funnel_models: tuple[FunnelModel, ...] = ()

    @property
    def loaded(self) -> Loaded:
        """All metrics as one frame, for code that reads single rows of metrics, such as the leak suite.

        Raises:
            InputError: They are not in memory.
        """
        if not isinstance(self.source, InMemorySource):
            raise InputError(
                "This needs all metrics in memory. Run it without ENGINE=dask, on a part of the data.",
                zh="这个命令要把数据全部读进内存。处理：不用 ENGINE=dask，只给一部分数据。",
            )
        return self.source.loaded

    @property
    def rows(self) -> pd.DataFrame:
        """`cutoff`, `closed_at` and `state` of each row, for splits."""
        return pd.DataFrame(
            {
                "cutoff": self.observed["cutoff"],
                "closed_at": self.outcome["closed_at"],
                "state": self.outcome["state"],
            }
        )

    def left_out(self) -> dict[str, int]:
        """Reason → rows that are not used for training; straddling periods are counted too."""
        counts = self.outcome["state"].value_counts()
        found = {str(state): int(count) for state, count in counts.items() if state != MATURE}
        straddled = int(self.outcome["straddled"].sum())
        return found | ({"a period crosses an edge of the window": straddled} if straddled else {})


def prepare(loaded: Loaded, settings: Settings, on_line: Callable[[str], None] = lambda _: None) -> Dataset:
    """`prepare_from` of metrics in memory."""
    return prepare_from(InMemorySource(loaded), settings, on_line)


def prepare_from(source: MetricsSource, settings: Settings, on_line: Callable[[str], None] = lambda _: None) -> Dataset:
    """Compute every snapshot of the creatives, with counts and outcomes.

    Args:
        source: Of the metrics.
        settings: Of the run.
        on_line: Called with a line of text at each step.

    Raises:
        TooThinError: There is nothing to predict from.
        InputError: Promotion types that allow different predictions are mixed.
    """
    value_columns = source.value_columns()
    if not value_columns:
        raise TooThinError(
            "The store holds no metrics. Import exports that have impressions or spend.",
            zh="没有任何效果数据；应有展现或消耗。处理：加上日报导出。",
        )
    funnel = funnel_of(sorted({name for names in value_columns.values() for name in names}), source.creatives, settings)
    if not funnel.to_gmv and not funnel.to_roi:
        needed = "; ".join(f"{stage} needs {columns}" for stage, columns in funnel.missing.items())
        raise TooThinError(
            f"These columns allow neither GPM nor ROI: {needed}. Add them to the export.",
            zh=f"这些列既算不出GPM，也算不出ROI：缺 {series(funnel.missing.values()).zh}。处理：导出时加上这些列。",
        )
    found = source.snapshots(settings)
    if found.empty:
        raise TooThinError(
            "No creative has impressions or spend, so none has a snapshot. Check the exports.",
            zh="没有一个素材有展现或消耗。处理：检查导出文件。",
        )
    _refuse_mixture(value_columns, source.creatives, funnel, settings)
    on_line(f"{len(found):,} snapshots of {len(source.creatives):,} creatives")
    if len(found) > settings.max_snapshots:
        found = subsample(found, settings.max_snapshots)
        on_line(f"{len(found):,} of these snapshots are used: whole creatives, subsampled by a hash (max_snapshots)")
    shared = entities_of(source.creatives, settings)
    return Dataset(
        source=source,
        funnel=funnel,
        entities=shared,
        observed=source.observe(found, funnel, shared, settings),
        outcome=source.outcomes(found, funnel, settings),
        settings=settings,
    )


def subsample(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Keep at most `most` snapshots: all of some creatives, the same ones in every run and on every machine.

    Creatives are chosen by a hash of their keys, and so not by their results.

    Args:
        rows: Snapshots.
        most: Upper limit.

    Returns:
        The snapshots kept, in their order.
    """
    if len(rows) <= most:
        return rows
    hashed = pd.util.hash_pandas_object(rows[KEY], index=False).to_numpy()
    creatives, counts = np.unique(hashed, return_counts=True)
    kept = creatives[np.cumsum(counts) <= most]
    return rows[np.isin(hashed, kept)].reset_index(drop=True)


def _refuse_mixture(
    value_columns: Mapping[str, Sequence[str]], creatives: pd.DataFrame, funnel: Funnel, settings: Settings
) -> None:
    """Raise unless all promotion types have the columns for the same targets: one model serves them all."""
    allowed = {name: funnel_of(own, creatives, settings).targets for name, own in value_columns.items()}
    if any(targets != funnel.targets for targets in allowed.values()):
        each = "; ".join(f"{name}: {series(targets).en or 'nothing'}" for name, targets in allowed.items())
        labels = {name: series(TARGETS[one].label.zh for one in targets).zh for name, targets in allowed.items()}
        each_zh = "；".join(f"{promotion_type_label(name).zh}：{targets or '没有'}" for name, targets in labels.items())
        raise InputError(
            f"The promotion types in these data allow different predictions ({each}), so no one model can serve them. "
            "Train them apart: give DATA as a folder or pattern that holds one of them, or name its source configs "
            "under `sources:` in a config.",
            zh=f"这些数据里的推广方式能预测的指标不同（{each_zh}），不能合成一个模型。"
            "处理：补齐导出的列，或把推直播、推商品放在两个文件夹里分开训练。",
        )


def fit_features(dataset: Dataset, train: Mask, until: pd.Timestamp, *, empirical_bayes_only: bool = False) -> Fitted:
    """Fit priors and encoders on what was known at a moment.

    Args:
        dataset: All rows.
        train: (rows,) Training rows; encoders are fitted on their creatives.
        until: Priors are fitted on periods that ended by then; on figures that refunds change, once they were final.
        empirical_bayes_only: Leave the dataset's funnel models out: the baseline.
    """
    creatives, funnel, settings = dataset.source.creatives, dataset.funnel, dataset.settings
    training_creatives = np.unique(unit_codes(dataset.observed.loc[train, KEY], creatives))
    totals = totals_known(dataset, until)
    snapshots = ArrayFrame.of(pd.concat([dataset.observed[train], dataset.outcome[train]], axis=1))
    funnel_models = () if empirical_bayes_only else tuple(m for m in dataset.funnel_models if m.origin <= until)
    # The regressions are small: on busy cores, contention between threads made them 100 times slower.
    with threadpool_limits(1):
        priors = fit_priors(totals, snapshots, ArrayFrame.of(creatives), funnel, dataset.entities, funnel_models)
        encoder = fit_encoder(creatives.iloc[training_creatives], settings)
    return Fitted(
        funnel=funnel,
        priors=priors,
        encoder=encoder,
        entities=tuple(dataset.entities),
        numbers=numbers_present(snapshots, funnel),
        funnel_models=funnel_models,
    )


def rows_of(dataset: Dataset, mask: Mask, fitted: Fitted) -> tuple[Features, pd.DataFrame]:
    """Features and outcomes of the rows of a mask, under these priors and encoders."""
    return build_features(ArrayFrame.of(dataset.observed[mask]), fitted), dataset.outcome[mask].reset_index(drop=True)


def totals_known(dataset: Dataset, moment: pd.Timestamp) -> pd.DataFrame:
    """Totals of each creative, in the order of the creatives, from periods that had been reported at a moment.

    Figures that refunds change are counted once they were final.
    """
    return next(iter(dataset.source.totals([moment], dataset.funnel, dataset.settings)))

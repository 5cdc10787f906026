"""What every section of a report reads, computed once: chosen creatives, predictions, contributions and counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings
from features.arrays import Floats
from features.bilingual import Words
from features.errors import InputError
from features.funnel import Funnel
from features.funnel_model.empirical_bayes import ratio_and_events, stage_counts
from features.matrix.catalogue import TAG_NAMES
from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.as_of_history import AsOfHistory
from features.point_in_time.as_of_table import as_of_table
from features.point_in_time.counts import columns_of_others, observe
from features.point_in_time.entity_history import TAG, entity_name
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import latest_snapshots, snapshot_frame, snapshot_table
from features.schema import KEY, Loaded
from features.stages import Stage
from serving.inference.loaded_model import LoadedModel
from serving.report.contribution_groups import GroupedContributions, StageResidual, group_contributions
from training.decision.advice import Advice, advise
from training.decision.status import RUNNING, STOPPED, WAITING, statuses
from training.explanation.contributions import all_contributions, check_additivity
from training.explanation.shap_values import tree_shap
from training.labels.outcomes import MATURE, actual_targets, outcomes
from training.progress import NO_PROGRESS, ProgressCallbacks

NAMES_SHOWN = 8
"""Names that a refusal lists; the others are counted."""


@dataclass(frozen=True)
class CreativeFilter:
    """Which creatives a report is about; empty or None: all.

    Attributes:
        account: Account id.
        product: Product id.
        since: Only creatives launched at this time or later, or not launched yet.
    """

    account: str = ""
    product: str = ""
    since: pd.Timestamp | None = None


@dataclass(frozen=True)
class ReportContext:
    """Inputs of the report's sections; frames and arrays have one row per chosen creative, in one order.

    Attributes:
        loaded_model: The model.
        loaded: All metrics and creatives; creatives that are not chosen count as history.
        now: End of the last reported period.
        creative_filter: Which creatives are chosen.
        observed: What each creative is and its counts so far (`features.point_in_time.counts`).
        features: Feature matrix of the model.
        predicted: Stage rates, targets, intervals, chances, status, verdicts.
        advice: Of which the last four are columns, with the distributions.
        stages: Stage → contributions by feature group.
        targets: Target → contributions by feature group.
        at_launch: Targets predicted at age 0, without the creative's own counts.
        outcomes: Actual targets of the first outcome window, its sums `later:…`, and `known`: whether it is mature.
        all_creatives: Attributes and `outcomes` of every creative of the data, chosen or not.
    """

    loaded_model: LoadedModel
    loaded: Loaded
    now: pd.Timestamp
    creative_filter: CreativeFilter
    observed: pd.DataFrame
    features: Features
    predicted: pd.DataFrame
    advice: Advice
    stages: Mapping[str, GroupedContributions]
    targets: Mapping[str, GroupedContributions]
    at_launch: pd.DataFrame
    outcomes: pd.DataFrame
    all_creatives: pd.DataFrame

    @property
    def funnel(self) -> Funnel:
        """The funnel of the model."""
        return self.loaded_model.model.fitted.funnel

    @property
    def settings(self) -> Settings:
        """Settings of the run that trained the model."""
        return self.loaded_model.manifest.settings

    @property
    def roi(self) -> str:
        """The ROI target that verdicts are about; empty where none is predicted."""
        return self.funnel.main_roi

    @property
    def gpm(self) -> str:
        """The GPM target that the report is about; empty where none is predicted."""
        return self.funnel.main_gpm

    @cached_property
    def tags(self) -> dict[str, str]:
        """Single-valued tags: feature group → column of `observed`."""
        multi = self.loaded_model.vocabulary.multi
        return {name: column for name, column in self.all_tags.items() if column.removeprefix(TAG) not in multi}

    @cached_property
    def all_tags(self) -> dict[str, str]:
        """All tags: feature group → column of `observed`, in the catalogue's order."""
        known = list(TAG_NAMES)
        names = sorted(self.loaded_model.tags, key=lambda name: known.index(name) if name in known else len(known))
        return {entity_name(TAG + name): TAG + name for name in names if TAG + name in self.observed}

    def counts(self, name: str) -> Floats:
        """(creatives,) Sum of a column of metrics so far; NaN where it is not known."""
        column = f"early:{name}"
        if column not in self.observed:
            return np.full(len(self.observed), np.nan)
        return self.observed[column].to_numpy(np.float64)

    @cached_property
    def residuals(self) -> dict[str, StageResidual]:
        """Stage → residuals against the prediction without own counts."""
        return {stage.name: _residual(self, stage) for stage in self.funnel.stages}

    @cached_property
    def status(self) -> list[str]:
        """Status of each creative (`training.decision.status`)."""
        return self.predicted["status"].astype(str).tolist()

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """(creatives,) Rows in the order of the report: running, then waiting, then stopped ones, each by spend.

        The place in it is the index by which all sections refer to a creative.
        """
        rank = np.array([(RUNNING, WAITING, STOPPED).index(status) for status in self.status])
        return np.lexsort((-np.nan_to_num(self.counts("spend_cny")), rank))

    @cached_property
    def launched(self) -> npt.NDArray[np.bool_]:
        """(creatives,) Which have had delivery."""
        return self.observed["age_hours"].to_numpy(np.float64) > 0


def build_context(
    loaded_model: LoadedModel,
    loaded: Loaded,
    creative_filter: CreativeFilter,
    progress: ProgressCallbacks = NO_PROGRESS,
) -> ReportContext:
    """Predict and explain the chosen creatives with the functions that the service uses.

    Raises:
        InputError: No creative is chosen; the message lists what could be.
    """
    if loaded.metrics.empty:
        raise InputError(
            "The data hold no metrics, so there is nothing to report. Import reports too.",
            zh="数据里没有效果数据，没有可以写进报告的。处理：把日报导出也放进来。",
        )
    progress.phase("count")
    model, settings = loaded_model.model, loaded_model.manifest.settings
    fitted, funnel = model.fitted, model.fitted.funnel
    now = loaded.metrics["period_end"].max()
    metrics, shared = MetricRows.of(loaded), fitted.entities
    latest = latest_snapshots(metrics, now)
    snapshots = snapshot_frame(latest, metrics.creatives)
    chosen = _chosen(snapshots, loaded, creative_filter)
    rows = snapshots[chosen].reset_index(drop=True)
    units = latest["unit"][chosen]
    # As in batch predictions, history counts everything reported until now, also for creatives of the past.
    history = AsOfHistory(as_of_table(metrics, funnel, shared, settings, now), shared, now)
    others = columns_of_others(history.of(metrics.creatives.take(units), units))
    observed = observe(latest.take(chosen), metrics, others, funnel, settings)
    features = build_features(observed, fitted)
    progress.phase("predict")
    predicted = model.predict(features)
    status = statuses(observed, metrics.account_until[units])
    advice = advise(predicted, features, observed, status, model, settings)
    predicted = pd.concat([predicted, advice.frame()], axis=1)
    progress.phase("explain")
    of_stages, of_targets = all_contributions(model, features, tree_shap(model.boosters, features.values.matrix))
    check_additivity(of_stages | of_targets, predicted)
    catalogue = {feature.name: feature for feature in loaded_model.catalogue}
    names = [stage.name for stage in funnel.stages]
    unlaunched = observe(snapshot_table(_at_launch(rows), units), metrics, others, funnel, settings)
    first_outcomes = _outcomes(snapshots, loaded, funnel, settings)
    return ReportContext(
        loaded_model=loaded_model,
        loaded=loaded,
        now=now,
        creative_filter=creative_filter,
        observed=observed.frame(),
        features=features,
        predicted=predicted,
        advice=advice,
        stages={name: group_contributions(part, catalogue, names) for name, part in of_stages.items()},
        targets={name: group_contributions(part, catalogue, names) for name, part in of_targets.items()},
        at_launch=model.predict(build_features(unlaunched, fitted)),
        outcomes=first_outcomes[chosen].reset_index(drop=True),
        all_creatives=pd.concat([snapshots[KEY].merge(loaded.creatives, how="left", on=KEY), first_outcomes], axis=1),
    )


def _residual(context: ReportContext, stage: Stage) -> StageResidual:
    price = context.features.reference_price if stage.priced else 1.0
    rate = np.exp(context.stages[stage.name].without_own_evidence) / price
    fitted = context.loaded_model.model.fitted
    of_stage = (fitted.funnel_models[-1].stages if fitted.funnel_models else fitted.priors)[stage.name]
    ratio, events = ratio_and_events(stage.is_poisson, *stage_counts(stage, context.observed, "early:"), rate)
    weight = np.divide(1.0, of_stage.dispersion / np.maximum(events, 1e-12) + of_stage.creative_variance)
    return StageResidual(np.where(events > 0, ratio - 1.0, 0.0), np.where(events > 0, weight, 0.0))


def _outcomes(rows: pd.DataFrame, loaded: Loaded, funnel: Funnel, settings: Settings) -> pd.DataFrame:
    sums = outcomes(_at_launch(rows), loaded, funnel, settings)
    known = (sums["state"] == MATURE).to_numpy() & (rows["age_hours"] > 0).to_numpy()
    return pd.concat([actual_targets(sums, funnel), sums], axis=1).assign(known=known)


def _at_launch(rows: pd.DataFrame) -> pd.DataFrame:
    """The same creatives with their cutoff at launch, before any of their own counts."""
    launched = rows["age_hours"] > 0
    cutoff = rows["launched_at"].where(launched, rows["cutoff"]).astype("datetime64[us]")
    return rows.assign(age_hours=0.0, elapsed_hours=0.0, cutoff=cutoff)


def _chosen(rows: pd.DataFrame, loaded: Loaded, creative_filter: CreativeFilter) -> npt.NDArray[np.bool_]:
    creatives, account, product = loaded.creatives, creative_filter.account, creative_filter.product
    chosen = np.ones(len(rows), dtype=bool)
    if account:
        chosen &= (rows["account_id"] == account).to_numpy()
        if not chosen.any():
            here = _some(rows["account_id"])
            raise InputError(
                f"No creative of account {account}. Accounts here: {here.en}.",
                zh=f"没有账户 {account} 的素材。这份数据里的账户：{here.zh}。",
            )
    if product:
        if "product_id" not in creatives:
            raise InputError(
                "--product: these data name no product. Add 商品ID (product_id) to the tag sheet.",
                zh="--product：这份数据里没有商品。处理：在标签表里加上 商品ID 一列。",
            )
        products = rows[KEY].merge(creatives, how="left", on=KEY)["product_id"]
        of_product = (products == product).to_numpy(dtype=bool)
        if not (chosen & of_product).any():
            here = _some(products[chosen])
            raise InputError(
                f"No creative of product {product}. Products here: {here.en}.",
                zh=f"没有商品 {product} 的素材。这里的商品：{here.zh}。",
            )
        chosen &= of_product
    since = creative_filter.since
    if since is not None:
        chosen &= ~(rows["launched_at"] < since).to_numpy() | (rows["age_hours"] == 0).to_numpy()
        if not chosen.any():
            last = rows["launched_at"].max()
            raise InputError(
                f"No creative was launched since {since:%Y-%m-%d}; the last one {last:%Y-%m-%d}.",
                zh=f"{since:%Y-%m-%d} 以来没有投放过素材；最后一条投放于 {last:%Y-%m-%d}。",
            )
    return chosen


def _some(values: pd.Series) -> Words:
    found = sorted(values.dropna().astype(str).unique())
    more = len(found) - NAMES_SHOWN
    return Words(
        "、".join(found[:NAMES_SHOWN]) + (f" 等 {len(found)} 个" if more > 0 else ""),
        ", ".join(found[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else ""),
    )

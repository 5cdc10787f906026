"""The champion: load the model that predicts, and decide whether a new model replaces it."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from features.arrays import Mask
from features.bilingual import Words, series
from features.point_in_time.as_of_table import read_ids
from features.point_in_time.snapshots import SNAPSHOT
from training.boosting.model import CreativeModel
from training.data.dataset import Dataset
from training.decision.unknown_ids import KnownIds
from training.errors import BundleError
from training.evaluation.holdout import evaluate_holdout
from training.evaluation.metrics import score
from training.registry import mlflow_tracking
from training.registry.bundle import Manifest, load_bundle
from training.registry.champion_finder import ChampionFinder
from training.registry.live_evidence import LiveComparison, live_comparison
from training.registry.mlflow_client import champions
from training.registry.registry_stamp import CHAMPION, registry_stamp
from training.workspace import MODEL_CACHE, Workspace


@dataclass(frozen=True)
class ChampionComparison:
    """A new model against the champion.

    Attributes:
        promoted: Whether the new model becomes the champion.
        reason: In a few words.
    """

    promoted: bool
    reason: Words


class ChosenModel(NamedTuple):
    """A checked model, its manifest, its display name, and the ids of its data (empty where its bundle keeps none)."""

    model: CreativeModel
    manifest: Manifest
    name: str
    known_ids: KnownIds


def model_for(space: Workspace, bundle: Path | None) -> ChosenModel:
    """Load the named bundle, else the workspace's champion.

    Raises:
        BundleError: There is no champion, or the bundle is refused.
    """
    if bundle is not None:
        return ChosenModel(*load_bundle(bundle), str(bundle), read_ids(bundle))
    if space.mlflow.is_server:  # a server that does not answer is found in seconds, by MLflow's client in minutes
        registry_stamp(space.mlflow, space.registered_model)
    champion = mlflow_tracking.champion(space)
    if champion is None:
        others = series(other.name for other in champions(space.mlflow))
        raise BundleError(
            f"No model of these data is registered (looked for the alias {CHAMPION} of "
            f"{space.registered_model} in {space.mlflow.place}; champions there: {others.en or 'none'}). Run "
            "`make train` with the same DATA and CONFIG, set `name:` in the config so that several folders share one "
            "model, or name a bundle with --model.",
            zh=f"这份数据还没有训练过模型（要找的是 {space.registered_model}；已有：{others.zh or '无'}）。处理："
            f"用同样的 DATA 和 CONFIG 先 make train；"
            "几个文件夹要共用一个模型，就在配置里写 name:。",
        )
    with mlflow_tracking.fetched(space, champion) as folder:
        return ChosenModel(*load_bundle(folder), str(champion), read_ids(folder))


def keep_for_service(space: Workspace, var: Path) -> str:
    """Take a new champion from the registry as a service does, into its cache: the service then starts without MLflow.

    Args:
        space: Of the run.
        var: Folder of all workspaces.

    Returns:
        Why a service cannot have it; empty where it can.
    """
    try:
        ChampionFinder(space.mlflow, var / MODEL_CACHE, mlflow_tracking.MOST_BYTES).find()
    except BundleError as refusal:
        return f"a service could not take the champion from the registry: {refusal}"
    return ""


def compare_with_registered(
    dataset: Dataset, holdout: Mask, new: CreativeModel, space: Workspace
) -> ChampionComparison:
    """Compare a new evaluation model with that of the registered champion; a champion that cannot be loaded loses.

    What the champion really answered counts first, where `make score` found enough of it settled to tell the two apart.
    """
    champion = mlflow_tracking.champion(space)
    if champion is None:
        return compare_with_champion(dataset, holdout, new, None, None)
    try:
        with mlflow_tracking.fetched(space, champion, mlflow_tracking.EVALUATION_BUNDLE) as folder:
            old, manifest = load_bundle(folder)
    except BundleError as refusal:
        return ChampionComparison(
            True, Words(f"此前的冠军已不能使用：{refusal}", f"the champion so far cannot be used any more ({refusal})")
        )
    since = dataset.observed.loc[holdout, "cutoff"].min()
    live = live_comparison(space.folder, dataset, new, since, champion)
    return compare_with_champion(dataset, holdout, new, old, manifest, live)


def compare_with_champion(
    dataset: Dataset,
    holdout: Mask,
    new: CreativeModel,
    old: CreativeModel | None,
    old_manifest: Manifest | None,
    live: LiveComparison | None = None,
) -> ChampionComparison:
    """Decide whether a new model becomes the champion: only with a smaller deviance on the same rows.

    Rows are those of the holdout that neither model was trained on. Where the models predict different targets, the
    rates that both predict are compared.

    Args:
        dataset: All rows.
        holdout: Mask of the new model's holdout rows.
        new: The new evaluation model.
        old: The champion's evaluation model; None where there is no champion.
        old_manifest: Of the champion's evaluation bundle.
        live: The new model against the champion's own answers; it decides where it tells the two apart.
    """
    if old is None or old_manifest is None:
        return ChampionComparison(True, Words("此前没有冠军", "there was no champion"))
    ours, theirs = dataset.settings, old_manifest.settings
    if (ours.basis, ours.outcome_days) != (theirs.basis, theirs.outcome_days):
        return ChampionComparison(
            False,
            Words(
                f"冠军预测 {theirs.outcome_days} 天的 {theirs.basis}，这个模型 {ours.outcome_days} 天的 {ours.basis}："
                "口径不同不比较，请在配置里给它另起名字（name）",
                f"the champion predicts {theirs.basis} over {theirs.outcome_days} days, this model {ours.basis} over "
                f"{ours.outcome_days}: two bases are never compared; give this one its own name in the config",
            ),
        )
    shared = _shared_rates(new, old)
    if not shared:
        before, now = series(old.fitted.funnel.targets), series(new.fitted.funnel.targets)
        return ChampionComparison(
            False,
            Words(
                f"冠军预测 {before.zh}，这个模型预测 {now.zh}：没有共同的指标，请在配置里给它另起名字（name）",
                f"the champion predicts {before.en}, this model {now.en}: they have no rate in common; give this one "
                "its own name in the config",
            ),
        )
    if live is not None and live.decides:
        return ChampionComparison(live.apart.high < 0, _live_words(live))
    fresh = holdout & dataset.observed["cutoff"].ge(pd.Timestamp(old_manifest.trained_until)).to_numpy()
    if not fresh.any():
        return ChampionComparison(
            False,
            Words(
                f"冠军已在全部留出行上训练过（截至 {old_manifest.trained_until}）",
                f"the champion was trained on all holdout rows (until {old_manifest.trained_until})",
            ),
        )
    snapshots = dataset.observed.loc[fresh, SNAPSHOT].reset_index(drop=True)
    counts = dataset.source.observe(snapshots, old.fitted.funnel, old.fitted.entities, theirs)
    new_figures, _ = evaluate_holdout(dataset, fresh, set(), new)
    old_figures, _ = evaluate_holdout(dataset, fresh, set(), old, observed=counts)
    new_score, old_score = (score(figures[figures["target"].isin(shared)]) for figures in (new_figures, old_figures))
    rows = int(fresh.sum())
    reason = Words(
        f"在相同的 {rows:,} 行上，偏差 {new_score:.4f}，冠军 {old_score:.4f}",
        f"deviance {new_score:.4f} against the champion's {old_score:.4f} on the same {rows:,} rows",
    )
    return ChampionComparison(bool(new_score < old_score), reason)


def _live_words(live: LiveComparison) -> Words:
    creatives = live.apart.creatives
    return Words(
        f"与冠军的 {live.apart.answers:,} 条真实回答（{creatives:,} 个素材）相比，"
        f"偏差 {live.new:.4f}，冠军 {live.old:.4f}",
        f"deviance {live.new:.4f} against {live.old:.4f} of the champion's own {live.apart.answers:,} answers about "
        f"{creatives:,} creatives",
    )


def _shared_rates(new: CreativeModel, old: CreativeModel) -> list[str]:
    if new.fitted.funnel.volume_of != old.fitted.funnel.volume_of:
        return []  # row weights are in different units
    rates = new.fitted.funnel.rate_targets
    return [target for target in rates if target in old.fitted.funnel.targets]

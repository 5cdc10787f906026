"""What a run was: the facts that its page and its model card tell beside the figures."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from configs import __version__
from features.schema import KEY
from training.learn import Learned
from training.outcome import MATURE
from training.workspace import Workspace


class Stage(BaseModel):
    """What the folds chose for one stage.

    Attributes:
        name: Of the stage.
        zh: What strategists call it.
        en: The same in English.
        start: `mixed` or `empirical Bayes`; empty where there was no choice (volume, or a baseline).
        losses: Start → mean deviance on the folds, trees included; empty where nothing was compared.
        rounds: Trees.
        gain: What the trees took off the folds' loss.
        tuned: By a trial of the study; else by hand.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    zh: str
    en: str
    start: str
    losses: dict[str, float]
    rounds: int
    gain: float
    tuned: bool


class About(BaseModel):
    """One run.

    Attributes:
        name: Of the workspace.
        model: Of the registered model.
        version: Of gpmcast.
        created_at: UTC, ISO 8601.
        baseline: Empirical Bayes only.
        data_fingerprint: sha256 of the metrics and creatives.
        data_until: End of the last period in them.
        creatives: In the data.
        accounts: In the data.
        promotion_types: In the data.
        basis: Which money counts.
        outcome_days: Length of the outcome window.
        level: Of the intervals.
        min_impressions: Later volume from which a row's rates are compared.
        held_since: First cutoff held out.
        held_rows: Held-out rows.
        held_creatives: Their creatives.
        trained_rows: Rows of the judged model.
        trained_creatives: Their creatives.
        final_rows: Rows of the registered model.
        stages: What was chosen.
        missing: Stage or target that the columns do not allow → the columns it needs.
        left_out: Rows that do not train or were resolved, by reason.
        brier: Of `training.coverage.Coverage`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    model: str
    version: str
    created_at: str
    baseline: bool
    data_fingerprint: str
    data_until: str
    creatives: int
    accounts: int
    promotion_types: list[str]
    basis: str
    outcome_days: int
    level: float
    min_impressions: float
    held_since: str
    held_rows: int
    held_creatives: int
    trained_rows: int
    trained_creatives: int
    final_rows: int
    stages: list[Stage]
    missing: dict[str, str]
    left_out: dict[str, int]
    brier: dict[str, float]


def about_run(
    learned: Learned, space: Workspace, *, created_at: str, data_until: str, left_out: Mapping[str, int], baseline: bool
) -> About:
    """The facts of a run that has been judged."""
    dataset, settings, recipe = learned.dataset, learned.dataset.settings, learned.recipe
    keys = dataset.observed[KEY]
    creatives = dataset.loaded.creatives
    return About(
        name=space.name,
        model=space.registered_model,
        version=__version__,
        created_at=created_at,
        baseline=baseline,
        data_fingerprint=learned.data_print,
        data_until=data_until,
        creatives=len(creatives),
        accounts=int(creatives["account_id"].nunique()),
        promotion_types=sorted(creatives["promotion_type"].astype("str").unique()),
        basis=settings.basis,
        outcome_days=settings.outcome_days,
        level=settings.interval.level,
        min_impressions=settings.evaluate.min_impressions,
        held_since=learned.starts.isoformat(),
        held_rows=int(learned.held.sum()),
        held_creatives=len(keys[learned.held].drop_duplicates()),
        trained_rows=int(learned.trained.sum()),
        trained_creatives=len(keys[learned.trained].drop_duplicates()),
        final_rows=int((dataset.rows["state"] == MATURE).sum()),
        stages=[
            Stage(
                name=name,
                zh=zh,
                en=en,
                start=str(recipe.kinds.get(name, "")),
                losses={str(kind): loss for kind, loss in learned.losses[name].with_trees.items()}
                if name in learned.losses
                else {},
                rounds=recipe.choices[name].rounds if name in recipe.choices else 0,
                gain=recipe.choices[name].gain if name in recipe.choices else 0.0,
                tuned=name in recipe.choices and recipe.choices[name].tuned,
            )
            for name, zh, en in [
                *((stage.name, stage.zh, stage.en) for stage in dataset.plan.stages),
                ("volume", "后续量", "later volume"),
            ]
        ],
        missing=dict(dataset.plan.missing),
        left_out=dict(left_out),
        brier=dict(learned.coverage.brier) if learned.coverage else {},
    )


def read_about(path: Path) -> About:
    """Of a file that `write_text(path, about.model_dump_json())` wrote."""
    return About.model_validate_json(path.read_text(encoding="utf-8"))

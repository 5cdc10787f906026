"""The facts of a run that has just been judged (`training.evaluation.run_facts`)."""

from collections.abc import Mapping

from configs import __version__
from features.schema import KEY
from training.evaluation.run_facts import About, Stage
from training.fit_and_evaluate import Learned
from training.labels.outcomes import MATURE
from training.workspace import Workspace


def about_run(
    learned: Learned, space: Workspace, *, created_at: str, data_until: str, left_out: Mapping[str, int], baseline: bool
) -> About:
    """The facts of a run that has been judged."""
    dataset, settings, recipe = learned.dataset, learned.dataset.settings, learned.recipe
    keys = dataset.observed[KEY]
    creatives = dataset.source.creatives
    return About(
        name=space.name,
        model=space.registered_model,
        version=__version__,
        created_at=created_at,
        baseline=baseline,
        data_fingerprint=dataset.source.fingerprint,
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
                start=str(recipe.prior_kinds.get(name, "")),
                losses={str(kind): loss for kind, loss in learned.losses[name].with_trees.items()}
                if name in learned.losses
                else {},
                rounds=recipe.choices[name].rounds if name in recipe.choices else 0,
                gain=recipe.choices[name].gain if name in recipe.choices else 0.0,
                tuned=name in recipe.choices and recipe.choices[name].tuned,
            )
            for name, zh, en in [
                *((stage.name, stage.zh, stage.en) for stage in dataset.funnel.stages),
                ("volume", "后续量", "later volume"),
            ]
        ],
        missing=dict(dataset.funnel.missing),
        left_out=dict(left_out),
        brier=dict(learned.coverage.brier) if learned.coverage else {},
    )

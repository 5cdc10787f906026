"""What a run was: the facts that its page and its model card tell beside the figures."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


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
        brier: Of `training.evaluation.coverage.Coverage`.
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


def read_about(path: Path) -> About:
    """Of a file that `write_text(path, about.model_dump_json())` wrote."""
    return About.model_validate_json(path.read_text(encoding="utf-8"))

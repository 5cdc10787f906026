"""The evaluation of a run as files: its tables and `run.json`, so that the page can be written again from them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from features.atomic_write import write_table, write_text
from training.errors import BundleError
from training.evaluation.budget_replay import holdout_earliness
from training.evaluation.coverage import BIN_COLUMNS, GROUP_COLUMNS, Coverage
from training.evaluation.deciles import CALIBRATION_COLUMNS, LIFT_COLUMNS, calibration_table, lift
from training.labels.calibration import Calibration

RUN_FACTS = "run.json"
FRAMES = {
    "figures": "figures.csv",
    "holdout": "holdout.parquet",
    "deciles": "deciles.csv",
    "lifts": "lift.csv",
    "curve": "earliness.csv",
    "groups": "coverage.csv",
    "bins": "reliability.csv",
}
"""Field of `Evaluation` → its file."""


class HeadFacts(BaseModel):
    """What cross-validation chose for one head, and whether it held.

    Attributes:
        name: Of the head.
        zh: Its Chinese label.
        en: Its English label.
        rounds: Number of trees.
        tuned: True if the hyperparameters are those of the study, False for the hand setting.
        weights: Member of the stack (`bayes`, `funnel`, `trees`) → weight; empty for volume.
        funnel_deviance: Out-of-fold deviance of the funnel alone (volume: of its offset).
        deviance: Out-of-fold deviance of the head.
        tuning_gain: Fall of that deviance by the best setting of the study against the hand setting, as a share.
        tuning_error: Standard error of that fall over creatives, as a share.
        holdout: Deviance on the holdout: `funnel`, `hand`, `tuned`; those that were measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    zh: str
    en: str
    rounds: int
    tuned: bool
    weights: dict[str, float]
    funnel_deviance: float | None
    deviance: float | None
    tuning_gain: float | None
    tuning_error: float | None
    holdout: dict[str, float]

    @property
    def head_gain(self) -> float | None:
        """Fall of the out-of-fold deviance by the head against the funnel alone, as a share."""
        if not self.funnel_deviance or self.deviance is None:
            return None
        return 1.0 - self.deviance / self.funnel_deviance

    def holdout_gain(self, old: str, new: str) -> float | None:
        """Fall of the deviance on the holdout from one setting to another, as a share; None where not measured."""
        if not self.holdout.get(old) or new not in self.holdout:
            return None
        return 1.0 - self.holdout[new] / self.holdout[old]


class RunFacts(BaseModel):
    """Facts of a run that its page and its model card show in addition to the metrics.

    Attributes:
        name: Of the workspace.
        model: Of the registered model.
        version: Of gpmcast.
        created_at: UTC, ISO 8601.
        baseline: True for a run with empirical Bayes only.
        small: True where the data are too few for LightGBM heads: the funnel model alone.
        data_fingerprint: sha256 of the metrics and creatives.
        data_until: End of the last period, ISO 8601.
        creatives, accounts: How many the data have.
        promotion_types: Those of the data.
        basis: Which money counts (`basis` of the settings).
        outcome_days: Length of the outcome window.
        level: Nominal coverage of the intervals.
        min_impressions: Least later volume of a row that counts for a rate.
        holdout_since: First holdout cutoff, ISO 8601.
        holdout_rows, holdout_creatives: Size of the holdout.
        training_rows, training_creatives: Training data of the evaluation model.
        final_rows: Training rows of the registered model.
        heads: What cross-validation chose, by head.
        missing: Stage or target that the columns do not allow → the columns it needs.
        left_out: Rows that do not train or were resolved, by reason.
        brier: As of `training.evaluation.coverage.Coverage`.
        calibration: What calibrates intervals and chances of the registered model; None: it was not counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    model: str
    version: str
    created_at: str
    baseline: bool
    small: bool
    data_fingerprint: str
    data_until: str
    creatives: int
    accounts: int
    promotion_types: list[str]
    basis: str
    outcome_days: int
    level: float
    min_impressions: float
    holdout_since: str
    holdout_rows: int
    holdout_creatives: int
    training_rows: int
    training_creatives: int
    final_rows: int
    heads: list[HeadFacts]
    missing: dict[str, str]
    left_out: dict[str, int]
    brier: dict[str, float]
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Evaluation:
    """Everything that the page of a run shows.

    Attributes:
        facts: Of the run.
        figures: Metrics, as of `training.evaluation.metrics.evaluate`.
        holdout: The holdout frame (`training.evaluation.metrics`).
        deciles: As of `training.evaluation.deciles.calibration_table`.
        lifts: As of `training.evaluation.deciles.lift`.
        curve: As of `training.evaluation.budget_replay.earliness`; empty where no ROI is known.
        groups: As of `training.evaluation.coverage`; empty where the model has no intervals.
        bins: As of `training.evaluation.coverage`; empty where the model has no intervals.
    """

    facts: RunFacts
    figures: pd.DataFrame
    holdout: pd.DataFrame
    deciles: pd.DataFrame
    lifts: pd.DataFrame
    curve: pd.DataFrame
    groups: pd.DataFrame
    bins: pd.DataFrame


def evaluation_of(
    facts: RunFacts, figures: pd.DataFrame, holdout: pd.DataFrame, coverage: Coverage | None
) -> Evaluation:
    """Compute all tables that follow from the holdout frame."""
    return Evaluation(
        facts=facts,
        figures=figures,
        holdout=holdout,
        deciles=calibration_table(holdout, facts.min_impressions),
        lifts=lift(holdout, facts.min_impressions),
        curve=holdout_earliness(holdout, facts.min_impressions),
        groups=pd.DataFrame(columns=GROUP_COLUMNS) if coverage is None else coverage.groups,
        bins=pd.DataFrame(columns=BIN_COLUMNS) if coverage is None else coverage.bins,
    )


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write every table and `run.json`; a table without rows has no file."""
    for field, name in FRAMES.items():
        table: pd.DataFrame = getattr(evaluation, field)
        if len(table):
            write_table(table, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)  # left by an earlier run
    write_text(evaluation.facts.model_dump_json(indent=1), folder / RUN_FACTS)


def read_evaluation(folder: Path) -> Evaluation:
    """Read what `write_evaluation` wrote.

    Raises:
        BundleError: There is no evaluation, or another version of gpmcast wrote it.
    """
    try:
        facts = RunFacts.model_validate_json((folder / RUN_FACTS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError) as error:
        raise BundleError(
            f"{folder}: holds no evaluation of this version. Train first: make train",
            zh=f"{folder}：没有这个版本的评估。处理：先 make train。",
        ) from error
    text_columns = dict.fromkeys(("quarter", "promotion_type"), "str")
    absent = {"deciles": CALIBRATION_COLUMNS, "lifts": LIFT_COLUMNS, "groups": GROUP_COLUMNS, "bins": BIN_COLUMNS}
    found = {}
    for field, name in FRAMES.items():
        path = folder / name
        if not path.exists():
            found[field] = pd.DataFrame(columns=absent.get(field, []))
        elif path.suffix == ".parquet":
            found[field] = pd.read_parquet(path)
        else:
            ages = {"age_hours": "str"} if field == "groups" else {}
            found[field] = pd.read_csv(path, encoding="utf-8-sig", dtype=text_columns | ages)
    return Evaluation(facts=facts, **found)

"""Every setting of a run: meaning, default and bounds. `load_settings` reads them from a YAML file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from configs.decision_settings import PlanSettings, VerdictSettings
from configs.yaml_file import Section, parse, read_yaml

CONFIG_DIR = Path(__file__).parent

Basis = Literal["payment", "net_1h", "settled_7d", "settled_14d", "settled_30d", "settled_90d", "comprehensive"]

BASES: dict[str, tuple[str | None, int]] = {
    "payment": (None, 0),
    "net_1h": ("net_gmv_cny", 1),
    "settled_7d": ("settled_gmv_7d_cny", 7 * 24),
    "settled_14d": ("settled_gmv_14d_cny", 14 * 24),
    "settled_30d": ("settled_gmv_30d_cny", 30 * 24),
    "settled_90d": ("settled_gmv_90d_cny", 90 * 24),
    "comprehensive": ("net_gmv_cny", 1),
}
"""ROI basis → the column with its net amount (None: none), and the hours after a payment until that amount is final."""


class Tags(Section):
    """Tags and interactions of attributes that become features."""

    extra: bool = True
    """Read columns of the tag sheet that no layout names as additional tags."""
    multi: tuple[str, ...] = ("selling_point",)
    """Multi-valued tags: one creative can have several values of each."""
    crosses: tuple[tuple[str, str], ...] = (
        ("creator_id", "product_id"),
        ("creator_id", "category"),
        ("category", "hook"),
        ("category", "script"),
        ("hook", "scene"),
        ("hook", "face"),
    )
    """Pairs of attributes (interactions) whose joint history is a feature."""
    min_creatives: Annotated[int, Field(ge=1)] = 10
    """Values of an attribute with fewer training creatives than this are pooled as rare."""


class Text(Section):
    """Encoding of copy text: hashed character n-grams, reduced by a truncated SVD."""

    components: Annotated[int, Field(ge=0, le=64)] = 8
    """Dimensions after the SVD; 0 leaves copy text out."""
    ngrams: tuple[int, int] = (1, 3)
    buckets: Annotated[int, Field(ge=256, le=2**18)] = 4096


class Split(Section):
    """Holdout and cross-validation folds, split by cutoff time."""

    holdout_days: Annotated[int, Field(ge=1)] = 14
    """The holdout: cutoffs in this many last days whose outcomes are complete."""
    folds: Annotated[int, Field(ge=2, le=10)] = 3
    """Forward-chaining folds inside the training period, each with a gap of the outcome window."""


class Refits(Section):
    """Rolling refits of the funnel model: training snapshots take features from the last fit before their cutoff."""

    first_days: Annotated[int, Field(ge=1)] = 14
    """Days of data before the first fit; earlier snapshots are not used for training."""
    every_days: Annotated[int, Field(ge=1)] = 10
    max_refits: Annotated[int, Field(ge=1)] = 8
    """Upper bound on the refits between the first and the last; with longer data they are spaced further apart."""


class Tune(Section):
    """The Optuna studies that tune the trees, one per head."""

    trials: Annotated[int, Field(ge=1)] = 20
    """Trials per head."""
    seed: int = 7
    jobs: Annotated[int, Field(ge=1)] = 2
    """Parallel trials, one thread each. With more than one, results depend on the order in which trials finish."""


class Trees(Section):
    """The hand setting of LightGBM: the first trial of every study, and the parameters of a backtest.

    Beyond 5 000 training creatives it becomes stronger (`training.boosting.subjects.hand_setting`).
    """

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.02
    num_leaves: Annotated[int, Field(ge=2, le=255)] = 8
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 60
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    lambda_l2: Annotated[float, Field(ge=0)] = 50.0
    cat_smooth: Annotated[float, Field(ge=0)] = 60.0
    extra_trees: bool = True
    tweedie_power: Annotated[float, Field(gt=1, lt=2)] = 1.5
    """Variance power of the loss: variance ∝ mean^power, between Poisson (1) and gamma (2)."""
    rounds: Annotated[int, Field(ge=0)] = 1500
    """Maximum number of boosting rounds per head; cross-validation chooses how many are used, possibly 0."""


class VolumeTrees(Trees):
    """Default LightGBM parameters of the trees for later volume."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.03
    num_leaves: Annotated[int, Field(ge=2, le=255)] = 16
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 40


class Evaluate(Section):
    """Which holdout rows count in the metrics."""

    min_impressions: Annotated[float, Field(ge=0)] = 200
    """Impressions in the outcome window (spend in CNY where there are none) that a row needs for its observed rates to
    be compared with predictions."""


class Interval(Section):
    """Prediction intervals and chances."""

    level: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Nominal coverage of the intervals."""
    min_rows: Annotated[int, Field(ge=20)] = 60
    """Out-of-fold rows of all promotion types needed to calibrate a target; with fewer, it has no intervals and no
    chances."""
    enough_rows: Annotated[int, Field(ge=20)] = 200
    """Rows of a promotion type from which its intervals are computed at `level`; with fewer, at a higher one."""
    shrinkage_rows: Annotated[float, Field(gt=0)] = 200
    """Shrinkage of a calibration group (age, evidence, promotion type) towards its parent group: with this many rows
    both have the same weight."""
    hit_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """A creative is a hit if its result in the outcome window is within this top share."""
    hit_of: Literal["net_gmv", "volume"] = "net_gmv"
    """Quantity that ranks hits: net GMV (gross if net is unknown; volume if there is no money), or later volume."""


class Thin(Section):
    """Amounts of training data: creatives with a closed outcome, and their orders."""

    min_creatives: Annotated[int, Field(ge=1)] = 200
    min_orders: Annotated[int, Field(ge=0)] = 100
    """With less of either the model is *small*: the funnel model alone, without LightGBM heads and without tuning."""
    small_creatives: Annotated[int, Field(ge=1)] = 40
    small_orders: Annotated[int, Field(ge=0)] = 20
    """With less of either, training is refused; a `min_…` below it counts in its place."""


class Backtest(Section):
    """Rolling-origin evaluation."""

    every_days: Annotated[int, Field(ge=1)] = 14
    min_train_days: Annotated[int, Field(ge=1)] = 28
    """Minimum days of data before the first origin."""


class Dask(Section):
    """Settings of the engine `dask`."""

    scheduler: Annotated[str, Field(repr=False)] = ""
    """Address of a running scheduler; empty: start workers on this machine."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Number of workers to start on this machine, one thread each."""
    memory: str = "auto"
    """Memory limit of each worker started on this machine, such as `4GiB`; Dask restarts a worker that exceeds it.
    0: no limit."""
    work: Annotated[str, Field(repr=False)] = ""
    """Folder or URL that all workers can reach, for the intermediate tables (one folder per workspace); empty: in the
    workspace, under `var`."""

    @field_validator("scheduler")
    @classmethod
    def _address(cls, address: str) -> str:
        if address and not re.fullmatch(r"(tcp|tls|ucx)://\S+:\d{1,5}|wss?://\S+", address):
            raise ValueError("expected the address of a scheduler, with its port, such as tcp://10.0.0.5:8786")
        return address

    @field_validator("memory")
    @classmethod
    def _size(cls, size: str) -> str:
        if not re.fullmatch(r"auto|0|\d+(\.\d+)? ?([kMGT]i?)?B", size):
            raise ValueError("expected a size with its unit, such as 4GiB, or auto, or 0 for no bound")
        return size


class Settings(Section):
    """All settings of one run. Paths are relative to the current directory."""

    name: Annotated[str, Field(pattern=r"^[\w-]*$")] = ""
    """Name of the workspace and of the registered model; empty: the name of the data folder or file."""
    var: Path = Path("var")
    """Folder of stores, studies, runs and models."""
    sources: tuple[str, ...] = ()
    """Names of the export layouts to read; empty: all in `source_dirs`."""
    source_dirs: tuple[Path, ...] = (CONFIG_DIR / "sources",)
    """Folders of export layouts (YAML); a layout in a later folder replaces one of the same name."""
    names: Path = CONFIG_DIR / "names.yaml"
    """Settings of the file-name tag parser (configs/name_pattern.py)."""

    engine: Literal["local", "dask"] = "local"
    """Where the work runs: on this machine, or on Dask workers (docs/scale.md)."""
    dask: Dask = Dask()
    processes: Annotated[int, Field(ge=1)] = 2
    """Parallel processes of the local engine when it processes account by account."""
    in_memory_rows: Annotated[int, Field(ge=0)] = 3_000_000
    """Rows of metrics up to which exports are processed as one frame; larger data are processed account by account."""
    max_snapshots: Annotated[int, Field(ge=1000)] = 400_000
    """Upper bound on the snapshots that train and evaluate the model; beyond it whole creatives are subsampled by a
    hash of their key. History, the funnel model and predictions always use all creatives."""

    time_zone: str = "Asia/Shanghai"
    """Time zone of all times in the store; files of other zones are converted when they are read."""
    basis: Basis = "net_1h"
    """ROI basis: which net amount the targets use; a key of BASES."""
    open_days: Annotated[int, Field(ge=0, le=30)] = 2
    """Days after its end in which the platform still revises a day."""
    report_delay_hours: dict[Literal["hour", "day", "range", "gap"], Annotated[int, Field(ge=0)]] = Field(
        default={"hour": 1, "day": 8, "range": 8, "gap": 0}
    )
    """Hours between the end of a period and the availability of its row; history uses a row only from then on."""

    ages_hours: tuple[Annotated[int, Field(ge=0)], ...] = (0, 1, 3, 6, 12, 24, 48, 72)
    """Ages in hours since launch at which snapshots are taken."""
    weekly: bool = True
    """Take one more snapshot every seven days after the last of these ages, while the creative is active."""
    outcome_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Length of the outcome window in days, from the cutoff on."""
    history_days: Annotated[int, Field(ge=1)] = 28
    """Days before the cutoff from which market averages are taken; markets drift."""

    tags: Tags = Tags()
    text: Text = Text()
    split: Split = Split()
    refits: Refits = Refits()
    tune: Tune = Tune()
    trees: Trees = Trees()
    volume_trees: VolumeTrees = VolumeTrees()
    evaluate: Evaluate = Evaluate()
    interval: Interval = Interval()
    verdict: VerdictSettings = VerdictSettings()
    plan: PlanSettings = PlanSettings()
    thin: Thin = Thin()
    backtest: Backtest = Backtest()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError) as error:
            raise ValueError(f"no time zone is called {name!r}; expected a name such as Asia/Shanghai") from error
        return name

    @field_validator("ages_hours")
    @classmethod
    def _rising_ages(cls, ages: tuple[int, ...]) -> tuple[int, ...]:
        if list(ages) != sorted(set(ages)):
            raise ValueError("ages must rise, each once")
        return ages

    @model_validator(mode="after")
    def _some_age(self) -> Settings:
        if not self.ages_hours:
            raise ValueError("ages_hours: name at least one age")
        return self


def load_settings(path: Path | str) -> Settings:
    """Settings from a YAML file; keys it does not name keep their defaults.

    Raises:
        ConfigError: The file is absent or not YAML, or keys or values are wrong; the message names each with its path.
    """
    path = Path(path)
    return parse(Settings, read_yaml(path), path)

"""Every setting of a run: what each means, its bounds, and where a wrong one stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from configs.yaml_file import parse, read_yaml

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
"""ROI basis → the column that holds its net money, and the hours after a payment until that column stands."""


class Section(BaseModel):
    """A closed, unchangeable group of settings: a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tags(Section):
    """Which attributes describe what a creative is."""

    extra: bool = True
    """Take columns of the tag sheet that the vocabulary does not know as tags of the team's own."""
    multi: tuple[str, ...] = ("selling_point",)
    """Tags of which a creative can carry several values."""
    crosses: tuple[tuple[str, str], ...] = (
        ("creator_id", "product_id"),
        ("creator_id", "category"),
        ("category", "hook"),
        ("category", "script"),
        ("hook", "scene"),
        ("hook", "face"),
    )
    """Pairs of attributes whose joint history is a feature of its own."""
    min_creatives: Annotated[int, Field(ge=1)] = 10
    """A value seen on fewer training creatives than this is treated as rare."""


class Text(Section):
    """How copy text becomes numbers: hashed character n-grams, reduced by a truncated SVD."""

    components: Annotated[int, Field(ge=0, le=64)] = 8
    """0 leaves copy text out."""
    ngrams: tuple[int, int] = (1, 3)
    buckets: Annotated[int, Field(ge=256, le=2**18)] = 4096


class Split(Section):
    """The holdout and the folds, all by cutoff time."""

    holdout_days: Annotated[int, Field(ge=1)] = 14
    """Cutoffs of the last so many mature days are held out."""
    folds: Annotated[int, Field(ge=2, le=10)] = 3
    """Forward-chaining folds inside the training period, each with a gap."""


class Refits(Section):
    """The mixed model, refitted now and then so that each snapshot is served by what was known before it."""

    first_days: Annotated[int, Field(ge=1)] = 14
    """Days of data before its first fit; snapshots before it do not train."""
    every_days: Annotated[int, Field(ge=1)] = 10
    max_refits: Annotated[int, Field(ge=1)] = 8
    """Most refits between the first and the last; more data lie further apart."""


class Tune(Section):
    """The Optuna study."""

    trials: Annotated[int, Field(ge=1)] = 10
    seed: int = 7
    jobs: Annotated[int, Field(ge=1)] = 2
    """Trials at a time, one thread each; with more than one, the order in which they end shapes the next."""


class Trees(Section):
    """LightGBM's hand setting: the first trial of every study, and the setting of a backtest."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    num_leaves: Annotated[int, Field(ge=2, le=255)] = 8
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 60
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    lambda_l2: Annotated[float, Field(ge=0)] = 20.0
    cat_smooth: Annotated[float, Field(ge=0)] = 60.0
    extra_trees: bool = True
    rounds: Annotated[int, Field(ge=0)] = 1500
    """Most trees of a stage; the folds choose how many are used, down to none."""


class VolumeTrees(Trees):
    """The same for later volume, where the trees do more than correct: only the folds decide how many are used."""

    num_leaves: Annotated[int, Field(ge=2, le=255)] = 31
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 40
    lambda_l2: Annotated[float, Field(ge=0)] = 5.0


class Evaluate(Section):
    """Which holdout rows are scored."""

    min_impressions: Annotated[float, Field(ge=0)] = 200
    """Later impressions (spend, where there are none) a row needs for its rates to be compared with outcomes."""


class Interval(Section):
    """How sure a prediction is told to be."""

    level: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Share of outcomes that lie inside an interval."""
    min_rows: Annotated[int, Field(ge=20)] = 200
    """Rows unseen by the model that calibrate a target; with fewer, its intervals and chances are not told."""
    shrinkage_rows: Annotated[float, Field(gt=0)] = 200
    """Rows at which a group of like age, evidence and promotion type counts as much as the wider group around it."""
    hit_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """A creative is a hit if what it does in the outcome window is within this top share."""
    hit_of: Literal["net_gmv", "volume"] = "net_gmv"
    """What hits are ranked by: net GMV (gross where net is not known; volume where no money is), or later volume."""


class Verdict(Section):
    """When a creative is scaled, tested, held or stopped. Chances are those of reaching its own ROI target."""

    roi_target: Annotated[float, Field(gt=0)] = 1.0
    """ROI asked of a creative that names no `roi_target` of its own."""
    scale_chance: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Scale at this chance or more, once there is evidence."""
    scale_hit_chance: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Scale a creative this likely to be a hit, if the chance of its target is `hit_needs_chance` or more."""
    hit_needs_chance: Annotated[float, Field(ge=0, le=1)] = 0.5
    stop_chance: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Stop at this chance or less, once it has spent `stop_spend_cny`."""
    stop_spend_cny: Annotated[float, Field(ge=0)] = 50
    """Teams ignore less than 50 CNY of spend."""
    distinguish_probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    """Evidence is enough when two candidates like this one would be ranked rightly with this probability."""
    min_creatives: Annotated[int, Field(ge=1)] = 30
    """Creatives of like age, evidence and promotion type with known outcomes; a reason says where there are fewer."""

    @model_validator(mode="after")
    def _in_order(self) -> Verdict:
        if self.stop_chance >= self.scale_chance:
            raise ValueError("stop_chance must lie below scale_chance")
        return self


class Thin(Section):
    """What the training rows must hold, or training is refused."""

    min_creatives: Annotated[int, Field(ge=1)] = 200
    min_orders: Annotated[int, Field(ge=0)] = 100


class Backtest(Section):
    """Rolling origins."""

    every_days: Annotated[int, Field(ge=1)] = 14
    min_train_days: Annotated[int, Field(ge=1)] = 28
    """Days of data before the first origin."""


class Dask(Section):
    """Workers of the engine `dask`."""

    scheduler: Annotated[str, Field(repr=False)] = ""
    """Address of a running scheduler; empty: workers are started on this machine."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Workers started on this machine, one thread each."""
    memory: str = "auto"
    """Of each worker started on this machine, such as `4GiB`; one that needs more is started anew. 0: no bound."""
    work: Annotated[str, Field(repr=False)] = ""
    """Folder or URL, seen by all workers, in which each workspace has a folder for the tables between steps; empty: in
    the workspace, under `var`."""

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
    """One run. Paths are relative to where the command is typed."""

    name: Annotated[str, Field(pattern=r"^[\w-]*$")] = ""
    """Name of the workspace and of the registered model; empty: taken from the data's folder or file name."""
    var: Path = Path("var")
    """Folder for stores, studies, runs and models."""
    sources: tuple[str, ...] = ()
    """Only files of these source configs are read; empty: of all in configs/sources."""
    source_dirs: tuple[Path, ...] = (CONFIG_DIR / "sources",)
    names: Path = CONFIG_DIR / "names.yaml"
    """The file-name tag parser's settings."""

    engine: Literal["local", "dask"] = "local"
    """Who works: this machine, or workers of Dask (docs/scale.md)."""
    dask: Dask = Dask()
    processes: Annotated[int, Field(ge=1)] = 2
    """Processes of this machine that work on accounts side by side, where they are worked on one by one."""
    in_memory_rows: Annotated[int, Field(ge=0)] = 3_000_000
    """Rows of metrics up to which exports are worked on as one frame; more are worked on account by account."""
    max_snapshots: Annotated[int, Field(ge=1000)] = 400_000
    """Most snapshots that train and judge a model; of more, whole creatives are drawn. All creatives count as others'
    history, teach the mixed model, and are predicted."""

    time_zone: str = "Asia/Shanghai"
    basis: Basis = "net_1h"
    open_days: Annotated[int, Field(ge=0, le=30)] = 2
    """Days after a day's end in which the platform still revises it."""
    report_delay_hours: dict[Literal["hour", "day", "range", "gap"], Annotated[int, Field(ge=0)]] = {
        "hour": 1,
        "day": 8,
        "range": 8,
        "gap": 0,
    }
    """Hours after a period's end until its row can be had: history sees it only then."""

    ages_hours: tuple[Annotated[int, Field(ge=0)], ...] = (0, 1, 3, 6, 12, 24, 48, 72)
    weekly: bool = True
    """After the last of these ages, one more snapshot every seven days while the creative lives."""
    outcome_days: Annotated[int, Field(ge=1, le=90)] = 7
    history_days: Annotated[int, Field(ge=1)] = 28
    """How far back the market's typical creative is looked for: markets drift."""

    tags: Tags = Tags()
    text: Text = Text()
    split: Split = Split()
    refits: Refits = Refits()
    tune: Tune = Tune()
    trees: Trees = Trees()
    volume_trees: VolumeTrees = VolumeTrees()
    evaluate: Evaluate = Evaluate()
    interval: Interval = Interval()
    verdict: Verdict = Verdict()
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

"""The Optuna study of a run: its storage, and access by several workers."""

import os
from collections.abc import Mapping
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import SQLAlchemyError

from training.errors import EngineError

STUDY_URL = "GPMCAST_STUDY_URL"
"""Environment variable: address of a database for studies, with its password, so that no config or log holds it."""


def storage_of(journal: Path) -> str:
    """Address of the studies: the database that the environment names, else this file."""
    return os.environ.get(STUDY_URL) or str(journal.resolve())


def refuse_unreachable() -> None:
    """Raise EngineError where the environment names a database that cannot be used."""
    if address := os.environ.get(STUDY_URL):
        _database(address)


def open_study(storage: str, name: str, seed: int, *, create: bool = True) -> optuna.Study:
    """Open the study of this name, or create it.

    Args:
        storage: Of `storage_of`.
        name: Of the study.
        seed: Of the sampler; workers that share a study have different seeds.
        create: Whether it may be created: a worker must find the one that the run created.

    Raises:
        EngineError: It is absent and may not be created, or its database cannot be used.
    """
    if not create and "://" not in storage and not Path(storage).exists():
        raise EngineError(
            f"{storage}: a worker does not see the study's file; expected the same file on all machines. Name a "
            f"database that all reach in the environment variable {STUDY_URL} of the command, or put `var` on storage "
            "that all share.",
            zh=f"{storage}：工作进程看不到调参记录的文件，各台机器要用同一个。处理：把各台都能连的数据库写进环境变量 "
            f"{STUDY_URL}，或把 var 放在共享存储上。",
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept: BaseStorage
    if "://" in storage:
        kept = _database(storage)
    else:
        Path(storage).parent.mkdir(parents=True, exist_ok=True)
        kept = JournalStorage(JournalFileBackend(storage))
    return optuna.create_study(
        storage=kept,
        study_name=name,
        load_if_exists=True,
        direction="minimize",
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=5, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=0),
    )


def _database(address: str) -> RDBStorage:
    try:
        return RDBStorage(address)
    except (ImportError, SQLAlchemyError, ValueError) as error:
        # Their messages can hold the whole address; a port that is no number raises ValueError.
        raise EngineError(
            f"{STUDY_URL}: found an address at which no database of studies can be opened ({type(error).__name__}). "
            "Expected such as postgresql+psycopg://user:password@host/database: check the address, that the database "
            "is there and answers, and that the driver it names is installed (pip install 'gpmcast[postgres]').",
            zh=f"{STUDY_URL}：这个地址打不开调参记录的数据库（{type(error).__name__}）。处理：检查地址（应如 "
            "postgresql+psycopg://user:password@host/database）、数据库在不在、"
            "驱动装了没有（pip install 'gpmcast[postgres]'）。",
        ) from None


def completed(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Trials that ended with a value."""
    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))


def has_waiting(study: optuna.Study) -> bool:
    """Whether a trial is waiting to be run."""
    return bool(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,)))


def best_trial(study: optuna.Study) -> optuna.trial.FrozenTrial:
    """The completed trial with the least value; there is one once the hand setting has run."""
    return min(completed(study), key=lambda trial: trial.value if trial.value is not None else float("inf"))


def hand_trial(study: optuna.Study, point: Mapping[str, object]) -> optuna.trial.FrozenTrial | None:
    """The completed trial with these parameters; None if it has not run."""
    return next((trial for trial in completed(study) if trial.params == point), None)


def ended(study: optuna.Study) -> int:
    """Number of trials that ended, with a value or pruned."""
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return len(study.get_trials(deepcopy=False, states=states))

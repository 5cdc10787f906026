"""`python -m training train` and `refresh`: from the data of a command to a registered model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from configs.settings import Settings, load_settings
from features.bilingual import language_of_locale
from features.command_line import DEFAULT_CONFIG, ConfigFile, DataPaths, Lang, Strict, WithoutTags, whole_number
from features.store.inputs import check_data_exists
from training.engine import with_engine
from training.run_screen import RunScreen, screen_of, show_files

if TYPE_CHECKING:
    from training.boosting.recipe import Recipe
    from training.run import TrainingRun
    from training.workspace import Workspace

EngineName = Annotated[str | None, typer.Option("--engine", help="local or dask; default: as in the config.")]
Scheduler = Annotated[str | None, typer.Option("--scheduler", help="Address of a running Dask scheduler.")]
Trials = Annotated[
    int | None,
    typer.Option("--trials", parser=whole_number, help="Number of Optuna trials; default: as in the config."),
]
Baseline = Annotated[bool, typer.Option("--baseline", help="Empirical Bayes only: no minimum amount of data.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the lines of the log too.")]
MACHINE_SETTINGS = ("name", "var", "engine", "dask", "processes", "in_memory_rows")
"""Settings that come from the config and not from the model that is refitted."""


def train_command(
    data: DataPaths,
    config: ConfigFile = DEFAULT_CONFIG,
    trials: Trials = None,
    strict: Strict = False,
    baseline: Baseline = False,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    without_tags: WithoutTags = False,
    lang: Lang = None,
    verbose: Verbose = False,
) -> None:
    """Train a model on exports, evaluate it on a holdout, register it and write predictions."""
    from training.boosting.optuna_study import refuse_unreachable
    from training.doctor.first_step import refuse_faults
    from training.workspace import workspace

    settings = with_engine(load_settings(config), engine, scheduler)
    if trials is not None:
        settings = settings.model_copy(update={"tune": settings.tune.model_copy(update={"trials": trials})})
    check_data_exists(data)  # before anything is written
    refuse_unreachable()  # before any long computation
    space, language = workspace(data, settings), lang or language_of_locale()
    refuse_faults(data, space.store, settings, language, Console(stderr=True), without_tags=without_tags)
    with screen_of(space, lang, verbose=verbose) as screen:
        _run(data, space, settings, config, screen, strict=strict, without_tags=without_tags, baseline=baseline)


def refresh_command(
    data: DataPaths,
    config: ConfigFile = DEFAULT_CONFIG,
    strict: Strict = False,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    without_tags: WithoutTags = False,
    lang: Lang = None,
    verbose: Verbose = False,
) -> None:
    """Refit the champion's recipe on newer data, without tuning; evaluate and register it."""
    from training.boosting.recipe import Recipe
    from training.registry.champion import model_for
    from training.workspace import workspace, workspace_of

    settings = with_engine(load_settings(config), engine, scheduler)
    check_data_exists(data)  # before anything is written
    _, manifest, name, _ = model_for(workspace_of(data, settings), None)
    space = workspace(data, settings)
    settings = manifest.settings.model_copy(update={kept: getattr(settings, kept) for kept in MACHINE_SETTINGS})
    recipe = Recipe(manifest.choices)
    with screen_of(space, lang, verbose=verbose) as screen:
        screen.detail(f"refitting {name}")
        _run(data, space, settings, config, screen, strict=strict, without_tags=without_tags, recipe=recipe)


def _run(
    data: list[str],
    space: "Workspace",
    settings: Settings,
    config: Path,
    screen: RunScreen,
    *,
    strict: bool,
    without_tags: bool,
    baseline: bool = False,
    recipe: "Recipe | None" = None,
) -> None:
    """Read the data, train and register a model, and show the end; `baseline`, `recipe`: of `train_and_register`."""
    from training.data.open_source import open_source
    from training.registry.champion import keep_for_service
    from training.run import train_and_register

    progress = screen.callbacks
    opened = open_source(data, space, settings, progress, strict=strict, without_tags=without_tags)
    with opened as (source, report):
        show_files(report, screen)
        result = train_and_register(source, space, settings, progress, baseline=baseline, recipe=recipe)
    if result.comparison.promoted and (problem := keep_for_service(space, settings.var)):
        progress.line(problem)
    _show_end(result, space, data, config, screen)


def _show_end(result: "TrainingRun", space: "Workspace", data: list[str], config: Path, screen: RunScreen) -> None:
    """Log the details of a run, and print its end below the phases."""
    from training.console import details, show_result

    for line in details(result, space):
        screen.detail(line)
    screen.close()
    named = "" if config.resolve() == DEFAULT_CONFIG.resolve() else str(config)
    show_result(result, space, data, named, screen.log, screen.language, Console())

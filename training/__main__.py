"""`python -m training`: doctor, train, refresh, page, predict, plan, backtest, ui, leaks."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from configs.settings import CONFIG_DIR, Settings, load_settings
from configs.yaml_file import parse
from features.bilingual import Language, Words, language_of_locale
from features.console import amount, run_command, whole_number
from features.errors import InputError
from features.partitions.address import without_password
from features.sanitise import visible_text
from features.store.inputs import check_data_exists, load_data
from training.run_screen import LOG, RunScreen, show_files

if TYPE_CHECKING:
    from training.boosting.recipe import Recipe
    from training.run import TrainingRun
    from training.workspace import Workspace

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train, evaluate and use models on report exports.",
)

DataPaths = Annotated[list[str], typer.Option("--data", help="Folder, file or pattern of exports; may be repeated.")]
ConfigFile = Annotated[Path, typer.Option("--config", help="YAML file with the settings of the run.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse the run if any file or row cannot be used.")]
EngineName = Annotated[str | None, typer.Option("--engine", help="local or dask; default: as in the config.")]
Scheduler = Annotated[str | None, typer.Option("--scheduler", help="Address of a running Dask scheduler.")]
Trials = Annotated[
    int | None,
    typer.Option("--trials", parser=whole_number, help="Number of Optuna trials; default: as in the config."),
]
Baseline = Annotated[bool, typer.Option("--baseline", help="Empirical Bayes only: no minimum amount of data.")]
WithoutTags = Annotated[
    bool, typer.Option("--without-tags", help="Go on where the tag sheet does not join the metrics.")
]
Lang = Annotated[
    Literal["zh", "en"] | None, typer.Option("--lang", help="Language of messages; default: that of the locale.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the lines of the log too.")]
DEFAULT_CONFIG = CONFIG_DIR / "default.yaml"


@app.command("train")
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

    settings = _with_engine(load_settings(config), engine, scheduler)
    if trials is not None:
        settings = settings.model_copy(update={"tune": settings.tune.model_copy(update={"trials": trials})})
    check_data_exists(data)  # before anything is written
    refuse_unreachable()  # before any long computation
    space, language = workspace(data, settings), lang or language_of_locale()
    refuse_faults(data, space.store, settings, language, Console(stderr=True), without_tags=without_tags)
    with _screen(space, lang, verbose=verbose) as screen:
        _run(data, space, settings, config, screen, strict=strict, without_tags=without_tags, baseline=baseline)


@app.command("doctor")
def doctor_command(
    data: DataPaths,
    config: ConfigFile = DEFAULT_CONFIG,
    lang: Lang = None,
    write_source: Annotated[
        Path | None,
        typer.Option("--write-source", help="YAML file to write with the suggested headers."),
    ] = None,
) -> None:
    """Say what the exports hold and what is wrong. Exit code 1: too little data yet, 2: correct something first."""
    from features.point_in_time.as_of_table import read_ids
    from training.doctor.examine import examine
    from training.doctor.screen import show_diagnosis
    from training.doctor.suggested_sources import write_sources
    from training.workspace import trained_workspace

    settings, language = load_settings(config), lang or language_of_locale()
    trained = trained_workspace(data, settings)
    known_ids = read_ids(trained.bundle) if trained else {}
    err = Console(stderr=True)
    with err.status("") as status:
        found = examine(
            data,
            settings,
            lambda done, total, path: status.update(f"{done + 1}/{total} {path.name}"),
            known_ids=known_ids,
        )
    show_diagnosis(found, language, Console())
    if write_source is not None:
        for path in write_sources(write_source, found.files, settings):
            print(path)
    raise typer.Exit(found.exit_code)


@app.command("refresh")
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

    settings = _with_engine(load_settings(config), engine, scheduler)
    check_data_exists(data)  # before anything is written
    _, manifest, name, _ = model_for(workspace_of(data, settings), None)
    space = workspace(data, settings)
    settings = manifest.settings.model_copy(update={kept: getattr(settings, kept) for kept in MACHINE_SETTINGS})
    recipe = Recipe(manifest.choices)
    with _screen(space, lang, verbose=verbose) as screen:
        screen.detail(f"refitting {name}")
        _run(data, space, settings, config, screen, strict=strict, without_tags=without_tags, recipe=recipe)


@app.command("page")
def page_command(data: DataPaths, config: ConfigFile = DEFAULT_CONFIG, lang: Lang = None) -> None:
    """Write the page of the newest evaluation again, with newer results of `make bench-peers`."""
    from training.console import show_sentences
    from training.evaluation.page.render import PAGE, write_page
    from training.workspace import workspace_of

    settings = load_settings(config)
    check_data_exists(data)
    space = workspace_of(data, settings)
    judged = write_page(space.evaluation, settings.var / "proof")
    out = Console()
    out.print(str(space.evaluation / PAGE), highlight=False, markup=False, soft_wrap=True)
    show_sentences(judged, settings.interval.level, lang or language_of_locale(), out)


@app.command("predict")
def predict_command(
    data: DataPaths,
    out: Annotated[Path, typer.Option("--out", help="CSV or Parquet file to write.")] = Path("predictions.csv"),
    config: ConfigFile = DEFAULT_CONFIG,
    model: Annotated[Path | None, typer.Option("--model", help="Bundle folder; default: the champion.")] = None,
    strict: Strict = False,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    headers: Annotated[
        Literal["codes", "zh"], typer.Option("--headers", help="codes: as other tools join by them; zh: Chinese.")
    ] = "codes",
    without_tags: WithoutTags = False,
    lang: Lang = None,
) -> None:
    """Predict each creative at its latest cutoff with the champion of these data (or a bundle)."""
    from features.atomic_write import refuse_ending
    from training.data.open_source import open_source
    from training.decision.predict import predict_latest
    from training.decision.predictions_file import write_predictions
    from training.decision.unknown_ids import unknown_ids
    from training.registry.champion import model_for
    from training.workspace import workspace, workspace_of

    settings = _with_engine(load_settings(config), engine, scheduler)
    refuse_ending(out)
    check_data_exists(data)  # before anything is written
    creative_model, manifest, name, known_ids = model_for(workspace_of(data, settings), model)
    space = workspace(data, settings)
    with _screen(space, lang) as screen:
        progress = screen.callbacks
        opened = open_source(data, space, settings, progress, strict=strict, without_tags=without_tags)
        with opened as (source, report):
            show_files(report, screen)
            progress.phase("predict")
            table = predict_latest(source, creative_model, manifest.settings, known_ids)
            unknown = unknown_ids(source.creatives, known_ids)
    write_predictions(table, creative_model, manifest.settings, out, headers)
    warned = int((table["warnings"] != "").sum())
    said = Words(
        f"{out}：模型 {name.replace(' version ', ' ')} 预测了 {len(table):,} 个素材，其中 {warned:,} 个有提示",
        f"{out}: {len(table):,} creatives predicted by {name}, {warned:,} with warnings",
    )
    out_console, language = Console(), lang or language_of_locale()
    for text in (*(ids.words for ids in unknown), said):
        out_console.print(visible_text(text.in_language(language)), highlight=False, markup=False, soft_wrap=True)


@app.command("plan")
def plan_command(
    data: DataPaths,
    budget: Annotated[
        float | None, typer.Option("--budget", parser=amount, help="CNY for the days of one outcome window.")
    ] = None,
    launch: Annotated[
        int | None, typer.Option("--launch", parser=whole_number, help="How many; default: all that gain.")
    ] = None,
    candidates: Annotated[Path | None, typer.Option("--candidates", help="Candidates, as in a tag sheet.")] = None,
    out: Annotated[Path, typer.Option("--out", help="CSV or Parquet file to write.")] = Path("plan.csv"),
    config: ConfigFile = DEFAULT_CONFIG,
    model: Annotated[Path | None, typer.Option("--model", help="Bundle folder; default: the champion.")] = None,
    without_tags: WithoutTags = False,
    lang: Lang = None,
) -> None:
    """Plan a budget: which creatives to launch, what tests cost, today's split, what to stop or scale."""
    from features.atomic_write import refuse_ending
    from training.data.open_source import open_source
    from training.decision.plan.command import planned
    from training.decision.plan.plan_file import write_plan
    from training.decision.plan.refusals import checked_budget
    from training.decision.plan.screen import show_plan
    from training.registry.champion import model_for
    from training.workspace import workspace, workspace_of

    settings, language = load_settings(config), lang or language_of_locale()
    refuse_ending(out)
    checked_budget(budget, settings.outcome_days)
    check_data_exists(data)  # before anything is written
    creative_model, manifest, _, _ = model_for(workspace_of(data, settings), model)
    space = workspace(data, settings)
    trained = manifest.settings.model_copy(update={"plan": settings.plan})
    with _screen(space, lang) as screen:
        progress = screen.callbacks
        with open_source(data, space, settings, progress, without_tags=without_tags) as (source, report):
            show_files(report, screen)
            progress.phase("predict")
            plan = planned(source, creative_model, trained, budget, launch, candidates)
    show_plan(plan, settings.plan, [out, write_plan(plan, out)], language, Console())


@app.command("backtest")
def backtest_command(
    data: DataPaths,
    out: Annotated[Path, typer.Option("--out", help="Parquet or CSV file to write.")],
    config: ConfigFile = DEFAULT_CONFIG,
    strict: Strict = False,
    without_tags: WithoutTags = False,
    lang: Lang = None,
) -> None:
    """Backtest: at rolling origins, train on what was mature then, predict; write predictions with outcomes."""
    from features.atomic_write import refuse_ending, write_table
    from training.backtest import backtest, summary
    from training.console import show_backtest
    from training.data.dataset import prepare
    from training.workspace import workspace

    settings = load_settings(config)
    refuse_ending(out)
    check_data_exists(data)  # before anything is written
    space = workspace(data, settings)
    with _screen(space, lang) as screen:
        progress = screen.callbacks
        loaded, report = load_data(
            data, space.store, settings, strict=strict, without_tags=without_tags, progress=progress.file
        )
        show_files(report, screen)
        progress.phase("count")
        dataset = prepare(loaded, settings, progress.line)
        progress.phase("funnel")
        table = backtest(dataset, progress.refit, screen.origin)
    write_table(table, out)
    figures = summary(table, dataset.funnel, settings.evaluate.min_impressions)
    show_backtest(table, figures, out, lang or language_of_locale(), Console())


@app.command("ui")
def ui_command(
    data: DataPaths,
    config: ConfigFile = DEFAULT_CONFIG,
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 5000,
) -> None:
    """Show the runs of these data in MLflow: start its pages on loopback, or name the server's."""
    from training.registry.mlflow_tracking import experiment_path
    from training.workspace import workspace_of

    space = workspace_of(data, load_settings(config))
    path, out = experiment_path(space), Console()
    if space.mlflow.keeps_artifacts:
        out.print(f"{without_password(space.mlflow.tracking).rstrip('/')}{path}", highlight=False, soft_wrap=True)
        return
    address = f"http://127.0.0.1:{port}"
    out.print(f"runs of {space.name}: {address}{path}", highlight=False, soft_wrap=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", space.mlflow.tracking]
    os.execv(sys.executable, [*command, "--host", "127.0.0.1", "--port", str(port)])


@app.command("leaks")
def leaks_command(
    data: DataPaths,
    config: ConfigFile = DEFAULT_CONFIG,
    strict: Strict = False,
    without_tags: WithoutTags = False,
    lang: Lang = None,
) -> None:
    """Check the data for target leakage. Exit code 1 if a check fails."""
    from training.data.dataset import prepare
    from training.leaks import failed, run_leaks, show_findings
    from training.workspace import workspace

    settings = load_settings(config)
    check_data_exists(data)  # before anything is written
    space = workspace(data, settings)
    with _screen(space, lang) as screen:
        progress = screen.callbacks
        loaded, report = load_data(
            data, space.store, settings, strict=strict, without_tags=without_tags, progress=progress.file
        )
        show_files(report, screen)
        progress.phase("check")
        findings = run_leaks(prepare(loaded, settings, progress.line), report=progress.line)
    show_findings(findings, Console())
    if failed(findings):
        raise typer.Exit(1)


MACHINE_SETTINGS = ("name", "var", "engine", "dask", "processes", "in_memory_rows")
"""Settings that come from the config and not from the model that is refitted."""


def _with_engine(settings: Settings, engine: str | None, scheduler: str | None) -> Settings:
    """Return the settings with the engine and the scheduler of the command line."""
    if engine is None and scheduler is None:
        return settings
    if engine == "local" and scheduler:
        found = without_password(scheduler)
        raise InputError(f"--scheduler {found}: found --engine local, which has none. Leave one of the two away.")
    content = settings.model_dump()
    content["engine"] = engine or settings.engine
    if scheduler:
        content["engine"], content["dask"]["scheduler"] = engine or "dask", scheduler
    return parse(Settings, content, Path("--engine, --scheduler"))


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


def _screen(space: "Workspace", lang: Language | None = None, *, verbose: bool = False) -> RunScreen:
    return RunScreen(Console(stderr=True), space.folder / LOG, lang or language_of_locale(), verbose=verbose)


def main() -> None:
    """The command line."""
    run_command(app, "training")


if __name__ == "__main__":
    main()

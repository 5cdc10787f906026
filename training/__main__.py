"""`python -m training`: train, refresh, doctor, page, predict, plan, backtest, ui, leaks."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from configs.settings import load_settings
from features.bilingual import language_of_locale
from features.command_line import (
    DEFAULT_CONFIG,
    ConfigFile,
    DataPaths,
    Lang,
    Strict,
    WithoutTags,
    amount,
    run_command,
    whole_number,
)
from features.console import print_text
from features.partitions.address import without_password
from features.store.inputs import check_data_exists, load_data
from training.engine import with_engine
from training.run_screen import screen_of, show_files
from training.train_commands import EngineName, Scheduler, refresh_command, train_command

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train, evaluate and use models on report exports.",
)

app.command("train")(train_command)
app.command("refresh")(refresh_command)


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
    print_text(out, space.evaluation / PAGE)
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
    from training.console import show_predictions
    from training.data.open_source import open_source
    from training.decision.predict import predict_latest
    from training.decision.predictions_file import write_predictions
    from training.decision.unknown_ids import unknown_ids
    from training.registry.champion import model_for
    from training.workspace import workspace, workspace_of

    settings = with_engine(load_settings(config), engine, scheduler)
    refuse_ending(out)
    check_data_exists(data)  # before anything is written
    creative_model, manifest, name, known_ids = model_for(workspace_of(data, settings), model)
    space = workspace(data, settings)
    with screen_of(space, lang) as screen:
        progress = screen.callbacks
        opened = open_source(data, space, settings, progress, strict=strict, without_tags=without_tags)
        with opened as (source, report):
            show_files(report, screen)
            progress.phase("predict")
            table = predict_latest(source, creative_model, manifest.settings, known_ids)
            unknown = unknown_ids(source.creatives, known_ids)
    write_predictions(table, creative_model, manifest.settings, out, headers)
    show_predictions(out, table, name, [ids.words for ids in unknown], lang or language_of_locale(), Console())


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
    with screen_of(space, lang) as screen:
        progress = screen.callbacks
        with open_source(data, space, settings, progress, without_tags=without_tags) as (source, report):
            show_files(report, screen)
            progress.phase("predict")
            plan = planned(source, creative_model, trained, budget, launch, candidates)
    show_plan(plan, settings.plan, [out, write_plan(plan, out)], language, Console())


@app.command("backtest")
def backtest_command(
    data: DataPaths,
    out: Annotated[
        Path | None, typer.Option("--out", help="Parquet or CSV file to write; else backtest.parquet under var.")
    ] = None,
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
    from training.workspace import BACKTEST, workspace

    settings = load_settings(config)
    out = out or settings.var / BACKTEST
    refuse_ending(out)
    check_data_exists(data)  # before anything is written
    space = workspace(data, settings)
    with screen_of(space, lang) as screen:
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
    with screen_of(space, lang) as screen:
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


def main() -> None:
    """The command line."""
    run_command(app, "training")


if __name__ == "__main__":
    main()

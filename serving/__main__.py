"""The command line of the service: `serve`, `predict`, `report`, `bento`, `typescript`, `key`, `ledger`, `score`."""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from configs.settings import CONFIG_DIR
from configs.yaml_file import parse
from features.command_line import (
    DEFAULT_CONFIG,
    ConfigFile as RunConfig,
    DataPaths,
    Lang,
    WithoutTags,
    amount,
    run_command,
    whole_number,
)
from features.console import print_text
from serving.middleware.keys import new_key
from serving.settings import (
    BENTOML_ENVIRONMENT,
    PROCESS_ENVIRONMENT,
    SETTINGS_VARIABLE,
    ServiceSettings,
    load_service_settings,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Serve predictions over HTTP, predict a file, write the report, read the ledger.",
)

TYPES = Path(__file__).with_name("client.d.ts")
SERVICE_CONFIG = CONFIG_DIR / "serving.yaml"
ServiceConfig = Annotated[Path, typer.Option("--config", help="YAML file with the settings of the service.")]
Bundle = Annotated[Path | None, typer.Option("--bundle", help="A bundle folder; else the champion.")]
Name = Annotated[str | None, typer.Option("--name", help="Registered model; else the newest champion.")]


def _settings(config: Path, **more: object) -> ServiceSettings:
    """Settings of a file, with the options of the command line in their place."""
    options = {name: value for name, value in more.items() if value is not None}
    return parse(ServiceSettings, {**load_service_settings(config).model_dump(), **options}, config)


@app.command("serve")
def serve_command(
    config: ServiceConfig = SERVICE_CONFIG,
    bundle: Bundle = None,
    name: Name = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; else that of the settings.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Else that of the settings.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes that answer; else as in the settings.")
    ] = None,
) -> None:
    """Answer requests over HTTP until SIGTERM."""
    settings = _settings(config, bundle=bundle, registered_model=name, host=host, port=port, workers=workers)
    os.environ[SETTINGS_VARIABLE] = settings.model_dump_json()
    for variable, value in PROCESS_ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    command = [sys.executable, "-m", "serving.server.supervisor"]
    place = [settings.host, str(settings.port), str(settings.workers), str(settings.drain_seconds)]
    os.execv(sys.executable, [*command, *place])


@app.command("predict")
def predict_command(
    file: Annotated[Path, typer.Argument(help="A request as for POST /v1/predict; - for standard input.")],
    config: ServiceConfig = SERVICE_CONFIG,
    bundle: Bundle = None,
    name: Name = None,
) -> None:
    """Print the answers of POST /v1/predict as JSON, without a server; nothing is recorded."""
    import orjson

    from serving.api.errors import Refused
    from serving.api.requests import PredictRequest, listed
    from serving.api.validation import parse_request
    from serving.inference.loaded_model import load_model
    from serving.inference.model_watcher import find_bundle, note_on_others
    from serving.inference.predict import predictions

    settings = _settings(config, bundle=bundle, registered_model=name)
    location = find_bundle(settings)
    if note := note_on_others(location):
        print(note, file=sys.stderr)
    loaded = load_model(location.folder, location.name, location.version)
    body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        request = parse_request(PredictRequest, body, loaded.vocabulary, settings.limits.creatives)
        now = datetime.now(loaded.zone).replace(tzinfo=None)
        done = predictions(loaded, request.creatives, now=now, explain=request.explain, top=listed(request))
    except Refused as refusal:
        print(json.dumps(refusal.body("-"), ensure_ascii=False, indent=1), file=sys.stderr)
        raise typer.Exit(1) from None
    content = json.loads(orjson.dumps({"model": loaded.identity, "predictions": done.answers}))
    print(json.dumps(content, ensure_ascii=False, indent=1))


@app.command("report")
def report_command(
    data: DataPaths,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    account: Annotated[str, typer.Option("--account", help="Only this account.")] = "",
    product: Annotated[str, typer.Option("--product", help="Only this product.")] = "",
    since: Annotated[
        str | None, typer.Option("--since", help="ISO date: launched on this day or later, or not yet.")
    ] = None,
    lang: Annotated[
        Literal["zh", "en"] | None, typer.Option("--lang", help="Of messages, and in which the file opens (else zh).")
    ] = None,
    config: RunConfig = DEFAULT_CONFIG,
    bundle: Bundle = None,
    name: Name = None,
    without_tags: WithoutTags = False,
    ledger: Annotated[
        str, typer.Option("--ledger", help="Past answers: URL, SQLite file or export; else the service's ledger.")
    ] = "",
    budget: Annotated[
        float | None,
        typer.Option("--budget", parser=amount, help="To plan, CNY of one outcome window; else last days'."),
    ] = None,
    launch: Annotated[
        int | None,
        typer.Option("--launch", parser=whole_number, help="To plan: how many to launch; default: all that gain."),
    ] = None,
) -> None:
    """Write the strategist's report as one HTML file, and print its path."""
    from rich.text import Text

    from configs.settings import load_settings
    from features.bilingual import language_of_locale
    from features.store.inputs import check_data_exists
    from serving.report.context import CreativeFilter
    from serving.report.run import LOG, ReportRequest, iso_time, write_report
    from serving.report.wording.shell import written
    from training.run_screen import RunScreen, show_files
    from training.workspace import workspace

    creatives = CreativeFilter(account, product, None if since is None else iso_time(since, "--since"))
    request = ReportRequest(
        data, out, creatives, lang or "zh", bundle, name or "", without_tags, ledger, budget, launch
    )
    settings = load_settings(config)
    check_data_exists(data)  # before anything is written
    language = request.lang if lang else language_of_locale()
    log = workspace(data, settings).folder / LOG
    with RunScreen(Console(stderr=True), log, language) as screen:
        report = write_report(
            request,
            settings,
            screen.callbacks,
            on_files=lambda files: show_files(files, screen),
            on_note=lambda words: screen.show(screen.words(words)),
        )
    said = screen.words(written(report.all_creatives, f"{report.model_quality.model} {report.model_quality.version}"))
    end = Console()
    end.print(Text(str(out), style=f"link {out.resolve().as_uri()}"), soft_wrap=True)
    print_text(end, said)


@app.command("bento")
def bento_command(
    config: ServiceConfig = SERVICE_CONFIG,
    bundle: Bundle = None,
    name: Name = None,
    store: Annotated[Path, typer.Option("--store", help="Folder of BentoML's store.")] = Path("var/bentoml"),
) -> None:
    """Build a bento that holds the model and starts without a network."""
    from serving.bento_build import build
    from serving.inference.model_watcher import find_bundle, note_on_others

    location = find_bundle(_settings(config, bundle=bundle, registered_model=name))
    if note := note_on_others(location):
        print(note, file=sys.stderr)
    env = {**os.environ, **BENTOML_ENVIRONMENT, "BENTOML_HOME": str(store.resolve())}
    tag = build(location.folder, env)
    print(f"{tag} with {location}, in {store}")
    print(f"start it: BENTOML_DO_NOT_TRACK=true BENTOML_HOME={store} bentoml serve {tag}")


@app.command("typescript")
def typescript_command(
    out: Annotated[Path, typer.Option("--out", help="Declaration file to write.")] = TYPES,
) -> None:
    """Write the TypeScript types of the API."""
    from serving.mounts.typescript import typescript
    from serving.service import PAGES

    out.write_text(typescript(PAGES.state.openapi()), encoding="utf-8")
    print(f"{out}: the types of every request, answer and error")


@app.command("key")
def key_command(name: Annotated[str, typer.Argument(help="Name of the caller, recorded in the ledger.")]) -> None:
    """Make an API key: printed once, with its hash for the settings."""
    key, digest = new_key()
    print(f"key for {name}, shown only now: {key}")
    print(f"keys:\n  - name: {name}\n    sha256: {digest}")


@app.command("ledger")
def ledger_command(
    config: ServiceConfig = SERVICE_CONFIG,
    url: Annotated[str | None, typer.Option("--url", help="SQLAlchemy URL; else that of the settings.")] = None,
    since: Annotated[str, typer.Option("--since", help="ISO time; without an offset UTC.")] = "",
    until: Annotated[str, typer.Option("--until", help="ISO time before which they were given.")] = "",
    creative: Annotated[str, typer.Option("--creative", help="Only this creative.")] = "",
    request: Annotated[str, typer.Option("--request", help="Only this request id.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1)] = 20,
    out: Annotated[Path | None, typer.Option("--out", help="Write all to a .csv or .jsonl file.")] = None,
) -> None:
    """List recorded answers, newest first, or export them."""
    from serving.ledger.export import line, utc_time, write_file
    from serving.ledger.reading import opened, read

    begin, end = utc_time("--since", since), utc_time("--until", until)
    engine = opened(url or load_service_settings(config).ledger)
    count = None if out else limit
    rows = read(engine, since=begin, until=end, creative_id=creative, request_id=request, limit=count)
    if out is None:
        for row in rows:
            print(line(row))
    else:
        Console().print(f"{out}: {write_file(rows, out):,} answers", highlight=False)


@app.command("score")
def score_command(
    data: DataPaths,
    ledger: Annotated[
        str, typer.Option("--ledger", help="URL, SQLite file or export (.csv, .jsonl); else that of the service.")
    ] = "",
    since: Annotated[str, typer.Option("--since", help="ISO time; without an offset UTC.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="JSON file to write.")] = None,
    backtest: Annotated[
        Path | None,
        typer.Option("--backtest", help="Used where no answer has its outcome; else backtest.parquet under var."),
    ] = None,
    config: RunConfig = DEFAULT_CONFIG,
    service_config: Annotated[Path, typer.Option("--service-config", help="Settings of the service.")] = SERVICE_CONFIG,
    lang: Lang = None,
) -> None:
    """Compare past answers with what came: order, level, intervals, chances, decisions, drift."""
    from configs.settings import load_settings
    from features.bilingual import language_of_locale
    from features.errors import InputError
    from features.store.ingest import IngestReport
    from serving.score.run import SCORE, ScoreRequest, score, write_score
    from training.run_screen import folded_problems
    from training.track_record.words import summary
    from training.workspace import BACKTEST

    if backtest is not None and not backtest.is_file():
        raise InputError(
            f"--backtest {backtest}: there is no such file. Make one by `make backtest`, or leave the option away.",
            zh=f"--backtest {backtest}：没有这个文件。处理：先 make backtest，或去掉这个选项。",
        )
    default, settings = load_service_settings(service_config).ledger, load_settings(config)
    request = ScoreRequest(data, ledger, default, since, backtest or settings.var / BACKTEST)
    err, screen, language = Console(stderr=True), Console(), lang or language_of_locale()

    def show_files(files: IngestReport) -> None:
        for words in folded_problems([one for file in files.files if file.status != "known" for one in file.problems]):
            print_text(err, words.in_language(language))

    record, space = score(request, settings, show_files)
    for line in summary(record):
        print_text(screen, line.in_language(language))
    path = out or space.folder / SCORE
    run_id = write_score(record, space, path)
    print_text(screen, f"{path}  MLflow: {run_id or '–'}")


def main() -> None:
    """The command line."""
    run_command(app, "serving")


if __name__ == "__main__":
    main()

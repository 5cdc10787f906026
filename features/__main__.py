"""`python -m features`: import export files into the store, show its status, export its content."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from configs.export_layout import read_layout
from configs.settings import CONFIG_DIR, Settings, load_settings
from features.attributes import ATTRIBUTE_OF, KEY_LABELS, TAG_LABELS
from features.command_line import DEFAULT_CONFIG, ConfigFile, run_command
from features.console import show_ingest, show_problems, show_status
from features.errors import InputError
from features.partitions.address import is_url, printable
from features.partitions.writer import write_partitioned
from features.readers.find_files import find_files
from features.sanitise import visible_text
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load, write_parquet
from features.store.status import store_status

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Import report exports into the store, show what it holds, and export it again.",
)

StoreFile = Annotated[Path, typer.Option("--store", help="The store: one DuckDB file.")]
DEFAULT_STORE = Path("var/store.duckdb")


@app.command("ingest")
def ingest_command(
    files: Annotated[list[str], typer.Argument(help="Export files, folders or patterns.")],
    store: StoreFile = DEFAULT_STORE,
    config: ConfigFile = DEFAULT_CONFIG,
    strict: Annotated[bool, typer.Option("--strict", help="All or nothing: refuse any problem.")] = False,
) -> None:
    """Import export files into the store; the newest value wins, and the value it replaces is logged."""
    settings = load_settings(config)
    out, err = Console(), Console(stderr=True)
    bar = _bar(err)
    find_files(files)  # fails before a store is created
    with open_store(store) as opened, bar:
        task = bar.add_task("reading", total=None)

        def advance(done: int, total: int, path: Path) -> None:
            bar.update(task, completed=done, total=total, description=visible_text(path.name))

        report = ingest(opened, files, settings, strict=strict, progress=advance)
    show_problems(report, err)
    show_ingest(report, out)


@app.command("status")
def status_command(store: StoreFile = DEFAULT_STORE, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show what the store holds, which days are missing, and which funnel stages its columns allow."""
    settings = load_settings(config)
    with open_store(store, read_only=True) as opened:
        status = store_status(opened, settings)
    show_status(status, Console())


@app.command("export")
def export_command(
    out: Annotated[str, typer.Argument(help="Folder for the Parquet files; with --partitioned a URL, too.")],
    store: StoreFile = DEFAULT_STORE,
    config: ConfigFile = DEFAULT_CONFIG,
    partitioned: Annotated[
        bool, typer.Option("--partitioned", help="One file per promotion type, account and month, and a manifest.")
    ] = False,
) -> None:
    """Write metrics, creatives and revisions as Parquet files, or metrics and creatives as a partitioned dataset."""
    settings = load_settings(config)
    if partitioned:
        _export_partitioned(out, store, settings)
        return
    if is_url(out):
        raise InputError(
            f"{printable(out)}: found a URL; expected a folder of this machine. Add --partitioned to use a URL.",
            zh=f"{printable(out)}：这是网址，应为本机文件夹。处理：加 --partitioned 才能写到网址。",
        )
    with open_store(store, read_only=True) as opened:
        loaded = load(opened, settings)
        written = write_parquet(opened, loaded, Path(out))
    for path in written:
        print(visible_text(path))
    _show_counts(loaded.notes)


@app.command("columns")
def columns_command() -> None:
    """Print the columns of a tag sheet as a Markdown table: name, meaning in both languages, known headers."""
    sheet = read_layout(CONFIG_DIR / "sources" / "tag_sheet.yaml")
    print("| column | meaning | headers, the first found is taken |")
    print("|---|---|---|")
    for name, column in sheet.columns.items():
        label = ATTRIBUTE_OF[name].full_label if name in ATTRIBUTE_OF else {**KEY_LABELS, **TAG_LABELS}[name]
        print(f"| {name} | {label.zh} · {label.en} | {', '.join(column.headers)} |")


def _export_partitioned(root: str, store: Path, settings: Settings) -> None:
    bar = _bar(Console(stderr=True))
    with open_store(store, read_only=True) as opened, bar:
        task = bar.add_task("reading", total=None)

        def advance(done: int, total: int, account: str | None) -> None:
            bar.update(task, completed=done, total=total, description=visible_text(account or "done"))

        dataset = write_partitioned(opened, settings, root, advance)
    print(visible_text(printable(dataset.root)))
    rows, size = sum(part.rows for part in dataset.parts), sum(part.bytes for part in dataset.parts)
    _show_counts({"parts": len(dataset.parts), "rows": rows, "bytes": size} | dataset.notes)


def _show_counts(counts: dict[str, int]) -> None:
    for name, count in counts.items():
        print(f"{name}: {count:,}")


def _bar(err: Console) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def main() -> None:
    """Run the command line."""
    run_command(app, "features")


if __name__ == "__main__":
    main()

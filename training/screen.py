"""What a person sees of a run: the table, where everything lies, what to type next."""

import pandas as pd
from rich.console import Console
from rich.table import Table

from training.evaluate import ALL_AGES, METHODS
from training.run import Result
from training.workspace import Workspace

SHOWN_AGES = 12
"""Ages shown on the screen; all are in figures.csv."""


def show_result(result: Result, space: Workspace, data: list[str], config: str, out: Console) -> None:
    """The summary of a training run."""
    for part in ("cold", "warm"):
        out.print(figures_table(result.figures, part))
    rows, starts = result.held
    trained, creatives = result.trained
    out.print(
        f"Judged on {rows:,} rows with cutoffs after {starts:%Y-%m-%d}, by a model of {trained:,} rows of "
        f"{creatives:,} creatives; the registered model is the same recipe on all mature rows."
    )
    out.print(
        "[dim]rank: Spearman with what came (1 is perfect). total: Σ predicted / Σ actual; mean: of creatives. "
        "error: mean |log1p predicted − log1p actual| by exposure. cold: creatives training never saw.[/dim]"
    )
    used = [f"{stage} {choice.rounds}{'*' if choice.tuned else ''}" for stage, choice in result.choices.items()]
    if used:
        out.print(f"Trees by stage (* tuned setting, else the hand setting): {', '.join(used)}")
    if result.left_out:
        reasons = "; ".join(f"{count:,} {name}" for name, count in result.left_out.items())
        out.print(f"Left out or resolved: {reasons}")
    path, count = result.predictions
    crown = "is the champion" if result.contest.won else "is registered; the champion stays"
    out.print(f"\n[bold]{result.registered}[/bold] {crown}: {result.contest.reason}")
    out.print(f"  model        {space.bundle}", highlight=False)
    out.print(f"  predictions  {path} ({count:,} creatives)", highlight=False)
    out.print(f"  evaluation   {space.folder / 'evaluation'}", highlight=False)
    out.print(f"  MLflow run   {result.registered.run_id} in {space.tracking_uri}", highlight=False)
    given = "" if data == ["var/sample-exports"] else f" DATA='{data[0]}'"
    given += "" if config == "configs/default.yaml" else f" CONFIG={config}"
    out.print("Next:")
    out.print(f"  make predict{given} OUT=predictions.csv    after new exports came into the folder", highlight=False)
    out.print(
        f"  make backtest{given}                       what would have been predicted, and what came", highlight=False
    )
    out.print("  make ui                                  the runs, in a browser", highlight=False)


def figures_table(figures: pd.DataFrame, part: str) -> Table:
    """Rank correlation, error and calibration by target and age; one part (cold or warm) of the rows."""
    table = Table(title=f"Holdout, {part} creatives", title_justify="left", header_style="bold")
    for name in ("target", "age h", "rows"):
        table.add_column(name, justify="left" if name == "target" else "right")
    short = dict(zip(METHODS, ("carry", "EB", "gpmcast")))
    for name in METHODS:
        table.add_column(f"rank {short[name]}", justify="right")
    for name in METHODS:
        table.add_column(f"error {short[name]}", justify="right")
    table.add_column("total", justify="right")
    table.add_column("mean", justify="right")
    of_part = figures[figures["part"] == part]
    for target, of_target in of_part.groupby("target", sort=False):
        ages = [ALL_AGES, *sorted(set(of_target["age_hours"]) - {ALL_AGES})[:SHOWN_AGES]]
        for age in ages:
            by_method = of_target[of_target["age_hours"] == age].set_index("method")
            own = by_method.loc["gpmcast"]
            if pd.isna(own["spearman"]):
                continue
            table.add_row(
                str(target),
                "all" if age == ALL_AGES else f"{age:g}",
                f"{int(own['rows']):,}",
                *(_number(by_method.loc[name, "spearman"]) for name in METHODS),
                *(_number(by_method.loc[name, "log_error"]) for name in METHODS),
                _number(own["total"]),
                _number(own["mean"]),
                end_section=age == ages[-1],
            )
    return table


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"

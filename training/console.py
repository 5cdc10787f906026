"""What a person sees of a run: the table, where everything lies, what to type next."""

from collections.abc import Sequence

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from features.funnel import VOLUME_TARGETS
from features.partitions.folder import shown, without_password
from training.evaluation.acceptance import Check, overall
from training.evaluation.metrics import ALL_AGES, METHODS
from training.evaluation.page.render import PAGE
from training.evaluation.page.tables import number, worst_tenth
from training.run import Result
from training.workspace import Workspace

SHOWN_AGES = [0, 24, 168]
"""Ages shown on the screen; all are on the page."""


def show_result(result: Result, space: Workspace, data: list[str], config: str, out: Console) -> None:
    """The summary of a training run; `config` is empty where it is the default."""
    for part in ("cold", "warm"):
        out.print(figures_table(result.figures, part))
    rows, starts = result.held
    trained, creatives = result.trained
    lines = [
        "rank: Spearman with what came. error: mean |log1p predicted − log1p actual|.",
        "total, mean: predicted over actual, by exposure and by creative.",
        "carry: as it was so far. EB: empirical Bayes, no trees. cold: creatives training never saw.",
        f"Judged on {rows:,} rows with cutoffs after {starts:%Y-%m-%d}, by a model of {trained:,} rows of "
        f"{creatives:,} creatives; the registered model is the same recipe on all mature rows.",
    ]
    if result.coverage is None:
        lines.append("No intervals or chances: too few outcomes that the model had not seen (interval.min_rows).")
    else:
        lines.append(result.coverage.summary())
    lines += [worst_tenth_line(result.deciles), trust_line(result.checks)]
    used = [f"{stage} {choice.rounds}{'*' if choice.tuned else ''}" for stage, choice in result.recipe.choices.items()]
    if result.recipe.prior_kinds:
        started = [f"{stage} {kind}" for stage, kind in result.recipe.prior_kinds.items()]
        lines.append(f"What each stage starts from: {', '.join(started)}.")
    if used:
        lines.append(f"Trees by stage (* tuned, else the hand setting): {', '.join(used)}.")
    if result.missing:
        needs = "; ".join(f"{stage} needs {columns}" for stage, columns in result.missing.items())
        lines.append(f"Not available with these columns: {needs}.")
    if result.left_out:
        reasons = "; ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in result.left_out.items())
        lines.append(f"Left out or resolved: {reasons}.")
    path, count = result.predictions
    crown = "is the champion" if result.contest.won else "is registered; the champion stays"
    given = "" if data == ["var/sample-exports"] else f" DATA='{without_password(data[0])}'"
    given += f" CONFIG='{config}'" if config else ""
    lines += [
        "",
        f"{result.registered} {crown}: {result.contest.reason}.",
        f"  model        {space.bundle}",
        f"  predictions  {path} ({count:,} creatives)",
        f"  evaluation   {space.evaluation / PAGE}",
        f"  MLflow run   {result.registered.run_id} in {shown(space.tracking_uri)}",
        "Next:",
        f"  make predict{given}    (predict again when new exports came into the folder)",
        f"  make backtest{given}   (what would have been predicted, and what came)",
        "  make ui        (the runs, in a browser)",
    ]
    for line in lines:
        out.print(line, highlight=False, markup=False)


def worst_tenth_line(deciles: pd.DataFrame) -> str:
    """Which tenth of predictions is farthest off, of a rate and of volume."""
    volume = deciles["target"].isin(VOLUME_TARGETS)
    told = []
    for rows in (deciles[~volume], deciles[volume]):
        worst = worst_tenth(rows)
        if worst is not None:
            age = "all ages" if worst["age_hours"] == ALL_AGES else f"{worst['age_hours']:g} h"
            band = f"{number(worst['total_low'])} to {number(worst['total_high'])}"
            told.append(
                f"{worst['target']}, {age}, tenth {worst['decile']}: {number(worst['total'])} ({band} with 90 %, "
                f"{worst['rows']:,} rows)"
            )
    return f"Predicted over actual is farthest off at {'; '.join(told) or 'no tenth: all are too small to tell'}."


def trust_line(checks: Sequence[Check]) -> str:
    """Whether the evaluation is to be believed."""
    told = ", ".join(f"{check.name} {check.status}" for check in checks)
    return f"To be believed? {overall(checks)} ({told}); thresholds and cures stand on the page."


def figures_table(figures: pd.DataFrame, part: str) -> Table:
    """Rank correlation, error and calibration by target and age; one part (cold or warm) of the rows."""
    table = Table(
        title=f"Holdout, {part} creatives", title_justify="left", box=SIMPLE_HEAD, padding=0, collapse_padding=True
    )
    table.add_column("\ntarget", no_wrap=True)
    short = dict(zip(METHODS, ("carry", "EB", "model")))
    titles = ["\nage h", "\nrows"]
    titles += [f"{figure}\n{short[name]}" for figure in ("rank", "error") for name in METHODS]
    for title in [*titles, "total\nmodel", "mean\nmodel"]:
        table.add_column(title, justify="right", no_wrap=True)
    of_part = figures[(figures["part"] == part) & figures["age_hours"].isin([ALL_AGES, *SHOWN_AGES])]
    for target, of_target in of_part.groupby("target", sort=False):
        told = of_target[(of_target["method"] == METHODS[-1]) & of_target["spearman"].notna()]
        for age in told["age_hours"]:
            by_method = of_target[of_target["age_hours"] == age].set_index("method")
            own = by_method.loc[METHODS[-1]]
            table.add_row(
                str(target) if age == ALL_AGES else "",
                "all" if age == ALL_AGES else f"{age:g}",
                f"{int(own['rows']):,}",
                *(_number(by_method.loc[name, "spearman"]) for name in METHODS),
                *(_number(by_method.loc[name, "log_error"]) for name in METHODS),
                _number(own["total"]),
                _number(own["mean"]),
                style="bold" if age == ALL_AGES else "",
            )
    return table


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"

"""Console summary of a training run: metrics, files, next commands, and what the model can be used for."""

from collections.abc import Sequence

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from features.partitions.folder import without_password
from features.sanitise import visible_text
from training.evaluation.acceptance import Judgement
from training.evaluation.files import HeadFacts
from training.evaluation.metrics import ALL_AGES, METHODS
from training.evaluation.page.render import PAGE
from training.evaluation.page.sentences import five_sentences
from training.run import TrainingRun
from training.workspace import Workspace

CONSOLE_AGES = [0, 24, 168]
"""Ages in the console table; the page has all."""


def show_result(result: TrainingRun, space: Workspace, data: list[str], config: str, out: Console) -> None:
    """Print the summary of a training run.

    Args:
        result: Of the run.
        space: Its workspace.
        data: As given on the command line, for the commands to type next.
        config: As given on the command line; empty for the default.
        out: Console to print on.
    """
    for part in ("cold", "warm"):
        out.print(figures_table(result.figures, part))
    lines = [
        "rank: Spearman correlation with the outcome. error: mean |log1p predicted − log1p actual|.",
        "total, mean: predicted over actual, weighted by exposure and by creative.",
        "carry: carry-forward of the value so far. EB: empirical Bayes, no trees. cold: creatives not in training.",
        f"Evaluated on {result.holdout_rows:,} rows with cutoffs after {result.holdout_since:%Y-%m-%d}, by a model "
        f"trained on {result.training_rows:,} rows of {result.training_creatives:,} creatives; the registered model is "
        "the same recipe on all mature rows.",
    ]
    lines.append(result.tagged.words.en)
    lines += [head_line(head) for head in result.heads]
    if result.missing:
        needs = "; ".join(f"{stage} needs {columns}" for stage, columns in result.missing.items())
        lines.append(f"Not available with these columns: {needs}.")
    if result.left_out:
        reasons = "; ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in result.left_out.items())
        lines.append(f"Left out or resolved: {reasons}.")
    outcome = "is the champion" if result.comparison.promoted else "is registered; the champion stays"
    given = "" if data == ["var/sample-exports"] else f" DATA='{without_password(data[0])}'"
    given += f" CONFIG='{config}'" if config else ""
    lines += [
        "",
        f"{result.registered} {outcome}: {result.comparison.reason}.",
        f"  model        {space.bundle}",
        f"  predictions  {result.predictions} ({result.predicted_creatives:,} creatives)",
        f"  evaluation   {space.evaluation / PAGE}",
        f"  MLflow run   {result.registered.run_id} in {space.mlflow}",
        "Next:",
        f"  make predict{given}    (predict again when new exports came into the folder)",
        f"  make backtest{given}   (past predictions beside their outcomes)",
        "  make ui        (the runs, in a browser)",
    ]
    for line in lines:
        out.print(line, highlight=False, markup=False)
    out.print()
    show_sentences(result.judged, result.level, out)


def head_line(head: HeadFacts) -> str:
    """Say what was chosen for a head, what it gains over the funnel and what tuning gains, on folds and holdout."""
    parts = [f"Head {head.name}: {head.rounds} trees"]
    if head.weights:
        parts.append("stack " + ", ".join(f"{member} {weight:.2f}" for member, weight in head.weights.items()))
    chosen = "tuned" if head.tuned else "hand"
    against = [head.head_gain, head.holdout_gain("funnel", chosen)]
    parts.append(f"deviance against {'its offset' if not head.weights else 'the funnel alone'} {_shares(against)}")
    if head.tuning_gain is None:
        parts.append("tuning found nothing better than the hand setting")
    else:
        gain = _shares([head.tuning_gain, head.holdout_gain("hand", "tuned")])
        kept = "taken" if head.tuned else "hand setting kept"
        parts.append(f"tuning {gain} (standard error {100 * (head.tuning_error or 0):.1f} %; {kept})")
    return "; ".join(parts) + "."


def _shares(gains: Sequence[float | None]) -> str:
    """Fall of a deviance on the folds and on the holdout, in percent."""
    named = zip(gains, ("on folds", "on holdout"))
    return ", ".join(f"{-100 * gain:+.1f} % {where}" for gain, where in named if gain is not None) or "not measured"


def show_sentences(judged: Sequence[Judgement], level: float, out: Console) -> None:
    """Print the five sentences on what the model can be used for."""
    out.print("What it can be used for:", highlight=False)
    for number, sentence in enumerate(five_sentences(judged, level), start=1):
        out.print(f"{number}. {visible_text(sentence.en)}", highlight=False, markup=False)


def figures_table(figures: pd.DataFrame, part: str) -> Table:
    """Return rank correlation, error and calibration by target and age, for one part (`cold`, `warm`) of the rows."""
    table = Table(
        title=f"Holdout, {part} creatives", title_justify="left", box=SIMPLE_HEAD, padding=0, collapse_padding=True
    )
    table.add_column("\ntarget", no_wrap=True)
    short = dict(zip(METHODS, ("carry", "EB", "model")))
    titles = ["\nage h", "\nrows"]
    titles += [f"{figure}\n{short[name]}" for figure in ("rank", "error") for name in METHODS]
    for title in [*titles, "total\nmodel", "mean\nmodel"]:
        table.add_column(title, justify="right", no_wrap=True)
    of_part = figures[(figures["part"] == part) & figures["age_hours"].isin([ALL_AGES, *CONSOLE_AGES])]
    for target, of_target in of_part.groupby("target", sort=False):
        own_rows = of_target[(of_target["method"] == METHODS[-1]) & of_target["spearman"].notna()]
        for age in own_rows["age_hours"]:
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

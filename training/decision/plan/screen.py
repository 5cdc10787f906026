"""A plan on the console, in one language."""

from pathlib import Path
from typing import Literal

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from configs.decision_settings import PlanSettings
from features.bilingual import Language, Words
from features.sanitise import visible_text
from training.decision.plan import overview_words, words
from training.decision.plan.evidence import WATCH
from training.decision.plan.make_plan import LAUNCH, Plan
from training.decision.plan.rows import candidate_rows, not_launched, running_rows

ROWS_SHOWN = 15


def show_plan(plan: Plan, settings: PlanSettings, files: list[Path], language: Language, out: Console) -> None:
    """Print a plan.

    Args:
        plan: The plan.
        settings: That it was made with.
        files: That it was written to.
        language: Of the text.
        out: Console to print on.
    """

    def say(text: Words, style: str = "") -> None:
        out.print(Text(visible_text(text.in_language(language)), style=style), soft_wrap=True)

    summary = plan.summary
    today = overview_words.today(summary, float(plan.running["yesterday"].sum()))
    launched = overview_words.launches(summary, told=plan.launches_refused is None)
    found = overview_words.headline(overview_words.of_budget(summary), launched, today)
    say(found, "bold")
    chosen = plan.candidates[plan.candidates["part"] == LAUNCH]
    if len(chosen):
        _table(words.LAUNCHES, _launch_cells(chosen, plan.summary.roi), language, out)
    for text in _of_launches(plan):
        say(text)
    out.print()
    if len(plan.running):
        called = plan.running["call"] != WATCH
        rows = pd.concat([plan.running[called], plan.running[~called]])  # what to stop is not left to the file
        _table(words.RUNNING, _running_cells(rows, plan.summary.roi), language, out)
    rows_running = running_rows(plan)
    say(overview_words.split(summary, settings) if rows_running else words.NONE_RUNNING)
    for text in (overview_words.differing(rows_running, settings), overview_words.platform(summary)):
        if text.zh:
            say(text)
    say(overview_words.promise(settings))
    say(words.FILES)
    for path in files:
        out.print(Text(f"  {path}", style=f"link {path.resolve().as_uri()}"), soft_wrap=True)


def _of_launches(plan: Plan) -> list[Words]:
    """What is said of the launches."""
    if not plan.summary.candidates:
        return [words.NO_CANDIDATES]
    if plan.launches_refused:
        return [overview_words.launches_refused(plan.launches_refused)]
    said = [overview_words.gain(plan.summary), overview_words.left_out(not_launched(candidate_rows(plan)))]
    said += [] if plan.summary.launched else [words.LAUNCH_ALL_THE_SAME]
    return [text for text in said if text.zh]


Cells = dict[Words, list[Words | str]]


def _launch_cells(rows: pd.DataFrame, roi: str) -> Cells:
    return {
        words.CREATIVE: _names(rows),
        words.TEST: [f"{value:,.0f}" for value in rows["test"]],
        words.DAYS: [_span(*span) for span in zip(rows["days_low"], rows["days_high"])],
        words.ROI[roi]: [f"{value:.2f}" for value in rows["roi"]],
        words.HIT: [f"{value:.0%}" for value in rows["hit_chance"]],
        words.GAIN: [f"{value:,.0f}" for value in rows["gain"]],
    }


def _running_cells(rows: pd.DataFrame, roi: str) -> Cells:
    return {
        words.CREATIVE: _names(rows),
        words.CALL: [words.CALLS[code] for code in rows["call"]],
        words.ROI[roi]: [f"{value:.2f}" for value in rows["roi"]],
        words.YESTERDAY: [f"{value:,.0f}" for value in rows["yesterday"]],
        words.TODAY: [f"{value:,.0f}" for value in rows["today"]],
        words.CHANGE: ["–" if value != value else f"{value:+.0%}" for value in rows["change"]],
        words.FUNDED: [f"{value:.0%}" for value in rows["propensity"]],
    }


def _names(rows: pd.DataFrame) -> list[Words | str]:
    """Name of each creative, else its id."""
    if "creative_name" not in rows:
        return list(rows["creative_id"])
    return list(rows["creative_name"].where(rows["creative_name"].notna(), rows["creative_id"]))


def _span(low: float, high: float) -> str:
    """Days from … to …; long ones are no number that anyone waits for."""
    ends = [f"{value:.0f}" if value <= 60 else "60+" for value in (low, high)]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def _table(title: Words, cells: Cells, language: Language, out: Console) -> None:
    table = Table(title=title.in_language(language), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    for place, header in enumerate(cells):
        justify: Literal["left", "right"] = "right" if place else "left"
        table.add_column(header.in_language(language), justify=justify, no_wrap=True, max_width=None if place else 26)
    lines = list(zip(*cells.values()))
    for line in lines[:ROWS_SHOWN]:
        said = (cell.in_language(language) if isinstance(cell, Words) else cell for cell in line)
        table.add_row(*(Text(visible_text(cell)) for cell in said))
    out.print(table)
    if len(lines) > ROWS_SHOWN:
        more = words.MORE.format(count=len(lines) - ROWS_SHOWN).in_language(language)
        out.print(Text(more), soft_wrap=True)

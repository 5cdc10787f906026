"""The end of a run on the console: exactly the five sentences."""

from io import StringIO

from rich.console import Console

from training.console import show_sentences
from training.evaluation.acceptance import Judgement, Measured
from training.evaluation.page.sentences import five_sentences


def test_a_run_ends_with_the_five_sentences() -> None:
    worst = Measured(("0", "q1", "[red]\x1b[31mlive"), 0.5, 0.4, 0.6, 300)
    judged = [Judgement("gpm", "intervals", "caution", Measured(("gpm",), 0.8, 0.78, 0.82, 900), worst=worst)]
    out = Console(file=StringIO(), width=400)
    show_sentences(judged, 0.8, out)
    title, *lines = out.file.getvalue().splitlines()
    assert title == "What it can be used for:"
    assert [line[:2] for line in lines] == ["1.", "2.", "3.", "4.", "5."]
    assert lines[0] == f"1. {five_sentences(judged, 0.8)[0].en}"
    assert "[red]\N{REPLACEMENT CHARACTER}[31mlive" in lines[2]  # names from files are text

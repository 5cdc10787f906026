"""The end of a run on the console: what was chosen for the heads, and exactly the five sentences."""

import re
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from training.console import head_line, heads_words, missing_words, show_backtest, show_sentences
from training.evaluation.acceptance import Judgement, Measured
from training.evaluation.files import HeadFacts
from training.evaluation.page.sentences import five_sentences

GMV = HeadFacts(
    name="gmv",
    zh="每次展现成交额",
    en="gmv per impression",
    rounds=120,
    tuned=False,
    weights={"bayes": 0.1, "funnel": 0.3, "trees": 0.6},
    funnel_deviance=0.5,
    deviance=0.45,
    tuning_gain=None,
    tuning_error=None,
    holdout={"funnel": 0.6, "hand": 0.63},
)
TUNED = {"tuning_gain": 0.02, "tuning_error": 0.005, "holdout": {"funnel": 0.6, "hand": 0.5, "tuned": 0.45}}


def test_what_trees_change_is_a_sentence_that_says_whether_to_act() -> None:
    cost = GMV.model_copy(update={"zh": "千展成本", "en": "spend", "holdout": {"funnel": 0.6, "hand": 0.5}})
    same = GMV.model_copy(update={"zh": "退后留存", "en": "net gmv", "holdout": {"funnel": 0.6, "hand": 0.601}})
    said = heads_words([GMV, cost, same])
    assert said is not None
    assert "每次展现成交额大 5 %、千展成本小 17 %、退后留存差不多。变大的不用处理" in said.zh
    assert "gmv per impression 5 % larger, spend 17 % smaller, net gmv about the same. Nothing needs" in said.en
    better = heads_words([cost])
    assert better is not None
    assert "不用处理" not in better.zh
    assert heads_words([GMV.model_copy(update={"holdout": {}})]) is None


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {},
            "Head gmv: 120 trees; stack bayes 0.10, funnel 0.30, trees 0.60; deviance against the funnel alone -10.0 % "
            "on folds, +5.0 % on holdout; tuning found nothing better than the hand setting.",
        ),
        (
            {**TUNED, "tuned": True},
            "Head gmv: 120 trees; stack bayes 0.10, funnel 0.30, trees 0.60; deviance against the funnel alone -10.0 % "
            "on folds, -25.0 % on holdout; tuning -2.0 % on folds, -10.0 % on holdout (standard error 0.5 %; taken).",
        ),
        (
            {**TUNED, "tuned": False},
            "Head gmv: 120 trees; stack bayes 0.10, funnel 0.30, trees 0.60; deviance against the funnel alone -10.0 % "
            "on folds, -16.7 % on holdout; tuning -2.0 % on folds, -10.0 % on holdout (standard error 0.5 %; hand "
            "setting kept).",
        ),
        (
            {"name": "volume", "weights": {}, "holdout": {}, "deviance": None},
            "Head volume: 120 trees; deviance against its offset not measured; tuning found nothing better than the "
            "hand setting.",
        ),
    ],
    ids=["hand", "tuned", "not taken", "not measured"],
)
def test_a_line_says_what_a_head_and_its_tuning_gained_and_whether_it_held(changed, line) -> None:
    assert head_line(GMV.model_copy(update=changed)) == line


def test_a_run_ends_with_the_five_sentences() -> None:
    worst = Measured(("0", "q1", "[red]\x1b[31mlive"), 0.5, 0.4, 0.6, 300)
    judged = [Judgement("gpm", "intervals", "caution", Measured(("gpm",), 0.8, 0.78, 0.82, 900), worst=worst)]
    out = Console(file=StringIO(), width=400)
    show_sentences(judged, 0.8, "zh", out)
    assert out.file.getvalue().startswith("能用来做什么：\n1. " + five_sentences(judged, 0.8)[0].zh)
    out = Console(file=StringIO(), width=400)
    show_sentences(judged, 0.8, "en", out)
    title, *lines = out.file.getvalue().splitlines()
    assert title == "What it can be used for:"
    assert [line[:2] for line in lines] == ["1.", "2.", "3.", "4.", "5."]
    assert lines[0] == f"1. {five_sentences(judged, 0.8)[0].en}"
    assert "[red]\N{REPLACEMENT CHARACTER}[31mlive" in lines[2]  # names from files are text


def test_a_backtest_ends_in_the_asked_language() -> None:
    table = pd.DataFrame({"origin": pd.to_datetime(["2026-05-01", "2026-05-15"]), "cold": [True, False]})
    figures = pd.DataFrame([{"target": "net_gpm", "rows": 1414, "rank": 0.37, "total": 1.24, "inside": float("nan")}])
    told = {}
    for language in ("zh", "en"):
        out = Console(file=StringIO(), width=120)
        show_backtest(table, figures, Path("var/backtest.parquet"), language, out)
        told[language] = out.file.getvalue()
    assert "2 个时点的 2 次预测，其中 1 次的素材当时不在训练数据里" in told["zh"]
    assert "净GPM" in told["zh"]
    assert "2 rows from 2 origins, 1 cold" in told["en"]
    for text in told.values():
        assert re.search(r"1,414 +0\.37 +1\.24 +–", text)


def test_what_lacks_columns_is_said_in_both_languages() -> None:
    words = missing_words({"engage": "likes, comments, shares or follows, and impressions", "net_gpm": "impressions"})
    assert words.zh == "缺少列，无法预测：互动、净GPM。需要哪些列：make doctor。"
    assert "net_gpm: impressions" in words.en

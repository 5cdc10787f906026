"""The five sentences: one clause per verdict and reason, the factor to read by, the exception inside the sentence."""

import re

import numpy as np
import pytest

from training.evaluation.acceptance import Aspect, Judgement, Measured, Verdict
from training.evaluation.metrics import CARRY, EMPIRICAL_BAYES
from training.evaluation.page.sentences import cell_words, five_sentences, rules


def figure(value: float, low: float, high: float, *of: str) -> Measured:
    return Measured(of, value, low, high, 500)


def ranking(of: str, verdict: Verdict, carry: float, bayes: float, worst: Measured | None = None) -> Judgement:
    rivals = (
        figure(carry, carry - 0.05, carry + 0.05, CARRY),
        figure(bayes, bayes - 0.05, bayes + 0.05, EMPIRICAL_BAYES),
    )
    return Judgement(of, "ranking", verdict, figure(0.55, 0.45, 0.65, of), rivals=rivals, worst=worst)


def level(of: str, verdict: Verdict, value: float, factor: float = 1.0, worst: Measured | None = None) -> Judgement:
    return Judgement(of, "level", verdict, figure(value, value - 0.1, value + 0.1, of), factor=factor, worst=worst)


def intervals(of: str, verdict: Verdict, value: float, worst: Measured | None = None) -> Judgement:
    return Judgement(of, "intervals", verdict, figure(value, value - 0.02, value + 0.02, of), worst=worst)


def chances(of: str, verdict: Verdict, value: float) -> Judgement:
    return Judgement(of, "chances", verdict, figure(value, value - 0.02, value + 0.02, "3"))


def undecided(of: str, aspect: Aspect, rows: int) -> Judgement:
    return Judgement(of, aspect, "undecided", Measured((of,), np.nan, np.nan, np.nan, rows))


FOUND = [
    ranking("gpm", "usable", 0.3, 0.1),
    ranking("net_gpm", "usable", 0.3, 0.1),
    ranking("roi", "caution", 0.3, 0.02),
    ranking("net_roi", "unusable", -0.1, 0.1),
    ranking("later_impressions", "caution", 0.3, 0.1, figure(-0.2, -0.3, -0.1, "24", CARRY)),
    level("gpm", "usable", 0.94),
    level("net_gpm", "caution", 1.06, worst=figure(2.5, 2.0, 3.0, "all", "3")),
    level("roi", "caution", 1.26, 0.79, figure(1.3, 1.2, 1.4, "72", "0")),
    level("net_roi", "caution", 1.26, 0.79, figure(1.3, 1.2, 1.4, "72", "0")),
    level("later_impressions", "unusable", 0.7, 1.43),
    intervals("gpm", "usable", 0.81),
    intervals("net_gpm", "caution", 0.87),
    intervals("roi", "caution", 0.83),
    intervals("net_roi", "caution", 0.8, figure(0.65, 0.6, 0.7, "0", "q1", "live")),
    intervals("later_impressions", "unusable", 0.55),
    chances("roi", "caution", -0.08),
    chances("hit", "usable", 0.005),
]


def test_five_sentences_say_what_is_usable_how_to_read_it_and_what_to_leave() -> None:
    assert [sentence.en for sentence in five_sentences(FOUND, 0.8)] == [
        "Ranking (rank correlation with the outcome): GPM 0.55 and net GPM 0.55 usable (better than carry-forward and "
        "empirical Bayes); ROI 0.55 with caution (better than carry-forward, not clearly better than empirical Bayes); "
        "net ROI 0.55 not usable (worse than carry-forward); later impressions 0.55 usable (better than carry-forward "
        "and empirical Bayes), but at 24 h carry-forward ranks better.",
        "Level (total predicted ÷ total that came): GPM 0.94 right; net GPM 1.06 right in total, but at tenth 3 of the "
        "predictions (lowest first) 2.50 × what came; ROI and net ROI 26% high: read × 0.79, but at 3 days even then "
        "1.30 × what came; later impressions not usable (30% low; no factor mends most tenths).",
        "80% intervals (share of outcomes inside): GPM 81% usable; net GPM 87% too wide; ROI 83% too wide (could be "
        "sampling variance); net ROI 80% usable, but 65% in the group before launch, quarter 1 of early volume, live; "
        "later impressions 55% not usable (too narrow everywhere).",
        "Chances (stated against observed): ROI target reached 8 points too high where 30–40% is stated; a hit usable "
        "(within 1 point).",
        "Use: rank creatives by GPM and net GPM; rank with caution by ROI and later impressions; do not rank by net "
        "ROI; take GPM as predicted; take net GPM as predicted (but for the exception above); read ROI and net ROI × "
        "0.79; set no budget by later impressions; do not use intervals of later impressions.",
    ]


def test_both_languages_have_the_same_figures() -> None:
    for sentence in five_sentences(FOUND, 0.8):
        zh, en = (re.findall(r"\d+\.\d+|\d+%", words) for words in sentence)
        assert sorted(zh) == sorted(en)
        assert re.search(r"[\u4e00-\u9fff]", sentence.zh)
        assert not re.search(r"[\u4e00-\u9fff]", sentence.en)


def test_where_nothing_can_be_judged_one_sentence_says_so() -> None:
    aspects: tuple[Aspect, ...] = ("ranking", "level", "intervals")
    found = [
        *(undecided(of, aspect, 150) for aspect in aspects for of in ("gpm", "roi")),
        undecided("hit", "chances", 30),
    ]
    (said,) = five_sentences(found, 0.8)
    assert said.en.startswith("Nothing can be judged yet: ")
    assert "there are 150 for GPM and ROI and 0 for later volume" in said.en
    assert "只有 150 行，后续展示 0 行，至少要 200 行" in said.zh
    assert "there are 0 for GPM and ROI" in five_sentences([], 0.8)[0].en


def test_an_aspect_with_too_few_rows_says_so_beside_those_that_are_judged() -> None:
    alone = Judgement("gpm", "ranking", "usable", figure(0.5, 0.4, 0.6))
    said = [sentence.en for sentence in five_sentences([alone, undecided("gpm", "level", 150)], 0.8)]
    assert said[1].endswith(": GPM not judged: fewer than 200 rows with outcomes.")
    assert said[4] == "Use: rank creatives by GPM; intervals and chances are not checked: a first guess."


def test_intervals_and_chances_that_nobody_checked_are_called_so() -> None:
    alone = Judgement("gpm", "ranking", "usable", figure(0.5, 0.4, 0.6))
    found = five_sentences([alone, undecided("gpm", "intervals", 0)], 0.8)
    assert found[4].zh == "用途：按GPM给素材排序；区间、概率未经检验，只作参考。"
    said = [sentence.en for sentence in found]
    assert said[2] == "80% intervals (share of outcomes inside): not checked: too few rows outside of training."
    assert said[3] == "Chances (stated against observed): not checked: too few rows outside of training."


def test_a_ranking_without_baselines_and_one_no_better_than_chance() -> None:
    alone = Judgement("gpm", "ranking", "usable", figure(0.5, 0.4, 0.6))
    random = Judgement("roi", "ranking", "unusable", figure(0.0, -0.1, 0.1))
    assert five_sentences([alone, random], 0.8)[0].en.endswith(
        ": GPM 0.50 usable; ROI 0.00 not usable (no better than chance)."
    )


def test_chances_that_are_off_everywhere_are_only_compared() -> None:
    said = five_sentences([chances("hit", "unusable", 0.12)], 0.8)
    assert said[3].en.endswith("a hit off everywhere (by 12 points at most): compare them only.")
    assert "compare chances (a hit), do not read their values" in said[4].en


@pytest.mark.parametrize(
    ("one", "en", "zh"),
    [
        (FOUND[0], "usable · 0.55 [0.45, 0.65]", "可用 · 0.55 [0.45, 0.65]"),
        (FOUND[7], "26% high: read × 0.79 · 1.26 [1.16, 1.36]", "偏高 26%，乘 0.79 看 · 1.26 [1.16, 1.36]"),
        (
            level("gpm", "caution", 1.05, 0.95),
            "5% high: read × 0.95 · 1.05 [0.95, 1.15]",
            "偏高 5%，乘 0.95 看 · 1.05 [0.95, 1.15]",
        ),
        (FOUND[12], "too wide · 83% [81%, 85%]", "偏宽 · 83% [81%, 85%]"),
        (FOUND[15], "too high · −8 [−10, −6]", "偏高 · −8 [−10, −6]"),
        (undecided("gpm", "level", 3), "too few rows", "行数太少"),
    ],
)
def test_a_cell_has_the_verdict_and_the_figure_with_its_band(one: Judgement, en: str, zh: str) -> None:
    assert cell_words(one, 0.8) == (zh, en)


def test_the_rules_name_every_threshold_in_both_languages() -> None:
    for text in rules(0.8):
        assert set(re.findall(r"[\d.]+(?:–[\d.]+)?%?", text)) >= {
            "90%",
            "0.9–1.1",
            "0.85–1.18",
            "80%",
            "2",
            "6",
            "5",
            "200",
            "1%",
        }


def test_targets_with_different_factors_are_read_in_one_clause_and_no_factor_is_given_where_none_helps() -> None:
    found = [
        level("gpm", "caution", 1.26, 0.79),
        level("net_gpm", "unusable", 2.0, 0.5),
        level("roi", "caution", 1.52, 0.66),
        level("net_roi", "unusable", 3.0, 0.33),
        level("later_impressions", "caution", 0.86, 1.16),
    ]
    use = five_sentences(found, 0.8)[4]
    assert use.en == (
        "Use: read GPM × 0.79, ROI × 0.66, later impressions × 1.16; set no budget by net GPM and net ROI; intervals "
        "and chances are not checked: a first guess."
    )
    assert use.zh == (
        "用途：GPM乘 0.79 看、ROI乘 0.66 看、后续展示乘 1.16 看；不要用净GPM、净ROI定预算；"
        "区间、概率未经检验，只作参考。"
    )

"""Figures of the holdout in plain words."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from serving.report import wording
from serving.report.context import ReportContext
from serving.report.data import ReportData
from serving.report.first_screen import trust
from serving.report.model_quality import model_quality, own_evaluation, pair_accuracy
from serving.report.render import render
from training.evaluation.acceptance import Measured
from training.evaluation.coverage import BIN_COLUMNS, GROUP_COLUMNS
from training.evaluation.deciles import calibration_table
from training.evaluation.files import Evaluation, RunFacts
from training.evaluation.metrics import METHODS, evaluate
from training.evaluation.page.render import judgements_of


def test_pair_accuracy_is_a_half_without_correlation_and_one_for_equal_order() -> None:
    assert pair_accuracy(0.0) == pytest.approx(0.5)
    assert pair_accuracy(1.0) == pytest.approx(1.0)


def evaluation_of_twice_too_high_gpm(fingerprint: str) -> Evaluation:
    draw = np.random.default_rng(3)
    rate = draw.lognormal(0.0, 1.0, 400)
    columns = {"carried": draw.permutation(rate), "bayes": np.full(400, rate.mean()), "predicted": 2.0 * rate}
    holdout = pd.DataFrame({f"{part}_gpm": values for part, values in columns.items()}).assign(
        promotion_type="live",
        account_id="a",
        creative_id=[f"c{place}" for place in range(400)],
        age_hours=0,
        actual_gpm=rate,
        exposure_gpm=1000.0,
        actual_later_impressions=1000.0,
    )
    predicted = {method: pd.DataFrame({"gpm": values}) for method, values in zip(METHODS, columns.values())}
    exposure = {"gpm": np.full(400, 1000.0), "volume": np.full(400, 1000.0)}
    ages, cold = holdout["age_hours"], np.ones(400, dtype=np.bool_)
    groups = pd.DataFrame({name: ["all"] for name in GROUP_COLUMNS}).assign(
        target="gpm", enough_volume=True, rows=400, share=1.0, covered=0.81
    )
    return Evaluation(
        facts=RunFacts.model_construct(
            data_fingerprint=fingerprint, level=0.8, min_impressions=200.0, holdout_since="2026-06-08T00:00:00"
        ),
        figures=evaluate(predicted, pd.DataFrame({"gpm": rate}), exposure, ages, cold, 200.0),
        holdout=holdout,
        deciles=calibration_table(holdout, 200.0, draws=20),
        lifts=pd.DataFrame(),
        curve=pd.DataFrame(),
        groups=groups,
        bins=pd.DataFrame(columns=BIN_COLUMNS),
    )


def test_where_too_few_rows_are_judged_pairs_are_counted_all_the_same(context: ReportContext) -> None:
    fingerprint = context.loaded_model.manifest.data_fingerprint
    own = own_evaluation(context, evaluation_of_twice_too_high_gpm(fingerprint))
    assert own is not None
    nothing = Measured((), np.nan, np.nan, np.nan, 150)
    judged = [
        replace(one, verdict="undecided", figure=nothing) if one.aspect == "ranking" else one
        for one in judgements_of(own)
    ]
    (gpm,) = model_quality(context, own, judged).accuracy
    assert gpm.pair_accuracy == pytest.approx(1.0)
    assert "nan" not in wording.reliability.accuracy(gpm, 0.8).zh


def test_the_report_has_the_five_sentences_of_the_evaluation(context: ReportContext, data: ReportData) -> None:
    fingerprint = context.loaded_model.manifest.data_fingerprint
    own = own_evaluation(context, evaluation_of_twice_too_high_gpm(fingerprint))
    assert own is not None
    judged = judgements_of(own)
    quality = model_quality(context, own, judged)
    assert quality.evaluated
    assert [sentence.en.split(" (")[0] for sentence in quality.sentences[:2]] == ["Ranking", "Level"]
    assert "GPM 100% high: read × 0.50" in quality.sentences[1].en
    assert (quality.accuracy[0].covered, quality.accuracy[0].total) == (0.81, pytest.approx(2.0))
    pills = {one.aspect: one for one in trust("gpm", judged, 0.8)}
    assert (pills["level"].verdict, pills["level"].factor) == ("caution", 0.5)
    assert wording.first_screen.pill(pills["level"]) == (
        "GPM 绝对值 偏高 100%，按 5.0 折看",
        "GPM level: 100% too high, read × 0.50",
    )
    page = render(data.model_copy(update={"model_quality": quality, "trust": list(pills.values())}))
    assert all(wording.first_screen.why(one).zh in page for one in pills.values())
    for sentence in quality.sentences:
        assert sentence.en in page
        assert sentence.zh in page


def test_an_evaluation_of_other_data_is_ignored(context: ReportContext) -> None:
    assert own_evaluation(context, evaluation_of_twice_too_high_gpm("other")) is None
    quality = model_quality(context, None, [])
    assert (quality.evaluated, quality.sentences) == (False, [])

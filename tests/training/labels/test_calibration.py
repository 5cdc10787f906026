"""What calibrates intervals: how many creatives are missing, and until when; the same before and after a run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.funnel import NET_ROI
from training.boosting.recipe import Recipe, fit_on, out_of_fold, predict_out_of_sample
from training.boosting.rolling_fits import plan_refits, with_refits
from training.doctor.amounts import amounts
from training.labels.calibration import MOST_WEEKS, Calibration, new_a_week
from training.labels.outcomes import MATURE
from training.steps import calibration_of_run, supported_by
from training.uncertainty import fit_uncertainty

SOME = Calibration(
    target=NET_ROI.name, rows=40, needed=60, creatives=12, closed=120, least_volume=200.0,
    types_below={"live": 10, "product": 30}, enough=200, new_a_week=12.0,
)  # fmt: skip


def test_missing_creatives_follow_from_the_rows_that_each_brought_so_far() -> None:
    assert SOME.state == "none"
    assert SOME.missing == 60  # 20 rows at 40 rows of 120 creatives
    assert SOME.weeks == 5
    assert "还差约 60 个结果已出的素材，按此速度约 5 周" in SOME.words.zh
    assert "about 60 more creatives with a closed outcome are missing, about 5 weeks at this pace" in SOME.words.en


def test_with_enough_rows_nothing_is_missing_and_types_with_few_are_named() -> None:
    wide = SOME.model_copy(update={"rows": 90})
    assert (wide.state, wide.missing, wide.weeks) == ("wide", 0, 0)
    assert "推直播 10 行、推商品 30 行，不到 200 行，区间放宽了" in wide.words.zh
    enough = wide.model_copy(update={"types_below": {}})
    assert enough.state == "enough"
    assert "wider" not in enough.words.en


def test_what_cannot_be_told_gets_no_number() -> None:
    nothing = SOME.model_copy(update={"rows": 0})
    assert (nothing.missing, nothing.weeks) == (None, None)
    assert "要多久说不准" in nothing.words.zh
    still = SOME.model_copy(update={"new_a_week": 0.0})
    assert (still.missing, still.weeks) == (60, None)
    assert f"{MOST_WEEKS} 周内凑不够" in still.words.zh
    assert SOME.model_copy(update={"target": ""}).words.zh == ""


def test_the_pace_is_that_of_the_last_weeks() -> None:
    days = pd.Series(pd.to_datetime(["2026-01-05", "2026-02-20", "2026-02-25", "2026-02-26", None]))
    assert new_a_week(days, pd.Timestamp("2026-03-01")) == pytest.approx(3 / 4)
    assert new_a_week(days[1:3], pd.Timestamp("2026-03-01")) == pytest.approx(2 / (9 / 7))


def test_the_doctor_foretells_what_calibrates_the_model(dataset) -> None:
    """Rows are counted before anything is fitted; they are those that the intervals of the run are fitted on."""
    found = supported_by(dataset)
    run = replace(dataset, settings=found.settings)
    (kept, _), moments = plan_refits(run, [(found.train, found.since), (_mature(run), run.source.until)])
    told = calibration_of_run(run, kept[0], found.holdout)
    assert told == amounts(dataset.loaded, dataset.settings).calibration
    fitted = with_refits(run, moments)
    held = predict_out_of_sample(fitted, found.holdout, fit_on(fitted, kept[0], found.since, Recipe()))
    interval = fitted.settings.interval.model_copy(update={"min_rows": 20})
    settings = fitted.settings.model_copy(update={"interval": interval})
    uncertainty = fit_uncertainty([*out_of_fold(fitted, kept[0], Recipe()), held], fitted.funnel, settings)
    assert uncertainty is not None
    assert uncertainty.calibration_rows[told.target] == told.rows


def _mature(run) -> np.ndarray:
    return (run.rows["state"] == MATURE).to_numpy()

"""The interval benchmark, end to end on a small world."""

import pytest

from benchmarks.intervals import evaluate, posterior_chance
from training.boosting.model import fit_model
from training.boosting.recipe import predict_out_of_sample
from training.data.dataset import fit_features, prepare, rows_of
from training.labels.splits import holdout_split

pytestmark = pytest.mark.slow


def test_it_prints_for_every_target_and_chance_whether_the_goal_is_reached(small_world, settings, capsys) -> None:
    interval = settings.interval.model_copy(update={"min_rows": 50})
    evaluate("small", prepare(small_world, settings.model_copy(update={"interval": interval})))
    printed = capsys.readouterr().out
    for target in ("gpm", "net_gpm", "roi", "net_roi", "later_impressions"):
        assert f"reached: {target} inside 78%–82%" in printed
        assert f"reached: {target} no wider than plain CQR" in printed
    for method in ("gpmcast", "EB, calibrated", "EB posterior"):
        assert f"    {method:15}" in printed


def test_it_reports_too_few_rows(small_world, settings, capsys) -> None:
    interval = settings.interval.model_copy(update={"min_rows": 10_000})
    evaluate("small", prepare(small_world, settings.model_copy(update={"interval": interval})))
    assert capsys.readouterr().out == "small: too few rows to calibrate\n"


def test_posterior_chances_fall_with_the_threshold(small_world, settings) -> None:
    dataset = prepare(small_world, settings)
    train, holdout, until = holdout_split(dataset.rows, settings.split.holdout_days)
    fitted = fit_features(dataset, train, until)
    model = fit_model(*rows_of(dataset, train, fitted), fitted, {}, settings)
    rows = predict_out_of_sample(dataset, holdout, model)
    low, high = (
        posterior_chance(rows.predicted, rows.features, model, "net_roi", threshold) for threshold in (0.1, 3.0)
    )
    assert ((low > 0) & (low <= 1)).all()
    assert (high <= low).all()
    assert high.mean() < low.mean()

"""A report on whatever columns there are: the export without impressions, a baseline without any uncertainty."""

from dataclasses import replace

import pytest

from configs.settings import Settings
from features.schema import Loaded
from serving.inference.loaded_model import load_model
from serving.report.context import CreativeFilter
from serving.report.data import report_data
from serving.report.render import render
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import prepare
from training.labels.splits import holdout_split

LEFT = ["spend_cny", "boost_spend_cny", "gmv_cny", "net_gmv_cny"]


@pytest.fixture(scope="module")
def without_impressions(small_world: Loaded) -> Loaded:
    """What the platform exports unless more columns are asked for."""
    kept = [name for name in small_world.metrics if name.endswith("_cny") or name in [*small_world.metrics.columns[:6]]]
    return replace(small_world, metrics=small_world.metrics[kept])


def test_without_impressions_it_tells_roi_and_which_columns_to_add(
    without_impressions: Loaded, quick: Settings, write_bundle, tmp_path
) -> None:
    dataset = prepare(without_impressions, quick)
    train, _, starts = holdout_split(dataset.rows, quick.split.holdout_days)
    trainings, moments = plan_refits(dataset, [(train, starts)])
    model: CreativeModel = fit_on(with_refits(dataset, moments), *trainings[0], Recipe(prior_kinds={}, choices={}))
    served = load_model(write_bundle(tmp_path / "bundle", model, without_impressions, quick))
    assert model.uncertainty is None
    data = report_data(served, without_impressions, CreativeFilter())
    assert (data.roi, data.gpm) == ("net_roi", "")
    assert data.heat_columns == ["return", "keep", "net_roi"]
    assert data.questions[0].missing == ["hold"]
    assert data.disagreements == []
    assert data.diversity.hits is None
    assert {card.chance for card in data.cards} == {None}
    assert {fall for card in data.cards for fall in card.waterfalls} == {"net_roi"}
    page = render(data)
    assert "视频播放数" in page
    assert "爆款概率尚未校准" in page
    assert "无区间" in page

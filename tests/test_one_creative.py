"""One creative from its export row to its predicted numbers, each of which can be checked by hand.

The export: a creative's first three days at the price of 100 CNY. On day one 1 000 impressions brought 80 clicks, 4
orders, 400 CNY gross and 360 CNY net, for 200 CNY of spend. What is expected of it then?
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.funnel_model.empirical_bayes import StagePrior
from features.matrix.encoders import fit_encoder
from features.matrix.feature_matrix import Fitted, build_features
from features.point_in_time.counts import data_funnel, entities_of, observe_loaded
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import snapshot_frame, snapshots
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load
from training.boosting.model import CreativeModel
from training.boosting.pooled_line import flat_line
from training.boosting.volume import VolumeHead
from training.data.metrics_source import InMemorySource
from training.decision.predict import predict_latest
from training.explanation.contributions import all_contributions
from training.labels.outcomes import MATURE, actual_targets, outcomes

EXPORT = """素材ID,素材视频名称,日期,整体消耗,基础消耗,整体展现次数,整体点击次数,整体成交订单数,整体成交金额,净成交金额
全部,-,-,"1,000.00",200.00,"5,000",380,19,"1,900.00","1,700.00"
7530001234567890123,痛点直击.mp4,2026-07-20,200.00,200.00,"1,000",80,4,400.00,360.00
7530001234567890123,痛点直击.mp4,2026-07-21,400.00,0.00,"2,000",150,7,700.00,650.00
7530001234567890123,痛点直击.mp4,2026-07-22,400.00,0.00,"2,000",150,8,800.00,690.00
"""
SHEET = "素材ID,价格,开头类型\n7530001234567890123,100,痛点直击\n"


@pytest.fixture
def loaded(tmp_path: Path):
    account = tmp_path / "exports" / "1700000000000001"
    account.mkdir(parents=True)
    (account / "全域推广数据-视频-1.csv").write_bytes(EXPORT.encode("gbk"))
    (account / "标签.csv").write_text(SHEET, encoding="utf-8-sig")
    with open_store(tmp_path / "store.duckdb") as store:
        ingest(store, [tmp_path / "exports"], Settings())
        return load(store, Settings())


def prior(stage: str, rate: float, creative_variance: float, dispersion: float = 1.0) -> StagePrior:
    """What training would have fitted: the market's rate, φ and s²; nobody shares anything with this creative."""
    return StagePrior(
        rate={"live": rate},
        dispersion=dispersion,
        creative_variance=creative_variance,
        drift_variance=0.0,
        transient_variance=0.0,
        strengths={"market": 5.0},
        weights={},
        cross_stage_weights={stage: 1.0},
    )


@pytest.fixture
def model(loaded) -> CreativeModel:
    priors = {
        "click": prior("click", rate=0.05, creative_variance=0.02),  # K = φ/s² = 50
        "order": prior("order", rate=0.04, creative_variance=0.5),  # K = 2
        "value": prior("value", rate=1.0, creative_variance=0.25),  # of the price
        "keep": prior("keep", rate=0.9, creative_variance=0.01),
        "cost": prior("cost", rate=0.25, creative_variance=0.01, dispersion=10.0),  # K = 1 000 impressions
    }
    fitted = Fitted(
        funnel=data_funnel(loaded, Settings()),
        priors=priors,
        encoder=fit_encoder(loaded.creatives, Settings()),
        entities=tuple(entities_of(loaded.creatives, Settings())[:1]),
        numbers=(),
    )
    offset, calibration = flat_line(float(np.log1p(5000.0))), flat_line(float(np.log(5000.0)))
    return CreativeModel(fitted=fitted, volume=VolumeHead(offset, calibration, ceiling=1e9, boosters={}))


def features_of(rows: pd.DataFrame, loaded, model: CreativeModel):
    observed = observe_loaded(rows, loaded, model.fitted.funnel, model.fitted.entities, Settings())
    return build_features(observed, model.fitted)


def day_one(loaded) -> pd.DataFrame:
    """The snapshot at 24 hours."""
    metrics = MetricRows.of(loaded)
    rows = snapshot_frame(snapshots(metrics, [24, 48], weekly=False), metrics.creatives)
    return rows[rows["age_hours"] == 24].reset_index(drop=True)


def test_the_export_row_becomes_a_row_of_metrics(loaded) -> None:
    assert len(loaded.metrics) == 3  # the row 全部 is no creative
    first = loaded.metrics.iloc[0]
    assert first["creative_id"] == "7530001234567890123"
    assert first["account_id"] == "1700000000000001"
    assert first["promotion_type"] == "live"
    assert (first["impressions"], first["spend_cny"], first["net_gmv_cny"]) == (1000, 200, 360)
    assert loaded.creatives.iloc[0]["tag_hook"] == "痛点直击"


def test_its_early_counts_become_its_predicted_numbers(loaded, model) -> None:
    row = day_one(loaded)
    assert row["cutoff"].iloc[0] == pd.Timestamp("2026-07-21")
    features = build_features(
        observe_loaded(row, loaded, model.fitted.funnel, model.fitted.entities, Settings()), model.fitted
    )
    predicted = model.predict(features).iloc[0]

    # click: 1 000 × 0.05 = 50 clicks were expected, 80 came, K = 50: factor (80 + 50)/(50 + 50) = 1.3
    assert predicted["click"] == pytest.approx(0.05 * 1.3)
    # order: 80 × 0.04 = 3.2 were expected, 4 came, K = 2: factor 6/5.2
    assert predicted["order"] == pytest.approx(0.04 * 6 / 5.2)
    # value: 4 orders at the price of 100 brought 400: as expected, so 100 CNY an order
    assert predicted["value"] == pytest.approx(100.0)
    # keep: refunds may come for an hour yet, so day one is no evidence at its own end
    assert predicted["keep"] == pytest.approx(0.9)
    # cost: 250 CNY were expected, 200 spent (ratio 0.8), K = 1 000 impressions as many as it had: factor 0.9
    assert predicted["cost"] == pytest.approx(0.25 * 0.9)

    assert predicted["gpm"] == pytest.approx(1000 * 0.065 * (0.04 * 6 / 5.2) * 100)  # = 300 CNY
    assert predicted["gpm"] == pytest.approx(300.0)
    assert predicted["net_gpm"] == pytest.approx(270.0)
    assert predicted["roi"] == pytest.approx(0.3 / 0.225)
    assert predicted["net_roi"] == pytest.approx(1.2)
    assert predicted["later_impressions"] == pytest.approx(5000.0)


def test_why_a_number_is_what_it_is_adds_up(loaded, model) -> None:
    features = features_of(day_one(loaded), loaded, model)
    stages, targets = all_contributions(model, features)
    parts = stages["click"].frame().iloc[0]
    assert parts["baseline"] == pytest.approx(np.log(0.05))
    assert parts["own evidence"] == pytest.approx(np.log(1.3))
    assert parts.sum() == pytest.approx(np.log(0.065))
    gpm = targets["gpm"].frame().iloc[0]  # three stages, one head without trees
    assert gpm["baseline"] == pytest.approx(np.log(1000 * 0.05 * 0.04 * 100))
    assert gpm["own evidence"] == pytest.approx(np.log(1.3 * 6 / 5.2))
    assert gpm.sum() == pytest.approx(np.log(300))


def test_what_came_is_the_other_two_days(loaded, model) -> None:
    settings = Settings(outcome_days=2, open_days=0, basis="payment")
    came = outcomes(day_one(loaded), loaded, model.fitted.funnel, settings)
    assert came["state"].iloc[0] == MATURE
    assert came["later:impressions"].iloc[0] == 4000
    actual = actual_targets(
        outcomes(day_one(loaded), loaded, model.fitted.funnel, Settings(outcome_days=2)), model.fitted.funnel
    )
    assert actual["gpm"].iloc[0] == pytest.approx(1000 * 1500 / 4000)
    assert actual["net_roi"].iloc[0] == pytest.approx((650 + 690) / 800)


def test_the_file_of_predictions_has_its_latest_moment(loaded, model) -> None:
    predicted = predict_latest(InMemorySource(loaded), model, Settings()).iloc[0]
    assert predicted["cutoff"] == pd.Timestamp("2026-07-23")
    assert predicted["age_hours"] == 72
    assert (predicted["early_impressions"], predicted["early_clicks"], predicted["early_orders"]) == (5000, 380, 19)

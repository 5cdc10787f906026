"""predictions.csv, service, page and report say the same of a model that has too little to state intervals."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from playwright.sync_api import expect

from features.schema import KEY, Loaded
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.predict import predictions
from serving.report.context import CreativeFilter, build_context
from serving.report.data import ReportData, sections
from serving.report.render import render
from training.data.metrics_source import InMemorySource
from training.decision.predict import predict_latest
from training.decision.predictions_file import write_predictions
from training.labels.calibration import Calibration

FEW = Calibration(
    target="net_roi", rows=40, needed=60, creatives=12, closed=120, least_volume=200.0,
    types_below={"live": 10, "product": 30}, enough=200, new_a_week=12.0,
)  # fmt: skip
RATES = ("gpm", "net_gpm", "roi", "net_roi")


@pytest.fixture(scope="module")
def few(tmp_path_factory, model, small_world, quick, write_bundle) -> Path:
    """A bundle whose later volume is calibrated and whose rates are not: 20 calibration rows are missing."""
    counted = {**model.uncertainty.calibration_rows, **dict.fromkeys(RATES, FEW.rows)}
    thin = model.uncertainty.model_copy(update={"compounds": {}, "hits_model": None, "calibration_rows": counted})
    thin = replace(model, uncertainty=thin, calibration=FEW)
    return write_bundle(tmp_path_factory.mktemp("few") / "bundle", thin, small_world, quick)


@pytest.fixture(scope="module")
def thin(few: Path) -> LoadedModel:
    return load_model(few)


@pytest.fixture(scope="module")
def batch(thin: LoadedModel, small_world: Loaded, quick, tmp_path_factory) -> pd.DataFrame:
    """predictions.csv as a person has it."""
    path = tmp_path_factory.mktemp("batch") / "predictions.csv"
    write_predictions(predict_latest(InMemorySource(small_world), thin.model, quick), thin.model, quick, path)
    return pd.read_csv(path, dtype=dict.fromkeys((*KEY, "verdict"), "str"), encoding="utf-8-sig")


@pytest.fixture(scope="module")
def data(thin: LoadedModel, small_world: Loaded) -> ReportData:
    return sections(build_context(thin, small_world, CreativeFilter()), None)


def test_numbers_decisions_and_reasons_are_the_same_everywhere(thin, batch, data, small_world, as_requests) -> None:
    asked = {"creatives": as_requests(small_world, batch)}
    request = parse_request(PredictRequest, json.dumps(asked).encode(), thin.vocabulary)
    answers = orjson.loads(orjson.dumps(predictions(thin, request.creatives, now=thin.as_of.moment).answers))
    cards = {tuple(getattr(card, name) for name in KEY): card for card in data.cards}
    undecided = 0
    for row, answer in zip(batch.to_dict("records"), answers, strict=True):
        card = cards[tuple(row[name] for name in KEY)]
        assert (row["verdict_reason_zh"], row["verdict_reason_en"]) == (card.reason_zh, card.reason_en)
        assert (answer["verdict"]["zh"], answer["verdict"]["en"]) == (card.reason_zh, card.reason_en)
        assert pd.isna(row["verdict"])
        assert answer["verdict"]["name"] == card.verdict == ""
        for name, estimate in answer["targets"].items():
            value, low, high = estimate["value"], estimate["low"], estimate["high"]
            assert card.targets[name] == (value, low, high)
            told = [row[column] for column in (name, f"{name}_low", f"{name}_high")]
            np.testing.assert_allclose(np.array(told, float), np.array([value, low, high], float), rtol=1e-5)
            assert (low is None) == (name in RATES)
        assert answer["chance_of_target"] is card.chance is None
        assert np.isnan(row["net_roi_chance"])
        undecided += card.reason_zh == f"无法判断：{FEW.words.zh}"
    assert undecided == (batch["status"] != "stopped").sum() > 0
    assert "还差约 60 个结果已出的素材，按此速度约 5 周" in FEW.words.zh


def test_the_first_screen_of_the_report_says_what_is_missing(data: ReportData) -> None:
    page = render(data)
    assert "区间、概率：还没有" in page
    assert FEW.words.zh in page
    assert "无区间" in page


@pytest.mark.browser
def test_the_page_shows_the_same_sentence_and_no_interval(few, serve, open_page, batch, tmp_path) -> None:
    row = batch.iloc[0]
    sheet = tmp_path / "标签.csv"
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        kind = {"live": "推直播", "product": "推商品"}[row["promotion_type"]]
        written = csv.writer(file)
        written.writerow(["素材ID", "账户ID", "推广方式", "价格"])
        written.writerow(["new-1", row["account_id"], kind, "39"])
    page = open_page(serve(bundle=few) + "/")
    expect(page.locator("#model")).to_contain_text("2026-")
    page.set_input_files("#files", [sheet])
    line = page.locator("tr[data-id='new-1']")
    expect(line).to_contain_text("无区间")
    line.locator("button.name").click()
    expect(page.locator(".story")).to_contain_text(FEW.words.zh)

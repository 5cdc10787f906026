"""The whole track record: a planted change is found, refits are proposed by the rule, everything is said."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.score_world import past_world
from configs.settings import Settings
from features.schema import Loaded
from training.track_record.record import LIVE_ANSWERS, TrackRecord, track_record, write_live_answers, write_record
from training.track_record.refresh import NO_NEED, NOT_PROVED, PAYS, TOO_EARLY
from training.track_record.words import summary


@pytest.fixture(scope="module")
def clean() -> TrackRecord:
    world = past_world(3, "none", days=70)
    return track_record(world.answers, world.loaded, Settings(), "ledger")


def test_a_record_survives_json_and_has_figures_to_log(clean: TrackRecord, tmp_path: Path) -> None:
    write_record(clean, tmp_path / "score.json")
    document = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))
    assert document["answers_scored"] == len(clean.matured.table)
    assert {"quality", "chances", "decisions", "top_lists", "alarms", "periods", "refresh"} <= set(document)
    assert np.isfinite(list(clean.metrics().values())).all()
    assert clean.metrics()["product/all/net_roi/rank"] > 0.5


def test_the_summary_says_it_in_both_languages_without_codes(clean: TrackRecord) -> None:
    lines = list(summary(clean))
    assert all(line.zh and line.en for line in lines)
    said = "\n".join(line.zh for line in lines)
    assert "推商品" in said
    assert "关停" in said
    assert not any(code in said for code in ("net_roi", "scale", "stop", "product", "nan"))
    assert not re.search("[\u4e00-\u9fff][,:;]", said)


@pytest.mark.parametrize(("kind", "cause"), [("price", "cost"), ("order", "order")])
def test_a_planted_change_is_found_under_its_cause(kind, cause) -> None:
    world = past_world(5, kind)
    found = track_record(world.answers, world.loaded, Settings(), "ledger")
    standing = found.alarms[found.alarms["standing"] & (found.alarms["cause"] == cause)].iloc[0]
    assert abs((standing["began_on"] - world.changed_on).days) <= 3
    advice = next(one for one in found.refresh if one.cause == cause)
    assert advice.verdict in (PAYS, NOT_PROVED)
    assert advice.creatives >= 30
    assert any("漂移" in line.zh for line in summary(found))


def test_a_refit_that_could_not_learn_yet_is_put_off_to_a_day() -> None:
    world = past_world(5, "price", days=70)
    found = track_record(world.answers, world.loaded, Settings(), "ledger")
    (advice,) = [one for one in found.refresh if one.cause == "cost"]
    assert advice.verdict == TOO_EARLY
    assert advice.again_on > found.until
    assert any(f"{advice.again_on:%Y-%m-%d}" in line.zh for line in summary(found))


def test_values_that_the_model_never_saw_ask_for_a_refit() -> None:
    world = past_world(5, "new_values")
    found = track_record(world.answers, world.loaded, Settings(), "ledger")
    assert [one.verdict for one in found.refresh if one.cause == "new_values"] == [PAYS]


def test_another_mix_needs_no_refit() -> None:
    world = past_world(7, "mix")
    found = track_record(world.answers, world.loaded, Settings(), "ledger")
    assert {one.verdict for one in found.refresh if one.cause == "mix"} <= {NO_NEED}


def test_revised_days_are_not_counted_twice(clean: TrackRecord) -> None:
    """A store keeps one row for a day that was exported again; the same answers then have the same outcomes."""
    table = clean.matured.table
    assert not table.duplicated(["version", "promotion_type", "account_id", "creative_id", "opens", "age_hours"]).any()


def test_live_answers_are_written_of_a_service_and_not_of_a_backtest(clean: TrackRecord, tmp_path: Path) -> None:
    write_live_answers(clean, tmp_path)
    kept = pd.read_parquet(tmp_path / LIVE_ANSWERS)
    assert len(kept) == clean.settled
    assert {"predicted_net_roi", "actual_net_roi", "exposure_net_roi", "share", "opens", "version"} <= set(kept)
    world = past_world(3, "none", days=50)
    other = tmp_path / "other"
    other.mkdir()
    write_live_answers(track_record(world.answers, world.loaded, Settings(), "x", of_backtest=True), other)
    assert not (other / LIVE_ANSWERS).exists()


def test_without_an_roi_drift_is_still_found_and_no_money_is_claimed() -> None:
    world = past_world(5, "click")
    bare = Loaded(world.loaded.metrics.drop(columns=["spend_cny"]), world.loaded.creatives)
    found = track_record(world.answers.drop(columns=["stage_cost"]), bare, Settings(), "ledger")
    assert found.roi == ""
    assert found.decisions.empty
    assert [one.verdict for one in found.refresh if one.cause == "click"] == [NOT_PROVED]
    assert any("ROI" in line.zh for line in summary(found))

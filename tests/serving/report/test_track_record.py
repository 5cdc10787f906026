"""战绩: what was told of these creatives and what came, or when there will be something to say."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from configs.errors import GpmcastError
from configs.settings import Settings
from features.bilingual import Words
from features.schema import KEY, Loaded
from serving.report import wording
from serving.report.context import CreativeFilter, ReportContext
from serving.report.data import ReportData, sections
from serving.report.render import render
from serving.report.run import ReportRequest, past_answers
from serving.report.wording.track_record import WENT_ON
from training.track_record.answers import AGAINST
from training.track_record.rankings import RANKING
from training.track_record.record import track_record


@pytest.fixture(scope="module")
def told(context: ReportContext, small_world: Loaded) -> pd.DataFrame:
    """Every creative of the small world, told to scale or to stop three and ten days after its launch."""
    launched = small_world.metrics.groupby(KEY)["period_start"].min().dt.normalize().reset_index(name="day")
    parts = []
    for age in (3, 10):
        cutoff = launched["day"] + pd.Timedelta(days=age)
        good = launched["creative_id"].str[-1].isin(list("01458"))
        parts.append(
            launched[KEY].assign(
                model="m", version="1", at=cutoff, cutoff=cutoff, age_hours=24.0 * age, outcome_days=7, basis="net_1h",
                trained_until=pd.Timestamp("2026-02-01"), asked_roi=1.0, chance=0.5, hit_chance=0.1, unseen=False,
                decision=good.map({True: "scale", False: "stop"}), predicted_net_roi=2.0, net_roi_low=0.0,
                net_roi_high=9.0,
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def reported(context: ReportContext, told: pd.DataFrame) -> ReportData:
    return sections(context, None, record=track_record(told, context.loaded, context.settings, "ledger"))


def test_every_period_and_type_says_how_often_it_was_right_and_the_money(reported: ReportData) -> None:
    part = reported.track_record
    everything = {(row.promotion_type, row.decision): row for row in part.told if row.period == "all"}
    assert set(everything) == {(kind, name) for kind in ("live", "product") for name in ("scale", "stop")}
    stop = everything["live", "stop"]
    assert stop.judged
    assert stop.right is not None
    assert stop.gain is not None
    assert 0 <= stop.right.value <= 1
    assert stop.told >= stop.right.answers


def test_chances_of_a_hit_and_answered_rankings_have_a_line_of_their_own(
    context: ReportContext, told: pd.DataFrame
) -> None:
    first = told[told["age_hours"] == 72.0].sort_values("creative_id")
    lists = first.assign(
        list=first["promotion_type"] + first["cutoff"].dt.strftime("%U"), by="net_roi", top=3, value=2.0,
        place=first.groupby([first["promotion_type"], first["cutoff"].dt.strftime("%U")]).cumcount() + 1,
    )  # fmt: skip
    hits = told.assign(hit_of="net_gmv", hit_at=500.0)
    record = track_record(hits, context.loaded, context.settings, "ledger", ranked=lists[RANKING])
    part = sections(context, None, record=record).track_record
    live = next(one for one in part.reliance if one.promotion_type == "live")
    assert live.hit_stated == pytest.approx(0.1)
    assert live.hit_came is not None
    (ranked,) = live.rankings
    assert (ranked.by, ranked.lists > 1, -1.0 <= ranked.rank.value <= 1.0) == ("net_roi", True, True)
    lines = {name.zh: meaning for name, _, _, meaning in wording.track_record.reliance(live)}
    assert "当时平均说 10.0%" in lines["爆款概率"].zh
    assert f"{ranked.lists} 份按净ROI的排名请求" in lines["排名请求"].zh


def test_numbers_equal_those_of_make_score(context: ReportContext, told: pd.DataFrame, reported: ReportData) -> None:
    record = track_record(told, context.loaded, context.settings, "ledger")
    for row in reported.track_record.told:
        table = record.decisions if row.period == "all" else record.periods[row.period]
        own = table[(table["promotion_type"] == row.promotion_type) & (table["decision"] == row.decision)]
        gain = own.set_index("figure").loc["gain_cny", "value"]
        assert row.gain is None or row.gain.value == gain


def test_the_page_shows_it_by_type_and_names_the_largest(reported: ReportData) -> None:
    page = render(reported)
    assert 'id="track_record"' in page
    assert 'data-type="live"' in page
    assert reported.track_record.examples
    assert reported.track_record.examples[0].name in page
    assert "一个月前说的" in page


def test_without_answers_it_names_the_day(data: ReportData, context: ReportContext) -> None:
    part = data.track_record
    assert part.scored == 0
    assert part.first_on == f"{context.now + pd.Timedelta(days=8):%Y-%m-%d}"
    said = wording.track_record.nothing_yet(part)
    assert part.first_on in said.zh
    assert part.first_on in said.en
    assert part.first_on in render(data)


def test_open_answers_name_the_day_of_the_first_outcome(context: ReportContext, told: pd.DataFrame) -> None:
    last = context.now - pd.Timedelta(days=2)
    late = told.assign(cutoff=last, at=last).drop_duplicates(KEY)
    part = sections(context, None, record=track_record(late, context.loaded, context.settings, "ledger")).track_record
    assert part.scored == 0
    assert part.next_on == f"{last + pd.Timedelta(days=8):%Y-%m-%d}"
    assert part.next_on in wording.track_record.nothing_yet(part).en


def test_a_backtest_is_named_as_one(context: ReportContext, told: pd.DataFrame) -> None:
    record = track_record(told, context.loaded, context.settings, "x", of_backtest=True)
    assert "这是回测" in render(sections(context, None, record=record))
    assert "这是回测" not in render(
        sections(context, None, record=track_record(told, context.loaded, context.settings, "x"))
    )


def test_too_few_are_not_turned_into_a_finding(reported: ReportData) -> None:
    row = next(row for row in reported.track_record.told if row.right is not None)
    assert row.right is not None
    few = row.model_copy(update={"right": row.right.model_copy(update={"low": None, "high": None})})
    assert "too few" in wording.track_record.headline([few]).en
    assert "%" not in wording.track_record.headline([few]).zh


def test_money_whose_interval_holds_nothing_is_not_told_as_money(reported: ReportData) -> None:
    row = next(row for row in reported.track_record.told if row.right is not None and row.right.low is not None)
    assert row.gain is not None
    open_ = row.model_copy(update={"gain": row.gain.model_copy(update={"value": 900.0, "low": -10.0, "high": 2000.0})})
    assert "900" not in wording.track_record.headline([open_]).zh
    clear = row.model_copy(update={"gain": row.gain.model_copy(update={"value": 900.0, "low": 10.0, "high": 2000.0})})
    assert "900" in wording.track_record.headline([clear]).zh
    assert "900" in wording.track_record.headline([clear]).en


def test_a_default_ledger_that_cannot_be_read_is_noted_and_a_named_one_refused(
    context: ReportContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "ledger.db").write_text("this is no database", encoding="utf-8")
    notes: list[Words] = []
    request = ReportRequest([], tmp_path / "r.html", CreativeFilter())
    record = past_answers(context, request, Settings(var=tmp_path / "var"), notes.append)
    assert record.matured.given == 0
    assert "ledger" in notes[0].en
    with pytest.raises(GpmcastError):
        past_answers(context, replace(request, ledger="var/ledger.db"), Settings(var=tmp_path / "var"))


def test_every_decision_against_a_creative_says_who_brought_money_all_the_same() -> None:
    assert sorted(WENT_ON) == sorted(AGAINST)

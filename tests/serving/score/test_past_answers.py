"""Recorded answers become a table, whether they come from the ledger or from an export of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from configs.errors import GpmcastError
from serving.api.responses import IntervalEstimate, Prediction, VerdictAnswer, WarningAnswer
from serving.ledger.database import Database
from serving.ledger.export import write_file
from serving.ledger.reading import opened, read
from serving.ledger.record import LedgerRecord, RecordedModel, recorded_creatives
from serving.score.past_answers import answers_of, ledger_rows, rankings_of

ABOUT = {
    "name": "m", "version": "3", "trained_until": "2026-05-01T00:00:00", "history_until": "2026-05-01T00:00:00",
    "basis": "net_1h", "outcome_days": 7, "time_zone": "Asia/Shanghai",
}  # fmt: skip


def told(creative: str, value: float | None = 1.5, **more: object) -> dict[str, object]:
    return {
        "creative_id": creative, "account_id": "a", "promotion_type": "live", "age_hours": 24.0,
        "stages": {"click": {"value": 0.05}},
        "targets": {"net_roi": {"value": value, "low": 0.5, "high": 2.0}},
        "asked_roi": 1.2, "chance_of_target": 0.6, "hit_chance": None,
        "verdict": {"name": "test", "zh": "", "en": ""}, "evidence": {}, "warnings": [],
    } | more  # fmt: skip


def record(*answers: dict[str, object], endpoint: str = "predict") -> LedgerRecord:
    count = len(answers)
    return LedgerRecord(
        request_id="r" + orjson.dumps(answers).hex()[-20:],
        at="2026-05-02T17:00:00.000000+00:00",
        caller="anyone",
        endpoint=endpoint,
        model=RecordedModel("m", "3", ["a"], ABOUT),
        input_sha256="0" * 64,
        creatives=recorded_creatives(
            answers, np.ones((count, 1)), np.full(count, 24.0), np.full(count, np.datetime64("2026-05-02", "us"))
        ),
    )


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/ledger.db"
    database = Database(url)
    seen = told("c2", warnings=[{"code": "unseen_value", "zh": "", "en": ""}])
    database.write([record(told("c1"), seen), record(told("c3", value=None)), record(told("c4"), endpoint="rank")])
    database.close()
    return url


def test_answers_are_read_with_their_model_time_and_decision_of_today(ledger: str) -> None:
    table = answers_of(ledger_rows(ledger)).set_index("creative_id")
    row = table.loc["c1"]
    assert sorted(table.index) == ["c1", "c2"]
    assert (row["version"], row["decision"], row["predicted_net_roi"], row["chance"]) == ("3", "watch", 1.5, 0.6)
    assert row["at"] == pd.Timestamp("2026-05-03 01:00")
    assert row["trained_until"] == pd.Timestamp("2026-05-01")
    assert table["unseen"].to_dict() == {"c1": False, "c2": True}


def test_rankings_are_read_with_their_target_and_what_a_hit_is_with_its_measure(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ranked.db"
    row = {"creative_id": "c1", "account_id": "a", "promotion_type": "live", "chance_in_top": 0.7, "warnings": []}
    first = row | {"place": 1, "value": 2.5, "funded": True, "by": "net_roi", "top": 1}
    old = row | {"place": 1, "value": 2.5, "funded": True}
    about = ABOUT | {"hit": {"measure": "net_gmv", "threshold": {"live": 900.0}}}
    database = Database(url)
    database.write([record(first, endpoint="rank"), record(old, endpoint="rank"), record(told("c2"))])
    database.close()
    plain = answers_of(ledger_rows(url))
    assert (plain["hit_of"].iloc[0], plain["hit_at"].isna().all()) == ("", True)
    database = Database(url)
    newer = record(told("c3"))
    database.write([replace(newer, request_id="later", model=replace(newer.model, about=about))])
    database.close()
    table = answers_of(ledger_rows(url))
    assert sorted(table["creative_id"]) == ["c2", "c3"]
    assert set(table["hit_of"]) == {"net_gmv"}
    assert (table["hit_at"] == 900.0).all()  # what is known of a model is completed
    (ranked,) = rankings_of(ledger_rows(url, endpoint="rank")).to_dict("records")
    assert (ranked["by"], ranked["top"], ranked["place"], ranked["value"]) == ("net_roi", 1.0, 1.0, 2.5)
    assert ranked["at"] == pd.Timestamp("2026-05-03 01:00")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_an_export_says_the_same_as_the_ledger(ledger: str, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"answers.{ending}"
    write_file(read(opened(ledger)), out)
    pd.testing.assert_frame_equal(answers_of(ledger_rows(str(out))), answers_of(ledger_rows(ledger)))


def test_a_path_of_a_sqlite_file_will_do_and_since_leaves_older_answers_out(ledger: str) -> None:
    path = ledger.removeprefix("sqlite:///")
    assert len(answers_of(ledger_rows(path, since="2026-05-02T17:00"))) == 2
    assert answers_of(ledger_rows(path, since="2026-05-03")).empty


def test_wrong_input_is_answered_in_words(tmp_path: Path) -> None:
    with pytest.raises(GpmcastError, match="no such file"):
        next(iter(ledger_rows(str(tmp_path / "no.csv"))))
    with pytest.raises(GpmcastError, match="there is no ledger"):
        next(iter(ledger_rows(str(tmp_path / "no.db"))))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(GpmcastError, match="expected an export of the ledger"):
        answers_of(ledger_rows(str(tmp_path / "other.csv")))
    with pytest.raises(GpmcastError, match="is no time"):
        answers_of(ledger_rows(str(tmp_path / "other.csv"), since="yesterday"))


def test_a_backtest_named_as_the_ledger_is_refused_with_the_cure_in_both_languages(tmp_path: Path) -> None:
    pd.DataFrame({"creative_id": ["1"]}).to_parquet(tmp_path / "backtest.parquet")
    with pytest.raises(GpmcastError, match="Leave LEDGER out") as refusal:
        ledger_rows(str(tmp_path / "backtest.parquet"))
    assert "去掉 LEDGER" in refusal.value.zh


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gbk.csv", "素材,行\n1,2\n".encode("gbk")),
        ("picture.jsonl", b"\x89PNG\r\n\x1a\n"),
        ("torn.jsonl", b'{"endpoint": "pre'),
        ("number.jsonl", b"7\n"),
        ("cell.csv", b"endpoint,version,at,cutoff,age_hours,answer,about\npredict,1,x,x,1,{,{}\n"),
        ("hours.csv", b"endpoint,version,at,cutoff,age_hours,answer,about\npredict,1,x,x,old,{},{}\n"),
    ],
)
def test_a_file_that_is_no_export_is_refused_in_both_languages(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GpmcastError, match=r"row 1: found .*; expected an export of the ledger") as refused:
        answers_of(ledger_rows(str(tmp_path / name)))
    assert "不是预测台账的导出，第 1 行" in refused.value.zh


def test_what_is_read_is_what_the_service_answers() -> None:
    assert set(told("c")) <= set(Prediction.model_fields)
    assert set(IntervalEstimate.model_fields) == {"value", "low", "high"}
    assert "name" in VerdictAnswer.model_fields
    assert "code" in WarningAnswer.model_fields

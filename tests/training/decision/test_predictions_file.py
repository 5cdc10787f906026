"""Predictions as a file: names first, Chinese on request, every column described, formulas harmless."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from features.attributes import KEY_LABELS
from features.readers.cells import parse_ids
from training.boosting.recipe import Recipe, fit_on
from training.decision.advice import facts_of
from training.decision.predict import predict_latest
from training.decision.predictions_file import dictionary, ordered, write_predictions


@pytest.fixture(scope="module")
def model(dataset, cut):
    return fit_on(dataset, cut[0], cut[2], Recipe())


@pytest.fixture(scope="module")
def table(dataset, model) -> pd.DataFrame:
    table = predict_latest(dataset.source, model, dataset.settings)
    return table.assign(creative_name='=HYPERLINK("http://x","七月")')


def test_names_status_and_decision_come_first_and_no_column_is_lost(table) -> None:
    shown = ordered(table)
    assert list(shown)[:4] == ["creative_name", "promotion_type", "status", "verdict"]
    assert list(shown).index("typical_net_roi") < list(shown).index("net_roi_low") < list(shown).index("typical_gpm")
    assert sorted(shown) == sorted(table)


def test_every_column_has_a_label_and_labels_differ(table, model, dataset) -> None:
    named = dictionary(table, model.fitted.funnel, facts_of(model, dataset.settings))
    assert list(named["column"]) == list(table)
    assert named["列名"].is_unique
    assert named["name"].is_unique
    assert (named[["列名", "name"]] != "").all().all()


def test_a_spreadsheet_sees_chinese_headers_and_values_and_no_formula(table, model, dataset, tmp_path: Path) -> None:
    path = tmp_path / "七月.csv"
    write_predictions(table, model, dataset.settings, path, "zh")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    read = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert {"素材名称", "状态", "决策", "理由", "净ROI 典型值", "净ROI 平均", "净ROI 多半下限", "提示"} < set(read)
    assert set(read["推广方式"]) <= {"推直播", "推商品"}
    assert set(read["状态"]) <= {"待投", "在投", "已停"}
    assert read["素材名称"].str.startswith("'=").all()
    named = pd.read_csv(tmp_path / "七月_columns.csv")
    assert set(named["column"]) == set(table)


def test_long_ids_keep_their_digits_in_a_spreadsheet_and_stay_as_they_are_for_other_tools(
    table, model, dataset, tmp_path: Path
) -> None:
    ids = [str(2414659736757654000 + row) for row in range(len(table))]
    long = table.assign(creative_id=ids)
    for headers, column, after in (("zh", KEY_LABELS["creative_id"].zh, "\t"), ("codes", "creative_id", "")):
        write_predictions(long, model, dataset.settings, tmp_path / "p.csv", headers)
        read = pd.read_csv(tmp_path / "p.csv", dtype=str)
        assert read[column].tolist() == [f"{one}{after}" for one in ids]
    assert parse_ids(pa.array([f"{one}\t" for one in ids])).values.to_pylist() == ids


def test_other_tools_join_by_the_same_names_as_ever(table, model, dataset, tmp_path: Path) -> None:
    write_predictions(table, model, dataset.settings, tmp_path / "p.parquet")
    read = pd.read_parquet(tmp_path / "p.parquet")
    assert set(read) == set(table)
    assert not (tmp_path / "p_columns.csv").exists()

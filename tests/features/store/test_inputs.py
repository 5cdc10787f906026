"""Commands that read exports stop where these do not join, before anything is computed."""

import pytest

from configs.settings import Settings
from features.errors import InputError
from features.store.inputs import load_data
from training.data.open_source import open_source
from training.progress import ProgressCallbacks
from training.workspace import workspace

IDS = ["7401234567890123401", "7401234567890123402"]


@pytest.fixture
def exports(tmp_path):
    """A folder with an export, and a tag sheet of other creatives."""
    folder = tmp_path / "exports"
    folder.mkdir()
    rows = [f"{creative},2025-07-01,12.50,1000,99.00" for creative in IDS]
    header = "素材ID,日期,整体消耗,整体展现次数,整体成交金额"
    (folder / "全域推广数据.csv").write_text("\n".join([header, *rows, ""]), encoding="gbk")
    (folder / "标签.csv").write_text("素材ID,开头类型\n7501234567890123401,悬念\n", encoding="utf-8")
    return str(folder)


def test_a_sheet_without_a_match_refuses_report_and_backtest_in_both_languages(exports, tmp_path) -> None:
    with pytest.raises(InputError, match="The tag sheet does not join: found metrics for 0 of its 1 ids") as refused:
        load_data([exports], tmp_path / "store.duckdb", Settings())
    assert refused.value.in_language("zh").startswith("标签表对不上")


def test_the_command_goes_on_where_that_is_asked_for(exports, tmp_path) -> None:
    loaded, _ = load_data([exports], tmp_path / "store.duckdb", Settings(), without_tags=True)
    assert loaded.metrics["creative_id"].tolist() == IDS


def test_train_and_predict_are_refused_and_go_on_likewise(exports, tmp_path) -> None:
    settings = Settings(var=tmp_path / "var")
    space, progress = workspace([exports], settings), ProgressCallbacks()
    with (
        pytest.raises(InputError, match="The tag sheet does not join"),
        open_source([exports], space, settings, progress),
    ):
        pass
    with open_source([exports], space, settings, progress, without_tags=True) as (source, _):
        assert source.until is not None

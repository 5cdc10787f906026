"""Training stops before anything is fitted where the data do not join, in the reader's language."""

import pytest

from configs.settings import Settings
from features.errors import InputError
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from training.doctor.examine import refuse_lost_joins

IDS = ["7401234567890123401", "7401234567890123402"]


@pytest.fixture
def store(tmp_path):
    """A store of an export and a tag sheet of other creatives."""
    rows = [f"{creative},2025-07-01,12.50,1000,99.00" for creative in IDS]
    export = tmp_path / "全域推广数据.csv"
    export.write_text("\n".join(["素材ID,日期,整体消耗,整体展现次数,整体成交金额", *rows, ""]), encoding="gbk")
    (tmp_path / "标签.csv").write_text("素材ID,开头类型\n7501234567890123401,悬念\n", encoding="utf-8")
    with open_store(tmp_path / "store.duckdb") as opened:
        ingest(opened, [export, tmp_path / "标签.csv"], Settings())
    return tmp_path / "store.duckdb"


def test_a_sheet_without_a_match_refuses_the_run_in_both_languages(store) -> None:
    with pytest.raises(InputError, match="标签表对不上"):
        refuse_lost_joins(store, Settings(), "zh", without_tags=False)
    with pytest.raises(InputError, match="The tag sheet does not join: found metrics for 0 of its 1 ids"):
        refuse_lost_joins(store, Settings(), "en", without_tags=False)


def test_the_run_goes_on_where_that_is_asked_for(store) -> None:
    refuse_lost_joins(store, Settings(), "en", without_tags=True)

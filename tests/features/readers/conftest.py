"""Small real files, read with the source configs that ship."""

import csv
import io
from datetime import datetime

import pytest

from configs.settings import Settings
from features.readers.export_file import read_export
from features.readers.layouts import load_layouts
from sample.__main__ import main as write_sample

NOW = datetime(2026, 7, 10, 12)
ACCOUNT = "1635078296873626"
ONE, TWO = "7345678901234567891", "7345678901234567892"

LIVE = {
    "素材ID": ONE,
    "素材视频名称": "7月1日-TW1-直播-混剪-悬念-居家-小林.mp4",
    "素材时长": "01:05",
    "日期": "2026-07-01",
    "整体消耗": "1,234.56",
    "基础消耗": "1,000.00",
    "追投调控消耗": "234.56",
    "整体展现次数": "10,000",
    "整体点击次数": "600",
    "整体成交订单数": "30",
    "整体成交金额": "5,000.00",
    "净成交金额": "4,500.00",
    "视频播放数": "12,000",
    "3秒播放率": "30.00%",
    "平均观看时长": "6.50",
}
"""One good row of a live export: header → cell."""


def csv_text(*rows, ends="\r\n", delimiter=","):
    """Rows (header → cell) as delimited text; headers are those of the first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=ends, delimiter=delimiter)
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


@pytest.fixture(scope="session")
def sources():
    return load_layouts(Settings())


@pytest.fixture
def read(tmp_path, sources):
    """Writes content (text goes out as GBK) into an account's folder and reads it."""

    def reader(content, name="全域推广数据-视频.csv", *, folder=ACCOUNT, settings=None, sources=sources, now=NOW):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("gbk") if isinstance(content, str) else content)
        return read_export(path, settings or Settings(), sources, now=now)

    return reader


@pytest.fixture
def live():
    """The good row with some cells changed."""

    def row(**cells):
        return LIVE | cells

    return row


@pytest.fixture
def as_csv():
    return csv_text


@pytest.fixture
def problems():
    """The problems of a severity, as the sentences a person reads."""

    def of(read, severity):
        return [str(problem) for problem in read.problems if problem.severity == severity]

    return of


@pytest.fixture(scope="session")
def sample_exports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    where = ["--out", str(folder / "exports"), "--truth", str(folder / "truth.parquet")]
    assert write_sample([*where, "--until", "2026-06-30", "--creatives", "600", "--days", "45"]) == 0
    return folder / "exports"

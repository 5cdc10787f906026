"""A dataset on a real S3 server equals one in a folder; the fixture `bucket` states how to start a server."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from configs.settings import Settings
from features.__main__ import app
from features.errors import PartitionError
from features.partitions.address import MANIFEST_NAME
from features.partitions.folder import open_folder
from features.partitions.reader import open_partitioned, read_part, read_whole
from features.partitions.writer import write_partitioned
from features.schema import KEY, ExportRead
from features.store.duckdb_store import open_store


def export_read(accounts, sha, orders=2.0):
    """Two days of a creative in each account, in two months."""
    days = pd.date_range("2026-01-31", periods=2).astype("datetime64[us]")
    names = [*KEY, "grain", "period_start"]
    metrics = pd.MultiIndex.from_product([["live"], accounts, ["c1"], ["day"], days], names=names).to_frame(index=False)
    metrics = metrics.assign(period_end=metrics["period_start"] + pd.Timedelta(days=1), orders=orders, row=2)
    fact = ("live", accounts[0], "c1", "hook", "悬念", "sheet")
    facts = pd.DataFrame([fact], columns=[*KEY, "name", "value", "origin"])
    return ExportRead(f"{sha}.csv", sha, "daily", metrics, facts)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.duckdb") as opened:
        opened.add(export_read(["a1", "品牌/直播 间"], "one"))
        yield opened


@pytest.fixture
def root(bucket):
    return f"{bucket}/a folder/x#1%20+"


def test_a_dataset_on_s3_is_that_of_a_folder(store, root, tmp_path):
    assert not open_folder(root).has(MANIFEST_NAME)
    there = write_partitioned(store, Settings(), root)
    here = write_partitioned(store, Settings(), str(tmp_path / "here"))
    assert open_partitioned(root).fingerprint == there.fingerprint == here.fingerprint
    one, other = read_whole(open_partitioned(root)), read_whole(here)
    assert_frame_equal(one.metrics, other.metrics)
    assert_frame_equal(one.creatives, other.creatives)
    assert {*open_folder(root).find("")} == {MANIFEST_NAME, *(path for part in there.parts for path in part.files)}


def test_an_export_again_mends_what_is_damaged_and_takes_away_what_is_old(store, root):
    place, first = open_folder(root), write_partitioned(store, Settings(), root)
    path = first.parts[0].metrics[0]
    whole = place.read(path)
    for content, expected in [(whole[:50], "50 bytes that are not Parquet"), (None, "no such file")]:
        place.remove([path])
        if content is not None:
            place.write(path, content)
        with pytest.raises(PartitionError, match=expected):
            read_part(first, first.parts[0])
    place.write("metrics/notes.txt", b"of someone else")
    store.add(export_read(["a1"], "two", orders=3.0))
    second = write_partitioned(store, Settings(), root)
    assert second.parts[0].sha256 != first.parts[0].sha256
    assert not place.has(path)
    named = {path for part in second.parts for path in part.files}
    assert {*place.find("")} == {MANIFEST_NAME, "metrics/notes.txt", *named}
    assert read_part(second, second.parts[0]).metrics["orders"].eq(3).all()


def test_a_file_of_many_requests_is_whole(root):
    place, content = open_folder(root), bytes(range(256)) * 100_000
    place.write("big", content)
    assert place.read("big") == content
    place.write("big", b"small")
    assert place.read("big") == b"small"


def test_removing_leaves_no_file_and_takes_no_other(root):
    place = open_folder(root)
    for name in ("a/x", "a/y", "ab/x"):
        place.write(name, b"")
    place.remove(["a/x", "a/never"])
    assert place.find("a") == ["a/y"]
    assert place.find("") == ["a/y", "ab/x"]
    assert not place.has("a")


def test_a_bucket_that_is_not_there_is_an_error(store, bucket):
    absent = f"{bucket}-absent/x"
    with pytest.raises(PartitionError, match=r"no bucket or container .*-absent"):
        open_partitioned(absent)
    with pytest.raises(PartitionError, match=r"cannot be written.*(bucket|BUCKET)"):
        open_folder(absent).write("x", b"")
    with pytest.raises(PartitionError, match=r"no bucket or container .*-absent"):
        write_partitioned(store, Settings(), absent)


def test_the_command_exports_to_s3(root, tmp_path, capsys):
    with open_store(tmp_path / "store.duckdb") as store:
        store.add(export_read(["a1", "a2"], "one"))
    app(["export", root, "--partitioned", "--store", str(tmp_path / "store.duckdb")], standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[:2] == [root, "parts: 2"]
    assert len(open_partitioned(root).parts) == 2

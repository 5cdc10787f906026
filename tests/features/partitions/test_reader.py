"""Damage of a partitioned dataset is an error that names the file, what was found, what was expected and the cure."""

import hashlib
import json
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from configs.settings import Settings
from features.errors import PartitionError
from features.partitions.address import MANIFEST_NAME, is_partitioned
from features.partitions.reader import open_partitioned, read_part, read_whole
from features.partitions.writer import write_partitioned
from features.schema import KEY, ExportRead
from features.store.duckdb_store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path):
    """A dataset of three accounts in two months."""
    days = pd.date_range("2026-01-31", periods=2).astype("datetime64[us]")
    keys = pd.MultiIndex.from_product([["live"], ["a1", "a2", "a3"], ["c1"], ["day"], days], names=[*KEY, "grain", "d"])
    metrics = keys.to_frame(index=False).rename(columns={"d": "period_start"})
    metrics = metrics.assign(period_end=metrics["period_start"] + pd.Timedelta(days=1), orders=2.0, row=2)
    facts = pd.DataFrame([("live", "a1", "c1", "hook", "悬念", "sheet")], columns=[*KEY, "name", "value", "origin"])
    with open_store(tmp_path / "store.duckdb") as store:
        store.add(ExportRead("a.csv", "s1", "daily", metrics, facts))
        write_partitioned(store, Settings(), str(tmp_path / "set"))
    return tmp_path / "set"


def refused(root, *expected):
    """Reading the first part fails with one line that holds all of this."""
    dataset = open_partitioned(str(root))
    with pytest.raises(PartitionError) as raised:
        read_part(dataset, dataset.parts[0])
    text = str(raised.value)
    assert "\n" not in text
    for words in [*expected, f"python -m features export {root} --partitioned"]:
        assert words in text
    read_part(dataset, dataset.parts[1])


def path_of(root, which="metrics"):
    part = open_partitioned(str(root)).parts[0]
    return root / (part.metrics[0] if which == "metrics" else part.creatives)


def rewritten(path, change):
    """The rows of a file changed, under its old name."""
    pyarrow.parquet.write_table(change(pyarrow.parquet.ParquetFile(path).read()), path)


def test_a_file_that_is_gone(root):
    path = path_of(root)
    path.unlink()
    refused(root, str(path), "no such file", "open it again")


@pytest.mark.parametrize("keep", [0, 3, 500, -1])
def test_a_file_that_is_cut_off(root, keep):
    path = path_of(root)
    content = path.read_bytes()[:keep]
    path.write_bytes(content)
    refused(root, str(path), f"{len(content):,} bytes that are not Parquet", "a whole Parquet file")


def test_any_byte_that_changed_is_found(root):
    path = path_of(root)
    content = path.read_bytes()
    for place in range(4, len(content), 101):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        refused(root, str(path), "expected")


def test_a_column_that_is_missing_names_who_has_it(root):
    path = path_of(root)
    rewritten(path, lambda table: table.drop_columns("orders"))
    others = "Of 2 other partitions, 2 have it so: live/a2, live/a3."
    refused(root, str(path), "column orders: not there", "expected double", others)


def test_a_column_of_another_type_names_who_has_it_right(root):
    path = path_of(root, "creatives")
    rewritten(path, lambda table: table.set_column(3, "tag_hook", pa.array([1])))
    refused(root, str(path), "column tag_hook: int64", "expected string", "2 have it so: live/a2, live/a3")


def test_a_column_too_many_or_twice(root):
    path = path_of(root)
    rewritten(path, lambda table: table.append_column("mood", pa.array(["x"])))
    refused(root, "column mood: string", "expected not there", "2 have it so")
    rewritten(path, lambda table: table.drop_columns("mood").append_column("orders", pa.array([1.0])))
    refused(root, "column orders: there twice", "expected double")


def test_values_that_changed(root):
    path = path_of(root)
    rewritten(path, lambda table: table.set_column(table.column_names.index("orders"), "orders", pa.array([9.0])))
    refused(root, str(path), "sha256", "the one that its name says")


def renamed(root, path):
    """A file that was changed, under the name of its new content and with a manifest that names it."""
    new = path.with_name(f"part-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.parquet")
    path.rename(new)
    text = (root / MANIFEST_NAME).read_text("utf-8")
    (root / MANIFEST_NAME).write_text(text.replace(str(path.relative_to(root)), str(new.relative_to(root))), "utf-8")
    return new


def test_nothing_is_unpacked_whose_bytes_or_rows_are_not_those_of_the_manifest(root, monkeypatch):
    path = path_of(root)
    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "read", lambda *_, **__: pytest.fail("a file was unpacked"))
    whole = pyarrow.parquet.read_table(pa.BufferReader(path.read_bytes()), partitioning=None)
    pyarrow.parquet.write_table(pa.concat_tables([whole] * 3), path)
    dataset = open_partitioned(str(root))
    with pytest.raises(PartitionError, match="the one that its name says"):
        read_part(dataset, dataset.parts[0])
    new = renamed(root, path)
    dataset = open_partitioned(str(root))
    with pytest.raises(PartitionError, match=rf"{new.name}: found 3 rows; expected at most 2, as the manifest says"):
        read_part(dataset, dataset.parts[0])


def test_rows_of_another_account_month_or_type(root):
    path = path_of(root)
    whole = path.read_bytes()
    for name, value, expected in [
        ("account_id", pa.array(["a2"]), "account_id 'a2'; expected 'a1'"),
        ("account_id", pa.array([None], pa.string()), "account_id None; expected 'a1'"),
        ("promotion_type", pa.array(["product"]), "promotion_type 'product'; expected 'live'"),
        ("period_start", pa.array([pd.Timestamp("2026-03-01")], pa.timestamp("us")), "rows of 2026-03"),
    ]:
        rewritten(
            path, lambda table, name=name, value=value: table.set_column(table.column_names.index(name), name, value)
        )
        path = renamed(root, path)
        refused(root, str(path), expected)
        path.write_bytes(whole)
        path = renamed(root, path)


def test_a_file_that_the_manifest_forgot_is_noticed(root):
    manifest(root, lambda content: content["parts"][0]["metrics"].pop())
    refused(root, "found 1 rows and 1 creatives", "expected 2 and 1")


def test_parts_that_are_whole_but_are_not_those_of_the_manifest(root):
    manifest(root, lambda content: content["parts"][0].update(sha256="0" * 64))
    refused(root, "sum is not that of the manifest")


def test_an_export_over_a_damaged_dataset_mends_it(root, tmp_path):
    path_of(root).write_bytes(b"PAR1")
    path_of(root, "creatives").unlink()
    with open_store(tmp_path / "store.duckdb") as store:
        write_partitioned(store, Settings(), str(root))
    assert len(read_whole(open_partitioned(str(root))).metrics) == 6


def test_a_dataset_that_was_moved_is_the_same(root, tmp_path):
    before = open_partitioned(str(root)).fingerprint
    shutil.move(root, tmp_path / "elsewhere")
    moved = open_partitioned(str(tmp_path / "elsewhere"))
    assert moved.fingerprint == before
    assert len(read_whole(moved).metrics) == 6
    assert not is_partitioned(str(root))


def manifest(root, change):
    """Change the manifest."""
    content = json.loads((root / MANIFEST_NAME).read_text("utf-8"))
    change(content)
    (root / MANIFEST_NAME).write_text(json.dumps(content), "utf-8")


def first(**fields):
    return lambda content: content["parts"][0].update(fields)


SOUND = "metrics/promotion_type=live/account_id=a1/month=2026-01/part-0123456789abcdef.parquet"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda content: content.update(format=2), "found format 2; expected 1"),
        (lambda content: content.update(application="other"), "no manifest of gpmcast"),
        (lambda content: content.update(kind="model"), "no manifest of gpmcast"),
        (lambda content: content.pop("parts"), "parts: Field required"),
        (lambda content: content.update(extra=1), "extra: Extra inputs"),
        (lambda content: content.update(until="someday"), "no time at until"),
        (lambda content: content.update(until="now"), "no time at until"),
        (lambda content: content.update(until="NaT"), "no time at until"),
        (lambda content: content.update(until="2026-05-01T00:00:00+08:00"), "no time at until"),
        (lambda content: content.update(values=["orders", "clicks"]), "in this order"),
        (lambda content: content.update(values=["gpm"]), "the values gpm"),
        (lambda content: content.update(attributes=[["hook", "text"]]), "the attribute hook"),
        (lambda content: content.update(attributes=[["price_cny", "text"]]), "of kind text"),
        (lambda content: content.update(attributes=[["tag_a", "number"]]), "of kind number"),
        (lambda content: content.update(attributes=[["tag_a", "text"]] * 2), "an attribute twice"),
        (lambda content: content["parts"].reverse(), "out of order"),
        (lambda content: content["parts"].append(content["parts"][-1]), "there twice"),
        (first(rows="2"), "parts.0.rows"),
        (first(rows=-1), "below 0"),
        (first(sha256="x"), "no sha256"),
        (first(colour="red"), "colour"),
        (first(account_id="a0"), "the path metrics/"),
        (first(metrics=["../secret.parquet"]), "the path ../secret.parquet"),
        (first(metrics=["/etc/passwd"]), "the path /etc/passwd"),
        (first(metrics=[SOUND.replace("a1", "..")]), "expected one in the folder of its own part"),
        (first(metrics=[SOUND.replace("part-", "../part-")]), "the path metrics/"),
        (first(metrics=[SOUND + "\n"]), "the path metrics/"),
        (first(metrics=[SOUND, SOUND]), "months of live-a1"),
        (first(creatives=SOUND), "the path metrics/"),
        (first(creatives="s3://elsewhere/x.parquet"), "the path s3://elsewhere"),
        (first(promotion_type="\ud800"), "manifest"),
    ],
)
def test_a_manifest_that_no_export_wrote_is_refused(root, change, found):
    manifest(root, change)
    with pytest.raises(PartitionError) as raised:
        open_partitioned(str(root))
    assert str(raised.value).startswith(f"{root}/{MANIFEST_NAME}: found ")
    assert found in str(raised.value)
    assert "python -m features export" in str(raised.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"application": "gpmcast"}']
)
def test_a_manifest_that_is_not_json_or_not_ours_is_refused(root, content):
    (root / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(PartitionError, match="no manifest of gpmcast"):
        open_partitioned(str(root))


def test_a_folder_without_a_manifest_is_no_dataset(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "*.csv"):
        assert not is_partitioned(str(path))
        with pytest.raises(PartitionError, match=r"found no _gpmcast.json"):
            open_partitioned(str(path))

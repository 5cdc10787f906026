"""A partitioned dataset has the content of the store, account by account, whatever the accounts are called."""

import hashlib
import os
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings as trials, strategies as st
from pandas.testing import assert_frame_equal

from configs.settings import Settings, Tags
from features.errors import PartitionError
from features.partitions.address import MANIFEST_NAME, is_partitioned
from features.partitions.folder import Folder
from features.partitions.manifest import folder_name, is_dataset_file
from features.partitions.reader import open_partitioned, read_part, read_whole
from features.partitions.writer import write_partitioned
from features.schema import ANY, KEY, PERIOD, ExportRead, Loaded
from features.store.duckdb_store import Store, open_store
from features.store.load import load

pytestmark = pytest.mark.slow

HOSTILE = [
    "..",
    ".",
    "a/b",
    "../../etc",
    "a=b",
    "100%",
    "a b ",
    "品牌直播间",
    "🎬",
    "%2E%2E",
    "x" * 400,
    "号" * 90,
    "A",
    "a",
]
START = pd.Timestamp("2026-01-20")


def rows(account="a1", promotion="live", creative="c1", grain="day", first=0, count=20, **values):
    """Rows of one creative that follow each other: hours, days or readings from so many periods after the start."""
    length = pd.Timedelta(hours=1 if grain == "hour" else 24)
    starts = START + length * np.arange(first, first + count)
    ends = starts if grain == "reading" else starts + length
    frame = pd.DataFrame(
        {
            "promotion_type": promotion,
            "account_id": account,
            "creative_id": creative,
            "grain": grain,
            "period_start": starts.astype("datetime64[us]"),
            "period_end": ends.astype("datetime64[us]"),
        }
    )
    values = values or {"impressions": 240, "spend_cny": 12.5}
    return frame.assign(**{name: np.broadcast_to(np.asarray(cells, float), count) for name, cells in values.items()})


def attribute_rows(*facts):
    """Attribute rows from (promotion type, account, creative, name, value, origin)."""
    return pd.DataFrame(facts, columns=[*KEY, "name", "value", "origin"], dtype="str")


def add(store: Store, *metrics: pd.DataFrame, facts: pd.DataFrame | None = None, sha: str = "s1") -> None:
    frame = pd.concat(metrics, ignore_index=True) if metrics else rows(count=0)
    frame = frame.assign(row=range(2, len(frame) + 2))
    store.add(ExportRead(f"{sha}.csv", sha, "daily", frame, attribute_rows() if facts is None else facts))


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.duckdb") as opened:
        yield opened


@pytest.fixture
def mixed(store):
    """Three accounts with days, hours over some of them, running totals, and what only some are known by."""
    totals = np.cumsum(np.arange(20.0))
    add(
        store,
        rows("a1", creative="c2"),
        rows("a1", creative="c1", first=3),
        rows("a1", creative="c1", grain="hour", first=72, count=48, impressions=10, spend_cny=0.5),
        rows("a1", creative="c2", grain="hour", first=0, count=5, impressions=10, spend_cny=0.5),
        rows("a2", grain="reading", impressions=totals, orders=totals // 9),
        rows("a2", grain="reading", creative="c9", count=1, impressions=4),
        rows("a1", promotion="product", grain="reading", impressions=totals[::-1], likes=3),
        facts=attribute_rows(
            (ANY, ANY, "c1", "hook", "悬念", "sheet"),
            ("live", "a2", "c1", "launched_at", "2026-01-19 08:00:00", "sheet"),
            ("live", "a1", "c2", "price_cny", "99.5", "sheet"),
            ("live", "a1", "c2", "duration_s", "long", "sheet"),
            ("live", "a3", "announced", "hook", "价格|人群", "sheet"),
            (ANY, ANY, "nobody", "hook", "悬念", "sheet"),
            ("live", "a1", "c2", "weather/../", "rain", "sheet"),
        ),
    )
    return store


def same(found: Loaded, expected: Loaded) -> None:
    assert_frame_equal(found.metrics, expected.metrics, check_exact=True)
    assert_frame_equal(found.creatives, expected.creatives, check_exact=True)


def of(loaded: Loaded, part) -> Loaded:
    """What is loaded of one account."""
    frames = []
    for frame in (loaded.metrics, loaded.creatives):
        own = (frame["promotion_type"] == part.promotion_type) & (frame["account_id"] == part.account_id)
        frames.append(frame[own].reset_index(drop=True))
    return Loaded(*frames)


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("where", ["local", "file", "memory"])
def test_all_of_it_read_back_is_what_the_store_loads(mixed, tmp_path, where):
    root = {"local": f"{tmp_path}/set", "file": f"file://{tmp_path}/set", "memory": f"memory://{tmp_path.name}/set"}
    written = write_partitioned(mixed, Settings(), root[where])
    dataset = open_partitioned(root[where])
    loaded = load(mixed, Settings())
    assert dataset == written
    assert dataset.fingerprint == written.fingerprint
    whole = read_whole(dataset)
    same(whole, loaded)
    assert whole.notes == loaded.notes
    assert {"readings_counted_from_launch", "totals_that_fell", "days_replaced_by_hours"} <= loaded.notes.keys()
    assert dataset.until == loaded.metrics["period_end"].max()
    assert [*dataset.values] == [name for name in loaded.metrics if name not in KEY + PERIOD]
    assert [name for name, _ in dataset.attributes] == [name for name in loaded.creatives if name not in KEY]


def test_a_part_is_one_account_with_the_columns_of_all(mixed, tmp_path):
    dataset = write_partitioned(mixed, Settings(), str(tmp_path / "set"))
    loaded = load(mixed, Settings())
    keys = [(part.promotion_type, part.account_id) for part in dataset.parts]
    assert keys == [("live", "a1"), ("live", "a2"), ("live", "a3"), ("product", "a1")]
    for part in dataset.parts:
        own = read_part(dataset, part)
        same(own, of(loaded, part))
        assert (part.rows, part.creative_count) == (len(own.metrics), len(own.creatives))
        assert part.bytes == sum((tmp_path / "set" / path).stat().st_size for path in part.files)
    announced = dataset.parts[2]
    assert (announced.metrics, announced.rows) == ((), 0)
    assert read_part(dataset, dataset.parts[0]).metrics["orders"].isna().all()


def test_files_lie_by_type_account_and_month(mixed, tmp_path):
    dataset = write_partitioned(mixed, Settings(), str(tmp_path / "set"))
    found = [path.rpartition("/")[0] for path in dataset.parts[0].files]
    folder = "promotion_type=live/account_id=a1"
    assert found == [
        f"metrics/{folder}/month=2026-01",
        f"metrics/{folder}/month=2026-02",
        f"creatives/{folder}",
    ]
    assert names(tmp_path / "set") == sorted([MANIFEST_NAME, *(path for part in dataset.parts for path in part.files)])
    file = pyarrow.parquet.ParquetFile(tmp_path / "set" / dataset.parts[0].metrics[0])
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_an_empty_store_is_a_dataset_without_parts(store, tmp_path):
    dataset = write_partitioned(store, Settings(), str(tmp_path / "set"))
    assert dataset.parts == ()
    assert pd.isna(open_partitioned(str(tmp_path / "set")).until)
    same(read_whole(dataset), load(store, Settings()))


def test_settings_that_change_what_is_loaded_change_the_fingerprint(mixed, tmp_path):
    few = Settings(tags=Tags(extra=False))
    full = write_partitioned(mixed, Settings(), str(tmp_path / "full"))
    dataset = write_partitioned(mixed, few, str(tmp_path / "few"))
    assert (dataset.settings_fingerprint, dataset.fingerprint) != (full.settings_fingerprint, full.fingerprint)
    assert dataset.settings_fingerprint != full.settings_fingerprint
    same(read_whole(dataset), load(mixed, few))


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
@example(HOSTILE)
@trials(max_examples=15, derandomize=True)
def test_accounts_can_have_any_name(tmp_path_factory, accounts):
    folder = tmp_path_factory.mktemp("any")
    with open_store(folder / "store.duckdb") as store:
        metrics = [rows(account, promotion, count=2) for account in accounts for promotion in ("live", accounts[0])]
        add(
            store,
            *metrics,
            facts=attribute_rows(*[("live", account, "c1", "hook", account, "sheet") for account in accounts]),
        )
        dataset = write_partitioned(store, Settings(), str(folder / "out" / "set"))
        loaded = load(store, Settings())
    assert open_partitioned(dataset.root) == dataset
    same(read_whole(dataset), loaded)
    for part in dataset.parts:
        same(read_part(dataset, part), of(loaded, part))
    short = [part.name for part in dataset.parts]
    assert len(set(short)) == len(short) == len({name.casefold() for name in short})
    assert all(len(name) < 60 and name.replace("-", "").replace("_", "").isalnum() for name in short)
    assert names(folder / "out") == sorted(
        f"set/{path}" for path in [MANIFEST_NAME, *(path for part in dataset.parts for path in part.files)]
    )


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_two_values_share_a_folder_and_none_leaves_it(one, other):
    assert (folder_name(one) == folder_name(other)) == (one == other)
    assert not set("/\\.\0 =") & set(folder_name(one))
    assert len(folder_name(one)) < 200


def test_another_value_in_one_account_changes_only_its_own_files(mixed, tmp_path):
    root = tmp_path / "set"
    before = write_partitioned(mixed, Settings(), str(root))
    untouched = {path: (root / path).stat().st_mtime_ns for path in names(root)}
    add(mixed, rows("a2", first=40, count=1, comments=3), sha="s2")
    after = write_partitioned(mixed, Settings(), str(root))
    same(read_whole(after), load(mixed, Settings()))
    assert after.fingerprint != before.fingerprint
    changed = [one.account_id for one, other in zip(before.parts, after.parts) if one.sha256 != other.sha256]
    assert changed == ["a2"]
    assert names(root) == sorted([MANIFEST_NAME, *(path for part in after.parts for path in part.files)])
    kept = {path: (root / path).stat().st_mtime_ns for path in set(names(root)) & untouched.keys() - {MANIFEST_NAME}}
    assert kept.items() <= untouched.items()
    assert len(kept) == len(untouched) - 1


def test_what_is_no_longer_there_goes_and_what_others_put_there_stays(mixed, tmp_path):
    root = tmp_path / "set"
    old = write_partitioned(mixed, Settings(), str(root))
    (root / "metrics" / "notes.txt").write_text("mine")
    (root / "metrics" / "promotion_type=x").mkdir()
    (root / "metrics" / "promotion_type=x" / "part-0.parquet").write_text("mine")
    left = root / old.parts[0].metrics[0]
    left.with_name(f".{left.name}.123").write_text("left by a run that was killed")
    with open_store(tmp_path / "other.duckdb") as other:
        add(other, rows("a7", count=3))
        new = write_partitioned(other, Settings(), str(root))
    expected = [MANIFEST_NAME, *new.parts[0].files, "metrics/notes.txt", "metrics/promotion_type=x/part-0.parquet"]
    assert names(root) == sorted(expected)
    assert not (root / "creatives" / "promotion_type=live" / "account_id=a1").exists()
    with pytest.raises(PartitionError, match="open it again"):
        read_part(old, old.parts[0])


@pytest.mark.parametrize("after", range(5))
def test_a_run_that_is_killed_leaves_the_old_dataset_and_the_next_one_ends_it(mixed, tmp_path, monkeypatch, after):
    root = tmp_path / "set"
    before = write_partitioned(mixed, Settings(), str(root))
    expected = read_whole(before)
    add(mixed, *[rows(account, first=30, count=2, clicks=7) for account in ("a1", "a2", "a3")], sha="s2")
    replaced = []

    def killed(source, target):
        if len(replaced) == after:
            raise KeyboardInterrupt
        replaced.append(target)
        Path(source).rename(target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_partitioned(mixed, Settings(), str(root))
    dataset = open_partitioned(str(root))
    assert dataset == before
    same(read_whole(dataset), expected)
    ended = write_partitioned(mixed, Settings(), str(root))
    same(read_whole(ended), load(mixed, Settings()))
    assert names(root) == sorted([MANIFEST_NAME, *(path for part in ended.parts for path in part.files)])


def test_a_run_that_is_killed_while_it_clears_up_leaves_the_new_dataset(mixed, tmp_path, monkeypatch):
    root = tmp_path / "set"
    write_partitioned(mixed, Settings(), str(root))
    add(mixed, rows("a1", first=10, count=2, clicks=7), sha="s2")

    def killed(place, names):
        os.unlink(root / next(iter(names)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            write_partitioned(mixed, Settings(), str(root))
    same(read_whole(open_partitioned(str(root))), load(mixed, Settings()))


def test_a_first_run_that_is_killed_leaves_no_dataset(mixed, tmp_path):
    def stop(done, total, name):
        if done == 2:
            raise KeyboardInterrupt

    root = str(tmp_path / "set")
    with pytest.raises(KeyboardInterrupt):
        write_partitioned(mixed, Settings(), root, stop)
    assert not is_partitioned(root)
    with pytest.raises(PartitionError, match=r"no _gpmcast\.json.*start it again"):
        open_partitioned(root)
    write_partitioned(mixed, Settings(), root)
    assert is_partitioned(root)


def test_progress_names_each_account_and_ends(mixed, tmp_path):
    steps = []
    write_partitioned(mixed, Settings(), str(tmp_path / "set"), lambda *step: steps.append(step))
    assert steps == [(0, 4, "a1"), (1, 4, "a2"), (2, 4, "a3"), (3, 4, "a1"), (4, 4, None)]


def test_another_writer_at_the_same_time_is_met_with_an_error_and_not_with_a_broken_dataset(mixed, tmp_path):
    root = tmp_path / "set"

    def meddle(done, total, name):
        for path in root.rglob("*.parquet") if done == 2 else []:
            path.unlink()

    with pytest.raises(PartitionError, match="other export"):
        write_partitioned(mixed, Settings(), str(root), meddle)
    assert not is_partitioned(str(root))


def test_the_same_content_gives_the_same_bytes_elsewhere(mixed, tmp_path):
    one = write_partitioned(mixed, Settings(), str(tmp_path / "one"))
    other = write_partitioned(mixed, Settings(), f"memory://{tmp_path.name}/other")
    assert one.parts == other.parts
    assert one.fingerprint == other.fingerprint
    files = fsspec.filesystem("memory")
    path = one.parts[0].metrics[0]
    content = files.cat_file(f"/{tmp_path.name}/other/{path}")
    assert hashlib.sha256(content).hexdigest()[:16] in path
    assert content == (tmp_path / "one" / path).read_bytes()


def test_a_file_of_an_account_without_an_id_is_one_of_ours():
    assert is_dataset_file("creatives/promotion_type=live/account_id=/part-0123456789abcdef.parquet")
    assert not is_dataset_file("creatives/promotion_type=live/account_id=a/notes.parquet")

"""The store keeps the newest of every value, logs what was replaced, and is never half written."""

import pandas as pd
import pytest

from features.errors import Problem, row_problem
from features.schema import ANY, KEY, ExportRead
from features.store.duckdb_store import Store, open_store
from features.store.upsert import MergeCounts

HOSTILE = [
    "'; DROP TABLE metrics; --",
    "<script>alert(1)</script>",
    '"; SELECT 1; --',
    "$file_id",
    "{name}",
    "名\u202e",
]


def days(rows, **values):
    """Day rows: one per (creative, day), with these value columns."""
    starts = pd.to_datetime([day for _, day in rows]).astype("datetime64[us]")
    frame = pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a1",
            "creative_id": [creative for creative, _ in rows],
            "grain": "day",
            "period_start": starts,
            "period_end": starts + pd.Timedelta(days=1),
            "row": range(2, len(rows) + 2),
        }
    )
    return frame.assign(**{name: pd.Series(cells, dtype=float) for name, cells in values.items()})


def attribute_rows(rows=()):
    """Attribute rows from (creative, name, value, origin)."""
    frame = pd.DataFrame(rows, columns=["creative_id", "name", "value", "origin"], dtype="str")
    return frame.assign(promotion_type=ANY, account_id=ANY)


def read(sha, metrics=None, attributes=None, path=None, problems=()):
    metrics = days([]) if metrics is None else metrics
    attributes = attribute_rows() if attributes is None else attributes
    return ExportRead(path or f"{sha}.csv", sha, "daily", metrics, attributes, list(problems))


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.duckdb") as opened:
        yield opened


def only(store: Store, name: str) -> pd.Series:
    frame = store.table(name)
    assert len(frame) == 1
    return frame.iloc[0]


def test_rows_of_one_file_come_back_as_they_were(store):
    added = store.add(read("s1", days([("c1", "2025-07-01"), ("c2", "2025-07-01")], orders=[1, None])))
    assert (added.metrics.new, added.metrics.changed, added.revisions) == (2, 0, 0)
    metrics = store.table("metrics").sort_values("creative_id")
    assert metrics["orders"].iloc[0] == 1
    assert metrics["orders"].isna().tolist() == [False, True]
    assert metrics["impressions"].isna().all()
    assert metrics["period_start"].dtype == "datetime64[us]"


def test_the_same_file_again_changes_nothing(store):
    file = read("s1", days([("c1", "2025-07-01")], orders=[1]), attribute_rows([("c1", "hook", "悬念", "name")]))
    store.add(file)
    added = store.add(file)
    assert added.metrics == added.attributes == MergeCounts(unchanged=1)
    assert len(store.table("files")) == 1
    assert store.table("revisions").empty


def test_other_bytes_with_the_same_values_are_a_new_file_without_revisions(store):
    store.add(read("s1", days([("c1", "2025-07-01")], orders=[1])))
    added = store.add(read("s2", days([("c1", "2025-07-01")], orders=[1])))
    assert (added.metrics.unchanged, added.revisions) == (1, 0)
    assert len(store.table("files")) == 2


def test_a_revised_value_is_logged_with_old_and_new(store):
    store.add(read("s1", days([("c1", "2025-07-01")], orders=[3], gmv_cny=[99.5])))
    added = store.add(read("s2", days([("c1", "2025-07-01")], orders=[2], gmv_cny=[99.5])))
    assert (added.metrics.changed, added.revisions) == (1, 1)
    revision = only(store, "revisions")
    assert (revision["name"], float(revision["old"]), float(revision["new"])) == ("orders", 3, 2)
    assert (revision["grain"], revision["file_id"]) == ("day", 2)
    assert only(store, "metrics")["orders"] == 2


def test_a_file_without_a_column_or_with_an_empty_cell_erases_nothing(store):
    full = days([("c1", "2025-07-01")], impressions=[500], orders=[3], spend_cny=[20])
    store.add(read("full", full))
    few = days([("c1", "2025-07-01")], orders=[None], spend_cny=[21])
    added = store.add(read("few", few))
    row = only(store, "metrics")
    assert (row["impressions"], row["orders"], row["spend_cny"]) == (500, 3, 21)
    assert added.revisions == 1


def test_what_was_unknown_is_filled_in_without_a_revision(store):
    store.add(read("few", days([("c1", "2025-07-01")], spend_cny=[20])))
    added = store.add(read("full", days([("c1", "2025-07-01")], impressions=[500], spend_cny=[20])))
    assert (added.metrics.changed, added.revisions) == (1, 0)
    assert only(store, "metrics")["impressions"] == 500


def test_attributes_are_kept_per_origin_and_their_changes_logged(store):
    store.add(read("s1", attributes=attribute_rows([("c1", "hook", "悬念", "name"), ("c1", "hook", "价格", "sheet")])))
    added = store.add(read("s2", attributes=attribute_rows([("c1", "hook", "场景", "sheet")])))
    attributes = store.table("attributes").set_index("origin")["value"]
    assert attributes.to_dict() == {"name": "悬念", "sheet": "场景"}
    revision = only(store, "revisions")
    assert (added.revisions, revision["old"], revision["new"], revision["origin"]) == (
        1,
        "价格",
        "场景",
        "sheet",
    )


def test_a_file_read_in_another_way_withdraws_what_it_no_longer_has(store):
    store.add(read("s1", days([("c1", "2025-07-01"), ("wrong", "2025-07-01")], orders=[1, 9])), "old way")
    added = store.add(read("s1", days([("c1", "2025-07-01")], orders=[1])), "new way")
    assert (added.metrics.withdrawn, added.revisions) == (1, 1)
    assert only(store, "metrics")["creative_id"] == "c1"
    assert only(store, "revisions")["old"] == "9.0"
    assert only(store, "files")["fingerprint"] == "new way"


def test_a_file_that_can_be_read_no_more_takes_its_own_rows_with_it(store):
    known_rows = attribute_rows([("c1", "hook", "悬念", "name")])
    store.add(read("other", days([("c1", "2025-07-01")], orders=[1])))
    store.add(read("s1", days([("c1", "2025-07-01"), ("c2", "2025-07-01")], orders=[1, 9]), known_rows))
    known = store.known("s1", "s1.csv")
    assert known is not None
    assert store.withdraw(known) == 2
    assert only(store, "metrics")["creative_id"] == "c1"
    assert store.table("attributes").empty
    assert sorted(store.table("revisions")["old"]) == ["9.0", "悬念"]
    store.add(read("s3", days([("c3", "2025-07-01")], orders=[1])))
    assert store.table("files")["file_id"].tolist() == [1, 3]


def test_an_old_file_read_in_another_way_does_not_win_over_a_newer_one(store):
    store.add(read("old", days([("c1", "2025-07-01")], orders=[3])), "old way")
    store.add(read("new", days([("c1", "2025-07-01")], orders=[2])), "old way")
    added = store.add(read("old", days([("c1", "2025-07-01")], orders=[3], clicks=[8])), "new way")
    row = only(store, "metrics")
    assert (row["orders"], row["clicks"]) == (2, 8)
    assert added.revisions == 0


def test_a_sheet_put_back_to_what_it_was_counts_again(store):
    for sha, hook in [("s1", "悬念"), ("s2", "价格"), ("s1", "悬念")]:
        store.add(read(sha, attributes=attribute_rows([("c1", "hook", hook, "sheet")]), path="tags.csv"))
    assert only(store, "attributes")["value"] == "悬念"
    assert len(store.table("revisions")) == 2


def test_problems_of_a_file_are_kept_as_they_were_reported(store):
    problems = [
        row_problem(
            "s1.csv",
            [3, 9],
            found="'7.7E+18'",
            expected="an id",
            cure="Export as text.",
            zh="ID丢了数字。",
            column="素材ID",
        ),
        Problem("note", "s1.csv", "a", "b", "c"),
    ]
    store.add(read("s1", days([("c1", "2025-07-01")], orders=[1]), problems=problems))
    assert store.problems("s1") == problems
    assert only(store, "files")["rejected"] == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_data_and_nothing_else(store, text):
    metrics = days([(text, "2025-07-01")], orders=[1]).assign(account_id=text)
    problem = row_problem(text, [2], found=text, expected=text, cure=text, zh=text, column=text)
    for sha, orders in [(text, 1.0), (text + "2", 2.0)]:
        attributes = attribute_rows([(text, text, text + sha, "sheet")])
        store.add(read(sha, metrics.assign(orders=orders), attributes, text, [problem]), text)
    row = only(store, "metrics")
    assert tuple(row[KEY]) == ("live", text, text)
    assert only(store, "attributes")["name"] == text
    assert sorted(store.table("revisions")["name"]) == sorted(["orders", text])
    assert store.problems(text) == [problem]
    assert set(store.table("files")["path"]) == {text}


def test_two_rows_for_one_key_are_refused_and_leave_nothing(store):
    twice = days([("c1", "2025-07-01"), ("c1", "2025-07-01")], orders=[1, 2])
    with pytest.raises(ValueError, match="two rows"):
        store.add(read("s1", twice))
    assert store.table("metrics").empty
    assert store.table("files").empty
    assert store.add(read("s2", days([("c1", "2025-07-01")], orders=[1]))).metrics.new == 1


def add_and_fail(store):
    with store.transaction():
        store.add(read("s1", days([("c1", "2025-07-01")], orders=[1])))
        raise RuntimeError


def test_an_outer_transaction_that_fails_takes_the_inner_imports_with_it(store):
    with pytest.raises(RuntimeError):
        add_and_fail(store)
    assert store.table("metrics").empty
    assert store.add(read("s1", days([("c1", "2025-07-01")], orders=[1]))).metrics == MergeCounts(new=1)

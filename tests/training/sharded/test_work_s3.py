"""The tables between steps on a real S3 server; the fixture `bucket` tells how to start one."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from features.errors import PartitionError
from features.partitions.folder import open_folder
from training.sharded.work import Work


@pytest.mark.slow
def test_tables_between_steps_are_kept_on_s3(bucket):
    root = f"{bucket}/work"
    work, elsewhere = Work(root), Work(root)
    table = pd.DataFrame({"account_id": ["a1", "号"], "orders": [1.0, float("nan")]}).astype({"account_id": "str"})
    assert elsewhere.read_mark() is None
    work.write_mark("here")
    assert elsewhere.read_mark() == "here"
    assert not work.done("run/one")
    for name in ("run/one", "run/two", "old/one"):
        work.put(name, table)
    work.put("run/none", table.iloc[:0])
    assert elsewhere.done("run/one")
    assert_frame_equal(elsewhere.get("run/one"), table)
    assert_frame_equal(elsewhere.get("run/none"), table.iloc[:0])
    work.put("run/one", table.iloc[1:])
    assert_frame_equal(elsewhere.get("run/one"), table.iloc[1:].reset_index(drop=True))
    work.keep({"run"})
    assert not elsewhere.done("old/one")
    assert elsewhere.read_mark() is None
    assert open_folder(root).find("") == ["run/none.arrow", "run/one.arrow", "run/two.arrow"]
    work.remove("run")
    assert open_folder(root).find("") == []
    with pytest.raises(PartitionError, match="no whole table"):
        work.get("run/one")

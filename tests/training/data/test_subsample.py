"""Which creatives stay when there are too many snapshots."""

import numpy as np
import pandas as pd
from pandas.testing import assert_frame_equal

from features.schema import KEY
from training.data.subsample import subsample


def rows(creatives: int) -> pd.DataFrame:
    table = pd.DataFrame({"creative_id": [f"c{n}" for n in range(creatives) for _ in range(n % 4 + 1)]})
    table["age_hours"] = table.groupby("creative_id").cumcount()
    return table.assign(promotion_type="live", account_id="a")[[*KEY, "age_hours"]].astype(dict.fromkeys(KEY, "str"))


def test_few_all_stay():
    few = rows(10)
    assert subsample(few, len(few)) is few


def test_whole_creatives_stay_at_most_so_many_and_nearly_that():
    many = rows(400)
    left = subsample(many, 300)
    assert 300 - 4 <= len(left) <= 300
    whole, stayed = (table.groupby("creative_id").size() for table in (many, left))
    assert (stayed == whole[stayed.index]).all()
    assert_frame_equal(left, many[many["creative_id"].isin(stayed.index)].reset_index(drop=True))  # in their order


def test_the_subsample_depends_on_keys_alone():
    many = rows(200)
    shuffled = many.sample(frac=1, random_state=1).reset_index(drop=True).assign(age_hours=7.0)
    assert set(subsample(shuffled, 150)["creative_id"]) == set(subsample(many, 150)["creative_id"])
    assert_frame_equal(subsample(many, 150), subsample(many, 150))
    assert np.array_equal(subsample(many, 0).columns, many.columns)
    assert subsample(many, 0).empty

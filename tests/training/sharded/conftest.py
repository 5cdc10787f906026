"""The small world as a partitioned dataset."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.partitions.folder import open_folder
from features.partitions.manifest import PartitionedDataset, creatives_columns, value_type_of
from features.partitions.writer import _write_manifest, _write_partition
from features.schema import KEY, VALUES, Loaded


@pytest.fixture(scope="session")
def as_dataset() -> Callable[[Loaded, Path], PartitionedDataset]:
    """Write what was loaded under a root, as `features.partitions.writer.write_partitioned` writes a store."""

    def write(loaded: Loaded, root: Path) -> PartitionedDataset:
        place = open_folder(str(root))
        attributes = tuple((name, value_type_of(name)) for name in loaded.creatives.columns if name not in KEY)
        parts = []
        for (promotion_type, account), own in loaded.creatives.groupby(KEY[:2]):
            mine = (loaded.metrics["promotion_type"] == promotion_type) & (loaded.metrics["account_id"] == account)
            metrics = loaded.metrics[mine].reindex(columns=[*loaded.metrics.columns[:6], *VALUES])
            metrics[VALUES] = metrics[VALUES].astype(np.float64)
            table = pa.Table.from_pandas(own, creatives_columns(attributes), preserve_index=False)
            parts.append(_write_partition(place, str(promotion_type), str(account), metrics, table))
        held = tuple(name for name in VALUES if name in loaded.metrics and loaded.metrics[name].notna().any())
        until = loaded.metrics["period_end"].max()
        dataset = PartitionedDataset(place.root, tuple(parts), held, attributes, until, dict(loaded.notes), "test")
        _write_manifest(place, dataset)
        return dataset

    return write


@pytest.fixture(scope="session")
def many_accounts(small_world: Loaded) -> Loaded:
    """The small world in five accounts that share products, KOCs and tags; one has nothing but announced creatives."""
    place = pd.Series(np.arange(len(small_world.creatives)), index=small_world.creatives.index)
    moved = small_world.creatives.assign(
        account_id=small_world.creatives["account_id"] + "-" + (place // 2 % 2).astype(str)
    )
    keys = small_world.creatives[KEY].assign(moved=moved["account_id"].to_numpy())
    metrics = small_world.metrics.merge(keys, on=KEY, how="left")
    metrics["account_id"] = metrics.pop("moved")
    announced = moved.iloc[:2].assign(account_id="acc9", creative_id=["new1", "new2"])
    creatives = pd.concat([moved, announced], ignore_index=True).sort_values(KEY, ignore_index=True)
    return Loaded(metrics.sort_values([*KEY, "period_start"], ignore_index=True), creatives)

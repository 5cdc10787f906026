"""Intervals that few rows calibrated are computed at a higher level."""

import numpy as np
import pytest

from training.uncertainty.levels import added_levels
from training.uncertainty.recalibration import OTHER


def rows(**creatives: int) -> dict[str, np.ndarray]:
    """Four rows of each of so many creatives of each promotion type."""
    names = np.repeat(list(creatives), [4 * count for count in creatives.values()])
    ids = np.concatenate([np.repeat([f"{name}{n}" for n in range(count)], 4) for name, count in creatives.items()])
    return {"promotion_type": names.astype(object), "creative": ids}


def test_enough_rows_of_a_type_add_nothing_to_its_intervals() -> None:
    assert added_levels(rows(product=50), 0.8, 200)["product"] == 0.0
    assert added_levels(rows(product=49), 0.8, 200)["product"] == pytest.approx(0.0015, abs=0.0001)


def test_a_type_with_few_rows_is_widened_and_leans_on_the_others() -> None:
    alone = added_levels(rows(live=5), 0.8, 200)["live"]
    beside = added_levels(rows(live=5, product=200), 0.8, 200)
    assert alone > beside["live"] > beside["product"] == 0.0
    assert alone == pytest.approx(1.2816 * np.sqrt(0.16 / 5) * 0.9)
    assert beside["live"] == pytest.approx(1.2816 * np.sqrt(0.16 / 55) * 0.9)


def test_less_data_never_gives_narrower_intervals() -> None:
    found = [added_levels(rows(live=count, product=20), 0.8, 200)["live"] for count in (1, 3, 10, 30, 60)]
    assert found == sorted(found, reverse=True)


def test_a_type_that_calibrated_nothing_is_widened_most() -> None:
    found = added_levels(rows(live=5, product=20), 0.8, 200)
    assert found[OTHER] > found["live"] > found["product"]

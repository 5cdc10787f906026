"""Where later volume starts."""

import numpy as np
import pytest

from features.point_in_time.array_frame import Categories
from training.boosting.volume_offset import LEAST_VOLUME, fit_volume


def rows(features, places):
    """The same features, fewer rows."""
    part = {
        "keys": features.keys.take(places),
        "values": features.values.take(places),
    }
    return type(features)(**{**vars(features), **part})


def test_a_row_alone_has_the_offset_that_it_has_in_a_batch(model, holdout_rows) -> None:
    """Also where its promotion type is the only one at hand."""
    features, _ = holdout_rows
    together = model.volume.log_volume(features)
    assert len(set(features.keys.categories("promotion_type").texts())) == 2
    for place in range(0, len(together), 3):
        assert model.volume.log_volume(rows(features, [place]))[0] == together[place]


def test_an_unknown_promotion_type_counts_as_the_mean(model, holdout_rows) -> None:
    features, _ = holdout_rows
    keys = features.keys.assign({"promotion_type": Categories.of(["new"] * len(features.values))})
    strange = type(features)(**{**vars(features), "keys": keys})
    weights = {name: weight for name, weight in model.volume.weights.items() if not name.startswith("promotion_type=")}
    blind = model.volume.model_copy(update={"weights": weights})
    np.testing.assert_array_equal(model.volume.log_volume(strange), blind.log_volume(features))


def test_no_offset_lies_beyond_the_training_rows(model, holdout_rows, train_rows) -> None:
    _, outcome = train_rows
    offsets = model.volume.log_volume(holdout_rows[0])
    assert (np.exp(offsets) >= LEAST_VOLUME * 0.999).all()
    assert (np.exp(offsets) <= outcome["later:impressions"].max() * 1.001).all()


def test_the_offsets_add_up_to_the_outcomes(model, train_rows) -> None:
    features, outcome = train_rows
    offsets = np.exp(model.volume.log_volume(features)).sum()
    assert offsets == pytest.approx(outcome["later:impressions"].sum(), rel=0.25)


def test_volume_without_any_delivery_is_small_and_finite(train_rows) -> None:
    features, outcome = train_rows
    none = np.zeros(len(outcome))
    offsets = fit_volume(features, none, np.ones(len(outcome))).log_volume(features)
    assert np.isfinite(offsets).all()
    assert np.exp(offsets).max() <= 1.0

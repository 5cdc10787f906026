"""The place of a creative among what was predicted at launch."""

import numpy as np
import pytest

from training.boosting.recipe import Recipe, out_of_fold
from training.uncertainty.launches import LEVELS, LaunchPredictions, fit_launches

TWO = LaunchPredictions(quantiles={"live": tuple(2.0 * LEVELS), "product": tuple(1.0 + LEVELS)})


def test_the_place_is_the_share_of_its_own_type_that_lies_below() -> None:
    types = np.array(["live", "live", "product", "live", "brand"], dtype=object)
    place = TWO.place(np.array([1.0, 9.0, 1.25, 0.0, 1.0]), types)
    np.testing.assert_allclose(place, [0.5, 1.0, 0.25, 0.0, np.nan])


def test_a_row_alone_has_the_place_that_it_has_in_company() -> None:
    roi, types = np.linspace(0.01, 3.0, 97), np.array(["live", "product"] * 48 + ["live"], dtype=object)
    together = TWO.place(roi, types)
    alone = [TWO.place(roi[row : row + 1], types[row : row + 1])[0] for row in range(len(roi))]
    assert (np.array(alone).view(np.int64) == together.view(np.int64)).all()


@pytest.fixture(scope="module")
def folds(dataset, cut):
    return out_of_fold(dataset, cut[0], Recipe())


def test_the_reference_are_out_of_sample_predictions_at_launch(folds, dataset) -> None:
    launches = fit_launches(folds, dataset.funnel, 5)
    for name, quantiles in launches.quantiles.items():
        at_launch = [
            part.predicted["net_roi"].to_numpy()[
                (part.features.keys.floats("elapsed_hours") == 0)
                & (part.features.keys.categories("promotion_type").texts() == name)
            ]
            for part in folds
        ]
        found = np.concatenate(at_launch)
        assert (quantiles[0], quantiles[-1]) == (found.min(), found.max())
        median = np.array([np.median(found)])
        assert launches.place(median, np.array([name], dtype=object))[0] == pytest.approx(0.5, abs=0.01)
    assert set(launches.quantiles) == {"live", "product"}


def test_a_type_with_too_few_launches_has_no_places(folds, dataset) -> None:
    assert fit_launches(folds, dataset.funnel, 10_000) == LaunchPredictions(quantiles={})
    assert np.isnan(LaunchPredictions(quantiles={}).place(np.ones(2), np.array(["live"] * 2, dtype=object))).all()

"""The feature matrix has exactly the declared columns, whatever the categories."""

import numpy as np
import pandas as pd
import pytest

from features.matrix.feature_matrix import build_features, declare, numbers
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import observe_loaded
from features.schema import KEY, Loaded
from training.data.dataset import fit_features, prepare
from training.labels.splits import holdout_split

HOSTILE = [
    '"引号"',
    "a,b",
    "两\n行",
    "x=y",
    "u|v",
    "😀好",
    "\u200fערב\u202e",
    "{}[]:",
    "C:\\路径",
    " 空 格 ",
    "None",
    "nan",
    "NaN",
]


@pytest.fixture(scope="module")
def prepared(small_world, quick):
    dataset = prepare(small_world, quick)
    train, _, starts = holdout_split(dataset.rows, 7)
    return dataset, fit_features(dataset, train, starts)


def test_the_columns_built_are_those_declared_each_once(prepared) -> None:
    dataset, fitted = prepared
    features = build_features(ArrayFrame.of(dataset.observed), fitted)
    names = [feature.name for feature in declare(fitted)]
    assert list(features.values.names) == names
    assert len(names) == len(set(names))
    assert features.catalogue == declare(fitted)
    assert features.values.matrix.dtype == np.float64
    assert not np.isinf(features.values.matrix).any()


def test_a_feature_that_no_training_row_knows_is_left_out(prepared) -> None:
    _, fitted = prepared
    assert "watched_share" not in fitted.numbers  # nobody counted seconds
    assert "log_price" in fitted.numbers


def test_without_rows_there_are_columns(prepared) -> None:
    dataset, fitted = prepared
    features = build_features(ArrayFrame.of(dataset.observed.head(0)), fitted)
    assert features.values.matrix.shape == (0, len(declare(fitted)))


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("log_price", {"price_cny": 100.0}, np.log(100.0)),
        ("log_price", {"price_cny": 0.0}, np.nan),
        ("price_band", {"price_cny": 30.0}, 1.0),
        ("price_band", {"price_cny": 29.9}, 0.0),
        ("price_band", {"price_cny": 5000.0}, 6.0),
        ("price_band", {"price_cny": np.nan}, np.nan),
        ("creation_delay", {"created_at": pd.Timestamp("2026-03-10 06:30")}, np.log1p(3.0)),
        ("creation_delay", {"created_at": pd.Timestamp("2026-03-10 12:00")}, 0.0),
        ("creation_delay", {"created_at": pd.NaT}, np.nan),
        ("launch_hour", {}, 9.0),
        ("launch_hour", {"launch_hour": np.nan}, np.nan),
        ("launch_weekday", {}, 1.0),
        ("rate_5s", {"early:plays": 40.0, "early:plays_5s": 10.0}, 0.25),
        ("rate_5s", {"early:plays": 19.0, "early:plays_5s": 10.0}, np.nan),
        ("watched_share", {"early:plays": 40.0, "early:watch_s": 200.0, "duration_s": 20.0}, 0.25),
        ("age", {"elapsed_hours": 6.0}, np.log1p(6.0)),
        ("last_day_share", {"early:impressions": 200.0, "last_day:impressions": 50.0}, 0.25),
        ("last_day_share", {"early:impressions": 0.0, "last_day:impressions": 0.0}, np.nan),
        ("boost_share", {"early:spend_cny": 10.0, "early:boost_spend_cny": 4.0}, 0.4),
        ("boost_share", {"early:spend_cny": 0.0, "early:boost_spend_cny": 0.0}, np.nan),
        ("log_followers", {}, np.nan),  # a column that the data lack
    ],
)
def test_numbers_by_hand(prepared, name, given, expected) -> None:
    row = {
        "launched_at": pd.Timestamp("2026-03-10 09:30"),
        "created_at": pd.NaT,
        "launch_hour": 9.0,
        "elapsed_hours": 0.0,
        **given,
    }
    found = numbers(ArrayFrame.of(pd.DataFrame([row])), prepared[0].funnel)[name]
    np.testing.assert_allclose(found, [expected], rtol=1e-12)


def test_a_creative_announced_without_a_launch_has_features(prepared, small_world, quick) -> None:
    dataset, fitted = prepared
    rows = dataset.observed.head(1)[
        [*KEY, "age_hours", "launched_at", "cutoff", "elapsed_hours", "launch_observed", "launch_hour"]
    ]
    rows = rows.assign(
        launched_at=pd.Series([pd.NaT], dtype="datetime64[us]"), launch_hour=np.nan, age_hours=0, elapsed_hours=0.0
    )
    features = build_features(observe_loaded(rows, small_world, fitted.funnel, fitted.entities, quick), fitted)
    assert np.isnan(features.values.select(["launch_hour", "launch_weekday"])).all()
    assert np.isfinite(features.posteriors["click"].log_rate).all()


def test_hostile_words_are_codes_flags_and_history_like_any_other(small_world, quick) -> None:
    """Quotes, commas, lines, equals signs, bars, emoji, marks of direction, and the texts for nothing."""
    hooks = pd.Series([HOSTILE[place % len(HOSTILE)] for place in range(len(small_world.creatives))], dtype="str")
    points = pd.Series(["|".join(HOSTILE[place % 4 : place % 4 + 4]) for place in range(len(hooks))], dtype="str")
    loaded = Loaded(small_world.metrics, small_world.creatives.assign(tag_hook=hooks, tag_selling_point=points))
    dataset = prepare(loaded, quick)
    train, _, starts = holdout_split(dataset.rows, 7)
    fitted = fit_features(dataset, train, starts)
    assert set(fitted.encoder.codes["tag_hook"]) == set(HOSTILE)
    features = build_features(ArrayFrame.of(dataset.observed), fitted)
    assert not np.isnan(features.values["tag_hook"]).any()
    assert np.nansum(features.values["tag_selling_point=x=y"]) > 0
    assert np.nanmax(features.values["launched_hook"]) > 0

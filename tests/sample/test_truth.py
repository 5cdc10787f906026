"""The truth agrees with realised counts and with itself, and can be learned from the exports."""

import numpy as np
import pandas as pd
import pytest

from sample.simulation import Simulation
from sample.truth import truth
from sample.worlds import STAGES, WORLDS

pytestmark = pytest.mark.slow

KEY = ["promotion_type", "account_id", "creative_id"]


@pytest.fixture(scope="module")
def rates(each_simulation: Simulation) -> pd.DataFrame:
    return truth(each_simulation.world, each_simulation.traffic)


@pytest.fixture(scope="module")
def realised(each_simulation: Simulation) -> pd.DataFrame:
    """Counts of the first week of each creative, in the order of the world."""
    hours = each_simulation.traffic.hours
    names = ["impressions", "clicks", "orders", "gmv", "spend", "plays", "plays_3s"]
    return hours[hours["age"] < 168].groupby("row")[names].sum()


def test_one_row_per_key_and_age_and_nothing_missing(rates: pd.DataFrame) -> None:
    assert not rates.duplicated([*KEY, "age_hours"]).any()
    assert rates.notna().all().all()
    assert set(rates["age_hours"]) >= {0, 1, 3, 6, 12, 24, 48, 72, 168, 336}
    assert ((rates["cutoff"] - rates["launched_at"]) == pd.to_timedelta(rates["age_hours"], unit="h")).all()


@pytest.mark.parametrize("end", ["", "_known_effects"])
def test_the_stages_multiply_to_gpm_and_roi(rates: pd.DataFrame, end: str) -> None:
    stage = {name: rates[name + end] for name in ("click", "order", "value", "keep", "cost")}
    gpm = 1000 * stage["click"] * stage["order"] * stage["value"]
    np.testing.assert_allclose(rates["gpm" + end], gpm, rtol=1e-9)
    np.testing.assert_allclose(rates["net_roi" + end], gpm * stage["keep"] / stage["cost"] / 1000, rtol=1e-9)


def test_expected_and_realised_rates_agree_where_exposure_is_large(
    rates: pd.DataFrame, realised: pd.DataFrame, each_simulation: Simulation
) -> None:
    first = rates[rates["age_hours"] == 0].reset_index(drop=True)
    assert (first["later_impressions"] == realised["impressions"]).all()
    least = 45 if each_simulation.world.spec is WORLDS["interplay"] else 60  # its 推直播 pools are smaller
    for rate, counted, exposure, pieces in (
        ("click", "clicks", "impressions", realised["clicks"]),
        ("order", "orders", "clicks", realised["orders"]),
        ("cost", "spend", "impressions", realised["impressions"]),
        ("value", "gmv", "orders", 8 * realised["orders"]),
    ):
        much = (first[rate] * realised[exposure] >= 20) & (pieces > 0)
        ratio = realised[counted][much] / realised[exposure][much] / first[rate][much]
        noise = (ratio - 1) * np.sqrt(pieces[much])
        assert much.sum() > least
        assert abs(noise.mean()) < 0.3, rate
        assert 0.7 < noise.std() < 1.5, rate


def test_totals_of_expected_and_realised_agree(rates: pd.DataFrame) -> None:
    first = rates[rates["age_hours"] == 0]
    ratio = first["later_impressions"].sum() / first["expected_later_impressions"].sum()
    assert ratio == pytest.approx(1.0, abs=0.03)


def test_known_effects_differ_by_the_residual_only(rates: pd.DataFrame, each_simulation: Simulation) -> None:
    first = rates[rates["age_hours"] == 0].reset_index(drop=True)
    residual = each_simulation.world.effects.residual
    for stage in ("hold", "click", "order", "cost"):
        gap = np.log(first[stage] / first[f"{stage}_known_effects"])
        np.testing.assert_allclose(gap, residual[:, STAGES.index(stage)], atol=1e-9)


def test_residuals_and_effects_have_the_documented_size(each_simulation: Simulation) -> None:
    """Both parts matter: most of the spread of a rate is explained, but not all of it."""
    effects = each_simulation.world.effects
    for column, stage in enumerate(STAGES[:6]):
        assert effects.residual[:, column].std() == pytest.approx(
            each_simulation.world.spec.creative_sds[column], rel=0.15
        )
        assert effects.known[:, column].std() > 0.9 * effects.residual[:, column].std(), stage


def test_tags_can_be_learned_from_the_counts(additive_simulation: Simulation) -> None:
    """A plain log-linear fit of clicks on tags and products of the first half orders the second half."""
    creatives = additive_simulation.world.creatives
    counts = additive_simulation.days.groupby("row")[["impressions", "clicks"]].sum().reindex(creatives.index)
    product = creatives["promotion_type"] == "product"
    early = product & (creatives["launch_hour"] < 45 * 24)
    columns = ["hook", "scene", "face", "script", "style", "audience", "category", "product_id", "account_id"]
    design = pd.get_dummies(creatives[columns].astype(str)).to_numpy(np.float64)
    mean = counts["clicks"][early].sum() / counts["impressions"][early].sum()
    expected = counts["impressions"] * mean
    rate = np.log((counts["clicks"] + 5) / (expected + 5))
    weight = np.minimum(expected, 30)[early].to_numpy()
    left = design[early].T @ (design[early] * weight[:, None]) + 40 * np.eye(design.shape[1])
    effect = np.linalg.solve(left, design[early].T @ (weight * rate[early].to_numpy()))
    rates = truth(additive_simulation.world, additive_simulation.traffic)
    first = rates[rates["age_hours"] == 0].reset_index(drop=True)
    later = product & ~early
    fit = pd.Series(design[later] @ effect).corr(first["click"][later].reset_index(drop=True), method="spearman")
    assert fit > 0.35

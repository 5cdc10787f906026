"""Each world has the structure that its declaration states, and no other."""

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from sample.effects import latents
from sample.randomness import Floats
from sample.simulation import Simulation, simulate_world
from sample.vocabulary import CATEGORIES, TAG_VALUES
from sample.worlds import STAGES, WORLDS

CLICK, ORDER = STAGES.index("click"), STAGES.index("order")


@pytest.mark.parametrize("name", WORLDS)
def test_the_seed_determines_a_world(name: str) -> None:
    once, again, other = (simulate_world(seed, 100, 20, name) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(once.traffic.hours, again.traffic.hours)
    pd.testing.assert_frame_equal(once.days, again.days)
    assert not once.world.creatives["creative_id"].isin(other.world.creatives["creative_id"]).any()


def test_worlds_of_one_seed_differ_in_their_rates_only() -> None:
    simulations = [simulate_world(7, 100, 20, name) for name in WORLDS]
    for one, other in combinations(simulations, 2):
        pd.testing.assert_frame_equal(one.world.creatives, other.world.creatives)
        assert one.days["gmv"].sum() != other.days["gmv"].sum()


def known(simulation: Simulation, name: str, **columns: object) -> Floats:
    """Known effects of copies of the first creative with other attributes. Axis 0: copies, axis 1: STAGES."""
    copies = pd.DataFrame(columns)
    first = simulation.world.creatives.iloc[[0] * len(copies)].reset_index(drop=True)
    return latents(7, WORLDS[name], first.assign(**{key: copies[key] for key in copies}), 64, 30).known


def three_way_share(effects: Floats) -> float:
    """Share of variance that effects of one and of two factors leave (balanced analysis of variance)."""
    rest = effects
    for axis in range(3):
        rest = rest - rest.mean(axis=axis, keepdims=True)
    return float(rest.var() / effects.var())


def test_hook_category_and_face_interact(small_simulation: Simulation) -> None:
    sizes = (len(TAG_VALUES["hook"]), len(CATEGORIES), len(TAG_VALUES["face"]))
    hook, category, face = np.array(list(product(*map(range, sizes)))).T
    shares = {
        name: [three_way_share(effects[:, stage].reshape(sizes)) for stage in (CLICK, ORDER)]
        for name in WORLDS
        for effects in [known(small_simulation, name, hook_code=hook, category_code=category, face_code=face)]
    }
    assert min(shares["interplay"]) > 0.25
    assert max(shares["additive"]) < 0.1
    assert shares["shift"] == shares["additive"]


@pytest.mark.parametrize(
    ("attribute", "values"),
    [("price", [189.0, 194.5, 200.2, 206.0]), ("duration_s", [14.0, 14.5, 15.0, 15.5])],
)
def test_orders_step_at_thresholds_of_price_and_duration(
    small_simulation: Simulation, attribute: str, values: list[float]
) -> None:  # fmt: skip
    """In an additive world three equal steps of the logarithm have nearly equal effects."""

    def steps(name: str) -> Floats:
        return np.abs(np.diff(known(small_simulation, name, category="数码家电", **{attribute: values})[:, ORDER]))

    assert steps("additive").max() < 0.03
    before, at, after = steps("interplay")
    assert at > 0.15 + max(before, after)


def test_products_drift_in_the_interplay_world_alone(moves: Callable[[str], Floats]) -> None:
    assert not moves("additive").any()
    drift = np.diff(moves("interplay"), axis=0)[:, :, ORDER]
    assert 0.02 < drift.std() < 0.1
    assert moves("interplay")[:, :, ORDER].std() == pytest.approx(WORLDS["interplay"].drift_sds[3], rel=0.25)


@pytest.fixture
def moves() -> Callable[[str], Floats]:
    """What time adds to the effects of a world's creatives. Axis 0: days, axis 1: creatives, axis 2: STAGES."""

    def of(name: str) -> Floats:
        world = simulate_world(7, 100, 60, name).world
        rows = np.arange(len(world.creatives))
        codes = world.creatives["product_code"].to_numpy(np.int64)
        return np.stack([world.effects.moved(rows, codes, np.full(len(rows), day)) for day in range(60)])

    return of


def test_the_shift_changes_effects_on_its_day_and_never_again(moves: Callable[[str], Floats]) -> None:
    moved = moves("shift")
    assert not moved[:30].any()
    assert (moved[30:] == moved[30]).all()
    assert moved[30, :, ORDER].std() > 0.1


@pytest.mark.slow
def test_traffic_gets_dearer_and_clicks_fewer_from_one_day_to_the_next() -> None:
    """Latent rates of creatives that run on both sides of the change; the truth is their mean."""
    simulation = simulate_world(7, 4000, 90, "shift")
    hours, creatives = simulation.traffic.hours, simulation.world.creatives
    hours = hours.assign(live=(creatives["promotion_type"] == "live").to_numpy()[hours["row"]])
    day = hours["clock"] // 24
    means = [np.log(hours[day == number].groupby(["live", "row"])[["click", "cost"]].mean()) for number in (44, 45)]
    jump = (means[1] - means[0]).dropna().groupby("live").mean()
    assert jump.loc[False, "click"] == pytest.approx(-0.25, abs=0.08)
    assert jump.loc[False, "cost"] == pytest.approx(0.30 - 0.3 * 0.25, abs=0.08)
    assert abs(jump.loc[True, ["click", "cost"]]).max() < 0.08

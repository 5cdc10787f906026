"""The tables of a pooled line say what its weights add up to."""

import numpy as np

from features.point_in_time.array_frame import Categories
from training.boosting.pooled_line import LEVEL, Groups, PooledLine, _design

NUMBERS = {"pace": (1.0, 2.0, -3.0, 9.0), "score": (0.5, 1.0, 0.0, 1.0)}


def test_terms_are_the_weighted_columns_of_the_design() -> None:
    draw, types = np.random.default_rng(1), ("live", "product")
    groups = Groups(draw.uniform(0, 300, 40), Categories.of(draw.choice([*types, "brand"], 40).tolist()))
    numbers = {name: np.where(draw.random(40) < 0.2, np.nan, draw.normal(1, 5, 40)) for name in NUMBERS}
    design = _design(groups, numbers, NUMBERS, types)
    weights = {name: float(draw.normal()) for name in design}
    line = PooledLine(intercept=0.7, numbers=NUMBERS, promotion_types=types, weights=weights)
    total = 0.7 + sum(weights[name] * column for name, column in design.items())
    np.testing.assert_allclose(line.predict(groups, numbers), total, rtol=1e-12)
    terms = line.terms(groups, numbers)
    assert list(terms) == [LEVEL, *NUMBERS]
    pace = sum(weights[name] * column for name, column in design.items() if name.startswith("pace"))
    np.testing.assert_allclose(terms["pace"], pace, rtol=1e-12, atol=1e-12)


def test_a_copy_with_other_weights_has_tables_of_its_own() -> None:
    line = PooledLine(intercept=1.0, numbers={}, promotion_types=("live",), weights={"promotion_type=live": 2.0})
    groups = Groups(np.array([5.0]), Categories.of(["live"]))
    assert line.predict(groups, {}).tolist() == [3.0]
    assert line.model_copy(update={"promotion_types": ()}).predict(groups, {}).tolist() == [1.0]

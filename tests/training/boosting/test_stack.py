"""The stack: convex weights, the better member, standard errors over creatives."""

from dataclasses import replace

import numpy as np
import pytest

from features.bilingual import Words
from features.targets import Head
from training.boosting.heads import HeadRows
from training.boosting.stack import (
    FUNNEL_ALONE,
    MEMBERS,
    PULL,
    Stack,
    deviance,
    fit_stack,
    members_of,
    ratio_with_error,
    row_losses,
)

HEAD = Head("gmv", Words("每次展现成交额", "gmv per impression"), "gmv_cny", "impressions", ("earn",))


def rows_of(ratio, log_funnel, log_bayes, weight=None, creative=None) -> HeadRows:
    count = len(ratio)
    weight = np.ones(count) if weight is None else weight
    return HeadRows(
        head=HEAD,
        rows=np.arange(count),
        ratio=np.asarray(ratio),
        log_funnel=np.asarray(log_funnel),
        log_bayes=np.asarray(log_bayes),
        training_weight=weight,
        deviance_weight=weight,
        creative=np.arange(count, dtype=np.uint64) if creative is None else creative,
        cutoff=np.datetime64("2026-05-01", "us") + np.arange(count) * np.timedelta64(1, "h"),
    )


def simulated(noise_of: dict[str, float], count: int = 4000, seed: int = 1) -> tuple[list[HeadRows], list[np.ndarray]]:
    """Two folds of a true log rate, and members that see it with noise of these standard deviations."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(-2.0, 0.7, count)
    weight = draw.uniform(20.0, 200.0, count)
    seen = {name: truth + draw.normal(0, noise, count) - noise**2 / 2 for name, noise in noise_of.items()}
    data = rows_of(draw.poisson(np.exp(truth) * weight) / weight, seen["funnel"], seen["bayes"], weight)
    trees = seen["trees"] - seen["funnel"]
    half = count // 2
    parts = []
    for rows in (slice(0, half), slice(half, count)):
        part = {name: getattr(data, name)[rows] for name in vars(data) if name not in ("head", "rows")}
        parts.append(replace(data, rows=np.arange(half), **part))
    return parts, [trees[:half], trees[half:]]


@pytest.mark.parametrize("better", ["bayes", "funnel", "trees"])
def test_weights_are_convex_and_favour_the_better_member(better) -> None:
    noise = dict.fromkeys(("bayes", "funnel", "trees"), 1.0) | {better: 0.05}
    stack, value = fit_stack(*simulated(noise))
    weights = {"bayes": stack.bayes, "funnel": stack.funnel, "trees": stack.trees}
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert all(0.0 <= weight <= 1.0 for weight in weights.values())
    assert weights[better] > 0.8
    assert np.isfinite(value)


def test_members_with_errors_of_their_own_share_the_weight_and_beat_each_alone() -> None:
    parts, trees = simulated({"bayes": 0.5, "funnel": 0.5, "trees": 0.5})
    stack, _ = fit_stack(parts, trees)
    assert min(stack.bayes, stack.funnel, stack.trees) > 0.2
    logs = [stack.log(part.log_bayes, part.log_funnel, own) for part, own in zip(parts, trees)]
    alone = [
        [part.log_bayes + stack.log_bayes_level for part in parts],
        [part.log_funnel for part in parts],
        [part.log_funnel + own for part, own in zip(parts, trees)],
    ]
    assert deviance(parts, logs) < min(deviance(parts, one) for one in alone)


def test_the_weights_are_the_minimum_of_deviance_plus_penalty() -> None:
    """Against a grid over the simplex."""
    parts, trees = simulated({"bayes": 0.8, "funnel": 0.4, "trees": 0.3}, count=600)
    stack, value = fit_stack(parts, trees)

    def objective(bayes: float, funnel: float, of_trees: float) -> float:
        one = Stack(bayes, funnel, of_trees, stack.log_bayes_level)
        logs = [one.log(part.log_bayes, part.log_funnel, own) for part, own in zip(parts, trees)]
        penalty = sum((weight - 1 / 3) ** 2 for weight in (bayes, funnel, of_trees))
        return deviance(parts, logs) + PULL * penalty

    assert value == pytest.approx(objective(stack.bayes, stack.funnel, stack.trees), abs=1e-9)
    steps = np.linspace(0, 1, 41)
    grid = [(b, f, 1 - b - f) for b in steps for f in steps if b + f <= 1]
    best = min(grid, key=lambda shares: objective(*shares))
    assert value <= objective(*best) + 1e-9
    np.testing.assert_allclose((stack.bayes, stack.funnel, stack.trees), best, atol=0.05)


def test_members_that_predict_the_same_have_equal_weights() -> None:
    """The deviance cannot tell them apart, and the penalty pulls to equal weights."""
    parts, _ = simulated({"bayes": 0.3, "funnel": 0.3, "trees": 0.3})
    same = [replace(part, log_bayes=part.log_funnel) for part in parts]
    stack, _ = fit_stack(same, [np.zeros(len(part)) for part in parts])
    np.testing.assert_allclose((stack.bayes, stack.funnel, stack.trees), 1 / 3, atol=1e-4)


def test_the_pull_is_weak_where_the_rows_tell() -> None:
    """Two members alike and one better: the penalty moves some weight to them, and costs little deviance."""
    parts, trees = simulated({"bayes": 0.6, "funnel": 0.6, "trees": 0.1})
    stack, _ = fit_stack(parts, trees)
    logs = [stack.log(part.log_bayes, part.log_funnel, own) for part, own in zip(parts, trees)]
    best = deviance(parts, [part.log_funnel + own for part, own in zip(parts, trees)])
    assert deviance(parts, logs) < best + PULL
    assert stack.trees > 2 / 3


def test_empirical_bayes_is_brought_to_the_funnels_total() -> None:
    """A level that is off by a factor changes neither the weights nor the predictions."""
    parts, trees = simulated({"bayes": 0.4, "funnel": 0.4, "trees": 0.4})
    stack, value = fit_stack(parts, trees)
    low = [replace(part, log_bayes=part.log_bayes - 3.0) for part in parts]
    other, other_value = fit_stack(low, trees)
    assert other.log_bayes_level == pytest.approx(stack.log_bayes_level + 3.0)
    np.testing.assert_allclose((other.bayes, other.funnel), (stack.bayes, stack.funnel), atol=1e-6)
    assert other_value == pytest.approx(value, abs=1e-9)
    weight = np.concatenate([part.deviance_weight for part in parts])
    funnel = np.concatenate([part.log_funnel for part in parts])
    bayes = np.concatenate([part.log_bayes for part in parts]) + stack.log_bayes_level
    assert weight @ np.exp(bayes) == pytest.approx(weight @ np.exp(funnel))


@pytest.mark.parametrize("what", ["no parts", "no weight", "no outcome"])
def test_without_rows_to_evaluate_the_funnel_is_alone(what) -> None:
    parts, trees = simulated({"bayes": 0.4, "funnel": 0.4, "trees": 0.4}, count=20)
    empty = {
        "no parts": [],
        "no weight": [replace(part, deviance_weight=np.zeros(len(part))) for part in parts],
        "no outcome": [replace(part, ratio=np.zeros(len(part))) for part in parts],
    }[what]
    assert fit_stack(empty, trees if empty else []) == (FUNNEL_ALONE, float("inf"))
    logs = [part.log_funnel for part in empty]
    assert np.isnan(deviance(empty, logs))
    assert gain_with_error(empty, logs, logs) == (0.0, float("inf"))


def test_the_funnel_alone_is_the_funnel_to_the_last_bit() -> None:
    log_funnel = np.random.default_rng(2).normal(-4, 1, 100)
    np.testing.assert_array_equal(FUNNEL_ALONE.log(log_funnel - 1.0, log_funnel, np.full(100, 0.3)), log_funnel)


def test_the_log_of_a_stack_is_the_weighted_sum_of_its_members() -> None:
    found = Stack(0.2, 0.3, 0.5, log_bayes_level=0.1).log(np.array([-3.0]), np.array([-2.0]), np.array([0.4]))
    assert found[0] == pytest.approx(0.2 * (-3.0 + 0.1) + 0.3 * -2.0 + 0.5 * (-2.0 + 0.4))


def test_the_deviance_is_poissons_over_the_outcome() -> None:
    data = rows_of([0.0, 2.0, 5.0], np.zeros(3), np.zeros(3), weight=np.array([1.0, 2.0, 3.0]))
    expected = np.array([0.5, 1.0, 6.0])
    loss = [0.5, 2 * (2 * np.log(2) - 1), 3 * (5 * np.log(5 / 6) + 1)]
    assert deviance([data], [np.log(expected)]) == pytest.approx(2 * sum(loss) / (2 * 2 + 3 * 5))
    split = [
        replace(data, **{name: getattr(data, name)[rows] for name in vars(data) if name != "head"})
        for rows in (slice(0, 1), slice(1, 3))
    ]
    pooled = deviance(split, [np.log(expected[:1]), np.log(expected[1:])])
    assert pooled == pytest.approx(deviance([data], [np.log(expected)]))


def gain_with_error(parts, old, new) -> tuple[float, float]:
    """Fall of the pooled deviance, and its standard error over creatives."""
    (before, amounts), (after, _) = row_losses(parts, old), row_losses(parts, new)
    return ratio_with_error(
        before - after, amounts, np.concatenate([np.zeros(0, np.uint64), *(p.creative for p in parts)])
    )


def with_creatives(count: int = 200, seed: int = 3) -> tuple[HeadRows, np.ndarray, np.ndarray]:
    """Creatives of one to nine rows, whose rows share what the new prediction gains: some per cent of the deviance."""
    draw = np.random.default_rng(seed)
    creative = np.repeat(np.arange(count, dtype=np.uint64), draw.integers(1, 10, count))
    own = draw.normal(0, 0.4, count)[creative.astype(int)]
    old = draw.normal(-1, 0.5, len(creative))
    weight = draw.uniform(5, 50, len(creative))
    ratio = draw.poisson(np.exp(old + own) * weight) / weight
    return rows_of(ratio, old, old, weight, creative), old, old + 0.05 * own + draw.normal(0, 0.02, len(creative))


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_error_of_a_gain_is_the_jackknifes_over_creatives(seed) -> None:
    """Leave each creative out in turn (Efron 1982)."""
    data, old, new = with_creatives(seed=seed)
    gain, error = gain_with_error([data], [old], [new])
    assert gain == pytest.approx(deviance([data], [old]) - deviance([data], [new]))
    left = []
    for name in np.unique(data.creative):
        kept = replace(data, deviance_weight=np.where(data.creative == name, 0.0, data.deviance_weight))
        left.append(deviance([kept], [old]) - deviance([kept], [new]))
    jackknife = np.sqrt((len(left) - 1) / len(left) * ((left - np.mean(left)) ** 2).sum())
    assert error == pytest.approx(jackknife, rel=0.05)


def test_rows_of_one_creative_are_not_independent() -> None:
    data, old, new = with_creatives()
    _, by_creative = gain_with_error([data], [old], [new])
    alone = replace(data, creative=np.arange(len(data), dtype=np.uint64))
    assert by_creative > 1.3 * gain_with_error([alone], [old], [new])[1]


def test_a_creative_in_two_folds_is_one() -> None:
    data, old, new = with_creatives()
    odd = np.arange(len(data)) % 2 == 1
    parts = [
        replace(data, **{name: getattr(data, name)[rows] for name in vars(data) if name != "head"})
        for rows in (odd, ~odd)
    ]
    split = gain_with_error(parts, [old[odd], old[~odd]], [new[odd], new[~odd]])
    assert split == pytest.approx(gain_with_error([data], [old], [new]))


def test_a_member_that_is_left_out_has_no_weight() -> None:
    parts, trees = simulated({"bayes": 0.05, "funnel": 0.6, "trees": 0.6})
    stack, _ = fit_stack(parts, trees, members=["funnel", "trees"])
    assert stack.bayes == 0.0
    assert stack.funnel + stack.trees == pytest.approx(1.0)


def test_empirical_bayes_is_a_member_only_where_the_head_is_one_stage() -> None:
    assert members_of(HEAD) == MEMBERS
    assert members_of(replace(HEAD, stages=("click", "order", "value"))) == ("funnel", "trees")

"""Trees of several heads in one model: the numbers of each head alone, to the last bit."""

import lightgbm as lgb
import numpy as np
import pytest

from training.boosting.joined_trees import JoinedTrees

ROUNDS = {"many": 9, "few": 2, "flat": 3}


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    draw = np.random.default_rng(1)
    matrix = draw.normal(size=(300, 4))
    matrix[:, 3] = draw.integers(0, 5, 300)
    matrix[::7, 1] = np.nan
    return matrix


@pytest.fixture(scope="module")
def boosters(matrix) -> dict[str, lgb.Booster]:
    """Of different numbers of trees; those of one have a single leaf."""
    labels = {"many": np.exp(matrix[:, 0]), "few": matrix[:, 3] + 1.0, "flat": np.ones(300)}
    found = {}
    for name, label in labels.items():
        parameters = {"objective": "tweedie", "num_leaves": 5, "verbosity": -1, "num_threads": 1, "seed": 1}
        data = lgb.Dataset(matrix, label=label, categorical_feature=[3], params={"verbosity": -1})
        found[name] = lgb.train(parameters, data, num_boost_round=ROUNDS[name])
    return found


@pytest.mark.parametrize("names", [("many", "few", "flat"), ("few", "many"), ("few",)])
@pytest.mark.parametrize("rows", [300, 1])
def test_joined_trees_score_and_explain_as_those_of_each_head(boosters, matrix, names, rows) -> None:
    joined = JoinedTrees.of({name: boosters[name] for name in names})
    scores, contributions = joined.scores(matrix[:rows]), joined.contributions(matrix[:rows])
    assert list(scores) == list(contributions) == list(names)
    for name in names:
        alone = boosters[name].predict(matrix[:rows], raw_score=True)
        np.testing.assert_array_equal(scores[name], alone)
        explained = boosters[name].predict(matrix[:rows], pred_contrib=True)
        np.testing.assert_array_equal(contributions[name], explained)


def test_without_heads_or_rows_there_are_no_scores(boosters, matrix) -> None:
    none = JoinedTrees.of({})
    assert none.scores(matrix) == none.contributions(matrix) == {}
    joined = JoinedTrees.of(boosters)
    assert joined.scores(matrix[:0]) == joined.contributions(matrix[:0]) == {}

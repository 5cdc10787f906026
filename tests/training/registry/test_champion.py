"""A new model replaces the champion only with a smaller deviance on the same rows."""

import pandas as pd
import pytest

from features.schema import Loaded
from training.boosting.model import Choice, fit_model
from training.boosting.stack import Stack
from training.data.dataset import fit_features, prepare, rows_of
from training.evaluation.holdout import evaluate_holdout
from training.evaluation.metrics import score
from training.labels.splits import holdout_split
from training.registry.champion import compare_with_champion


@pytest.fixture(scope="module")
def worse(train_rows, fitted, quick):
    """A model whose trees run wild."""
    wild = quick.trees.model_copy(
        update={"learning_rate": 1.0, "lambda_l2": 0.0, "min_data_in_leaf": 5, "num_leaves": 31}
    )
    alone = Stack(funnel=0.0, trees=1.0)
    return fit_model(*train_rows, fitted, {head: Choice(wild, 60, alone) for head in ("gmv", "cost")}, quick)


@pytest.fixture(scope="module")
def poorer(small_world, quick):
    """Dataset, holdout and model of the same world without some columns."""

    def make(*dropped: str):
        dataset = prepare(Loaded(small_world.metrics.drop(columns=list(dropped)), small_world.creatives), quick)
        train, holdout, starts = holdout_split(dataset.rows, 7)
        fitted = fit_features(dataset, train, starts)
        return dataset, holdout, fit_model(*rows_of(dataset, train, fitted), fitted, {}, quick)

    return make


def test_the_first_model_becomes_champion(dataset, cut, model) -> None:
    verdict = compare_with_champion(dataset, cut[1], model, None, None)
    assert verdict.promoted
    assert verdict.reason.en == "there was no champion"


def test_an_equal_model_is_not_promoted(dataset, cut, model, manifest) -> None:
    verdict = compare_with_champion(dataset, cut[1], model, model, manifest())
    assert not verdict.promoted
    assert f"on the same {cut[1].sum():,} rows" in verdict.reason.en


def test_only_a_smaller_deviance_is_promoted(dataset, cut, model, worse, manifest) -> None:
    deviance = {
        name: score(evaluate_holdout(dataset, cut[1], set(), of)[0]) for name, of in (("good", model), ("bad", worse))
    }
    assert deviance["good"] < deviance["bad"]
    won = compare_with_champion(dataset, cut[1], model, worse, manifest())
    lost = compare_with_champion(dataset, cut[1], worse, model, manifest())
    assert (won.promoted, lost.promoted) == (True, False)
    assert won.reason.en.startswith(f"deviance {deviance['good']:.4f} against the champion's {deviance['bad']:.4f}")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"basis": "payment"}, "the champion predicts payment over 7 days, this model net_1h over 7"),
        ({"outcome_days": 14}, "the champion predicts net_1h over 14 days"),
    ],
)
def test_two_bases_are_never_compared(dataset, cut, model, worse, manifest, other, expected) -> None:
    verdict = compare_with_champion(dataset, cut[1], model, worse, manifest(**other))
    assert not verdict.promoted
    assert expected in verdict.reason.en
    assert "name in the config" in verdict.reason.en


def test_training_rows_of_the_champion_are_not_compared(dataset, cut, model, worse, manifest) -> None:
    last = dataset.observed.loc[cut[1], "cutoff"].max()
    verdict = compare_with_champion(dataset, cut[1], model, worse, manifest(trained_until=last))
    assert f"on the same {(dataset.observed.loc[cut[1], 'cutoff'] == last).sum():,} rows" in verdict.reason.en
    later = compare_with_champion(dataset, cut[1], model, worse, manifest(trained_until=last + pd.Timedelta(days=1)))
    assert not later.promoted
    assert "trained on all holdout rows" in later.reason.en


@pytest.mark.parametrize("dropped", [["spend_cny", "boost_spend_cny"], ["net_gmv_cny"], ["orders"], ["clicks"]])
def test_data_that_gained_or_lost_a_column_are_compared_on_what_both_models_predict(
    dataset, cut, model, poorer, manifest, dropped
) -> None:
    less, less_holdout, bare = poorer(*dropped)
    for rows, holdout, new, old in ((dataset, cut[1], model, bare), (less, less_holdout, bare, model)):
        verdict = compare_with_champion(rows, holdout, new, old, manifest())
        assert verdict.reason.en.startswith("deviance ")
        assert "nan" not in verdict.reason.en


def test_models_without_a_rate_in_common_are_not_compared(dataset, cut, model, poorer, manifest) -> None:
    old = poorer("impressions")[2]
    verdict = compare_with_champion(dataset, cut[1], model, old, manifest())
    assert not verdict.promoted
    assert "no rate in common" in verdict.reason.en

"""What a run records of its heads."""

from pathlib import Path

import numpy as np
import pytest

from training.boosting.recipe import Recipe
from training.evaluation.files import HeadFacts, RunFacts
from training.run_record import head_figures, run_facts
from training.steps import calibration_of_run
from training.workspace import Workspace

FACTS = HeadFacts(
    name="gmv",
    zh="每次展现成交额",
    en="gmv per impression",
    rounds=120,
    tuned=True,
    weights={"bayes": 0.1, "funnel": 0.3, "trees": 0.6},
    funnel_deviance=0.5,
    deviance=0.45,
    tuning_gain=0.02,
    tuning_error=0.005,
    holdout={"funnel": 0.6, "hand": 0.55, "tuned": 0.56},
)


def test_gains_are_shares_of_what_they_are_measured_against() -> None:
    assert FACTS.head_gain == pytest.approx(0.1)
    assert FACTS.holdout_gain("funnel", "tuned") == pytest.approx(1 - 0.56 / 0.6)
    assert FACTS.holdout_gain("hand", "tuned") == pytest.approx(1 - 0.56 / 0.55)  # what tuning gained did not hold
    bare = FACTS.model_copy(update={"holdout": {}, "funnel_deviance": None})
    assert bare.head_gain is None
    assert bare.holdout_gain("hand", "tuned") is None


def test_everything_chosen_for_a_head_is_logged() -> None:
    found = head_figures([FACTS])
    expected = {
        "trees": 120.0,
        "tuned": 1.0,
        "weight/bayes": 0.1,
        "weight/funnel": 0.3,
        "weight/trees": 0.6,
        "cv_deviance": 0.45,
        "cv_deviance/funnel": 0.5,
        "cv_gain": 0.1,
        "tuning_gain": 0.02,
        "tuning_error": 0.005,
        "holdout_deviance/funnel": 0.6,
        "holdout_deviance/hand": 0.55,
        "holdout_deviance/tuned": 0.56,
    }
    assert found == pytest.approx({f"head/gmv/{name}": value for name, value in expected.items()})


def test_what_was_not_measured_is_not_logged() -> None:
    """MLflow takes no missing values."""
    gaps = {"tuning_gain": None, "tuning_error": None, "deviance": None, "holdout": {"funnel": np.nan}}
    found = head_figures([FACTS.model_copy(update=gaps)])
    assert set(found) == {f"head/gmv/{name}" for name in ("trees", "tuned", "weight/bayes", "weight/funnel",
                                                          "weight/trees", "cv_deviance/funnel")}  # fmt: skip
    assert head_figures([]) == {}


def test_facts_of_a_run_hold_every_head_with_its_gains_as_shares(dataset, cut, choices, tmp_path: Path) -> None:
    from dataclasses import replace

    hand = replace(choices["gmv"], deviance=0.4, funnel_deviance=0.5)
    taken = replace(hand, tuned=True, deviance=0.39, alternative=hand, gain=0.01, gain_error=0.002)
    recipe = Recipe({**choices, "gmv": taken})
    facts = run_facts(
        dataset, Workspace("w", tmp_path, ""), recipe, {"gmv": {"funnel": 0.6, "hand": 0.5, "tuned": 0.4}}, *cut[:2],
        holdout_since=cut[2], created_at="2026-05-01", left_out={}, baseline=False, small=False, brier={},
        calibration=calibration_of_run(dataset, *cut[:2]),
    )  # fmt: skip
    assert [head.name for head in facts.heads] == ["gmv", "cost", "keep", "volume"]
    gmv, cost, _, volume = facts.heads
    assert (gmv.tuning_gain, gmv.tuning_error) == pytest.approx((0.01 / 0.4, 0.002 / 0.4))
    assert gmv.head_gain == pytest.approx(1 - 0.39 / 0.5)
    assert gmv.weights == {"bayes": 0.2, "funnel": 0.3, "trees": 0.5}
    assert (cost.tuning_gain, cost.holdout, cost.head_gain) == (None, {}, None)
    assert volume.weights == {}
    assert RunFacts.model_validate_json(facts.model_dump_json()) == facts

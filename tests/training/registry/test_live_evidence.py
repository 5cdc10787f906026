"""What the champion really answered decides between it and a new model, where it can tell them apart."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema import KEY
from training.data.dataset import rows_of
from training.labels.outcomes import actual_targets
from training.registry.champion import compare_with_champion
from training.registry.live_evidence import LiveComparison, live_comparison
from training.registry.mlflow_client import Registered
from training.track_record.record import LIVE_ANSWERS
from training.track_record.resampling import Figure

CHAMPION = Registered("gpmcast-x", "4", "run", 0)


@pytest.fixture
def told(dataset, cut, model, tmp_path: Path):
    """Writes the champion's settled answers about the holdout: the model's own, times an error."""

    def write(error: float = 1.0, **more: object) -> Path:
        features, outcome = rows_of(dataset, cut[1], model.fitted)
        predicted = model.predict(features)
        actual = actual_targets(outcome, dataset.funnel)
        rates = dataset.funnel.rate_targets
        spend, volume = outcome["later:spend_cny"], outcome["later:impressions"]
        table = dataset.observed.loc[cut[1], [*KEY, "age_hours", "cutoff"]].reset_index(drop=True)
        table = table.assign(
            model="gpmcast-x",
            version="4",
            opens=table["cutoff"],
            share=1.0,
            later_volume=volume,
            **{f"predicted_{name}": predicted[name] * error for name in rates},
            **{f"actual_{name}": actual[name] for name in rates},
            **{f"exposure_{name}": spend if "roi" in name else volume for name in rates},
        )
        table.assign(**more).to_parquet(tmp_path / LIVE_ANSWERS)
        return tmp_path

    return write


def test_answers_that_were_wrong_lose_against_a_new_model(dataset, cut, model, told) -> None:
    found = live_comparison(told(error=3.0), dataset, model, cut[2], CHAMPION)
    assert found is not None
    assert found.new < found.old
    assert found.apart.high < 0


def test_the_same_forecasts_are_not_told_apart(dataset, cut, model, told) -> None:
    found = live_comparison(told(), dataset, model, cut[2], CHAMPION)
    assert found is not None
    assert found.new == pytest.approx(found.old, rel=1e-6)
    assert not found.decides


def test_only_answers_of_the_champion_after_training_count(dataset, cut, model, told) -> None:
    assert live_comparison(told(version="3"), dataset, model, cut[2], CHAMPION) is None
    assert live_comparison(told(opens=pd.Timestamp("2020-01-01")), dataset, model, cut[2], CHAMPION) is None


def test_without_a_scored_ledger_there_is_no_live_evidence(dataset, cut, model, tmp_path: Path) -> None:
    assert live_comparison(tmp_path, dataset, model, cut[2], CHAMPION) is None


@pytest.mark.parametrize(("low", "high", "promoted"), [(-0.2, -0.1, True), (0.1, 0.2, False)])
def test_live_evidence_decides_before_the_holdout(dataset, cut, model, manifest, low, high, promoted) -> None:
    live = LiveComparison(0.5, 0.6, Figure((low + high) / 2, low, high, 100, 40))
    verdict = compare_with_champion(dataset, cut[1], model, model, manifest(), live)
    assert verdict.promoted is promoted
    assert "own 100 answers about 40 creatives" in verdict.reason.en


@pytest.mark.parametrize("apart", [Figure(-0.1, -0.2, 0.1, 100, 40), Figure(-0.1, -0.2, -0.05, 100, 8)])
def test_live_evidence_that_tells_nothing_leaves_it_to_the_holdout(dataset, cut, model, manifest, apart) -> None:
    verdict = compare_with_champion(dataset, cut[1], model, model, manifest(), LiveComparison(0.5, 0.6, apart))
    assert not verdict.promoted
    assert "on the same" in verdict.reason.en


def test_two_bases_are_not_compared_by_live_answers_either(dataset, cut, model, manifest) -> None:
    live = LiveComparison(0.5, 0.6, Figure(-0.1, -0.2, -0.05, 100, 40))
    assert not compare_with_champion(dataset, cut[1], model, model, manifest(basis="payment"), live).promoted


def test_figures_are_finite(dataset, cut, model, told) -> None:
    found = live_comparison(told(error=1.5), dataset, model, cut[2], CHAMPION)
    assert found is not None
    assert np.isfinite([found.new, found.old, *found.apart[:3]]).all()

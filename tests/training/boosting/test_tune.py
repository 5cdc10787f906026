"""The study: what it tries first, what it keeps, and how it goes on after it was killed."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from configs.settings import Settings, Trees
from features.schema import Loaded
from training.boosting.model import Choice, fit_model
from training.boosting.optuna_study import open_study, refuse_unreachable
from training.boosting.tune import CLEAR_GAIN, best_rounds, by_hand, choices, gain_curve, make_folds, tune
from training.data.dataset import fit_features, prepare, rows_of
from training.engine import LocalEngine, no_progress
from training.errors import EngineError
from training.labels.splits import holdout_split
from training.steps import study_name

ROOT = Path(__file__).parents[3]
STAGES = ["hold", "engage", "click", "order", "value", "cost", "keep", "volume"]


@pytest.fixture(scope="module")
def made(dataset, cut):
    return make_folds(dataset, cut[0])


def asking(quick: Settings, trials: int, **trees: object) -> Settings:
    return quick.model_copy(
        update={
            "tune": quick.tune.model_copy(update={"trials": trials}),
            "trees": quick.trees.model_copy(update=trees),
        }
    )


def trials_in(journal: Path, name: str = "study") -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.load_study(study_name=name, storage=storage).trials


def hand(settings: Settings) -> dict:
    return settings.trees.model_dump(exclude={"rounds", "extra_trees"})


def test_folds_are_fitted_on_their_own_past_alone(made, dataset) -> None:
    assert len(made) == 2
    rates = [fold.fit.posteriors["click"].market_rate[0] for fold in made]
    assert rates[0] != rates[1]
    for fold in made:
        assert fold.fit.keys["cutoff"].max() < fold.validate.keys["cutoff"].min()
        assert [data.stage for data in fold.fit_data] == STAGES


def test_folds_that_have_been_used_go_from_one_worker_to_another(made, quick) -> None:
    curve = gain_curve(made[0], 0, quick.trees)
    assert pickle.dumps(made[0])
    there = copy.copy(made[0])  # which goes the same way
    assert made[0].sets
    assert not there.sets
    assert gain_curve(there, 0, quick.trees).tolist() == curve.tolist()


def test_a_stage_without_a_single_event_stays_at_its_offset(small_world, quick) -> None:
    """No one liked anything: LightGBM refuses labels that are all 0, and the run goes on without it."""
    none = prepare(Loaded(small_world.metrics.assign(likes=0.0), small_world.creatives), quick)
    train, _, until = holdout_split(none.rows, quick.split.holdout_days)
    found = by_hand(make_folds(none, train), quick)
    assert found["engage"].rounds == 0
    fitted = fit_features(none, train, until)
    model = fit_model(*rows_of(none, train, fitted), fitted, dict.fromkeys(STAGES, Choice(quick.trees, 3)))
    assert "engage" not in model.boosters
    assert "click" in model.boosters


def test_the_hand_setting_is_the_first_trial(made, quick, tmp_path) -> None:
    settings = asking(quick, 3)
    calls: list[tuple[int, float]] = []
    chosen = tune(made, settings, tmp_path / "journal", "study", lambda done, best: calls.append((done, best)))
    trials = trials_in(tmp_path / "journal")
    assert trials[0].params == hand(settings)
    assert trials[0].state == TrialState.COMPLETE
    assert len(trials) == 3
    assert [done for done, _ in calls] == [0, 1, 2, 3]
    assert set(chosen) == set(STAGES)
    assert all(0 <= choice.rounds <= settings.trees.rounds for choice in chosen.values())


def test_a_study_goes_on_where_it_was_left(made, quick, tmp_path) -> None:
    journal = tmp_path / "journal"
    tune(made, asking(quick, 2), journal, "study")
    before = [trial.params for trial in trials_in(journal)]
    tune(made, asking(quick, 4), journal, "study")
    assert [trial.params for trial in trials_in(journal)][:2] == before
    assert len(trials_in(journal)) == 4
    again = tune(made, asking(quick, 4), journal, "study")
    assert len(trials_in(journal)) == 4
    assert set(again) == set(STAGES)


@pytest.mark.parametrize("killed_in", [0, 2])
@pytest.mark.slow
def test_a_study_killed_in_the_middle_of_a_trial_ends_with_the_asked_number(made, quick, tmp_path, killed_in) -> None:
    """The process dies without a word, in the hand trial or after it; the hand setting is there in the end."""
    journal, settings = tmp_path / "journal", asking(quick, 4)
    code = f"""
        import os, pathlib, signal
        from training.boosting import tune
        from configs.settings import Settings

        class Fold:
            fit_data = [type("StageData", (), {{"stage": stage}})() for stage in {STAGES!r}]

        ended = 0
        def curve(fold, place, trees):
            if place == 3 and ended == {killed_in}:
                os.kill(os.getpid(), signal.SIGKILL)
            return [0.0, 0.001, 0.002]
        def count(done, best):
            global ended
            ended = done
        tune.gain_curve = curve
        settings = Settings.model_validate_json({settings.model_dump_json()!r})
        tune.tune([Fold()], settings, pathlib.Path({str(journal)!r}), "study", count)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    left = trials_in(journal)
    assert [trial.state for trial in left] == [TrialState.COMPLETE] * killed_in + [TrialState.RUNNING]

    chosen = tune(made, settings, journal, "study")
    done = [trial for trial in trials_in(journal) if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    assert len(done) == 4
    assert sum(trial.params == hand(settings) and trial.state == TrialState.COMPLETE for trial in done) == 1
    assert set(chosen) == set(STAGES)


def test_no_rounds_leave_every_stage_at_its_offset(made, quick, tmp_path) -> None:
    chosen = tune(made, asking(quick, 1, rounds=0), tmp_path / "journal", "study")
    assert {choice.rounds for choice in chosen.values()} == {0}
    assert {choice.gain for choice in chosen.values()} == {0.0}


def test_without_folds_no_stage_is_given_trees(quick, tmp_path) -> None:
    assert tune([], quick, tmp_path / "journal", "study") == {}
    assert by_hand([], quick) == {}


def test_a_hand_setting_outside_the_ranges_is_tried_all_the_same(made, quick, tmp_path) -> None:
    settings = asking(quick, 2, num_leaves=31, learning_rate=0.2, lambda_l2=0.0)
    tune(made, settings, tmp_path / "journal", "study")
    assert trials_in(tmp_path / "journal")[0].params == hand(settings)


def test_the_study_of_other_data_or_other_settings_has_another_name() -> None:
    names = {study_name(data, shaping) for data in ("a" * 64, "b" * 64) for shaping in ("{}", '{"basis":"payment"}')}
    assert len(names) == 4
    assert study_name("a" * 64, "{}") in names


def study_of(*gains: dict[str, float]) -> optuna.Study:
    """A finished study: the hand setting first, then others, with these gains by stage."""
    study = optuna.create_study(direction="maximize")
    for place, by_stage in enumerate(gains):
        params = Trees().model_dump(exclude={"rounds", "extra_trees"}) | ({"num_leaves": 3 + place} if place else {})
        spread = {
            name: optuna.distributions.CategoricalDistribution([value, "other"]) for name, value in params.items()
        }
        attrs = {"gains": by_stage, "rounds": dict.fromkeys(by_stage, 10 * (place + 1))}
        study.add_trial(
            optuna.trial.create_trial(
                params=params, distributions=spread, user_attrs=attrs, value=sum(by_stage.values())
            )
        )
    return study


@pytest.mark.parametrize(
    ("hand_gain", "tuned_gain", "tuned"),
    [(1.0, 1.2, True), (1.0, CLEAR_GAIN - 0.01, False), (1.0, 0.5, False), (0.0, 0.1, True), (0.0, 0.0, False)],
)
def test_a_tuned_setting_must_help_a_stage_clearly_more_than_the_hand_setting(hand_gain, tuned_gain, tuned) -> None:
    chosen = choices(study_of({"click": hand_gain}, {"click": tuned_gain}), ["click"], Trees())["click"]
    assert chosen.tuned == tuned
    assert chosen.rounds == (20 if tuned else 10)
    assert chosen.trees.num_leaves == (4 if tuned else Trees().num_leaves)


def test_each_stage_keeps_the_setting_that_helped_it() -> None:
    study = study_of({"click": 1.0, "order": 1.0}, {"click": 2.0, "order": 0.0}, {"click": 0.0, "order": 3.0})
    chosen = choices(study, ["click", "order"], Trees())
    assert chosen["click"].trees.num_leaves == 4
    assert chosen["order"].trees.num_leaves == 5


@pytest.mark.parametrize(
    ("curves", "rounds", "gain"),
    [
        ([[0, 1, 2, 1], [0, 2, 4, 1]], 2, 3.0),
        ([[0, 1, 2, 9], [0, 2, 4, -1]], 2, 3.0),  # three trees help one fold much and harm the other
        ([[0, 1, 1], [0, -1, -1]], 0, 0.0),
        ([[0], [0]], 0, 0.0),
    ],
)
def test_as_many_trees_as_did_best_of_those_that_helped_on_every_fold(curves, rounds, gain) -> None:
    assert best_rounds([np.array(curve, dtype=float) for curve in curves]) == (rounds, gain)


def test_the_curve_of_gains_starts_at_0_and_rounds_are_its_peak(made, quick) -> None:
    chosen = by_hand(made, quick)
    assert set(chosen) == set(STAGES)
    for choice in chosen.values():
        assert choice.gain >= 0.0
        assert (choice.gain > 0) == (choice.rounds > 0)
    assert any(choice.rounds for choice in chosen.values())
    assert np.isfinite([choice.gain for choice in chosen.values()]).all()


class Two(LocalEngine):
    """This process, as if it were two workers."""

    workers, trains = 2, True


def test_workers_share_a_study_and_the_hand_setting_is_in_it(made, quick, tmp_path) -> None:
    settings, calls = asking(quick, 3, rounds=5), []
    chosen = tune(made, settings, tmp_path / "journal", "study", lambda done, best: calls.append(done), Two())
    trials = trials_in(tmp_path / "journal")
    assert len(trials) == 3
    assert sum(trial.params == hand(settings) for trial in trials) == 1
    assert calls[-1] == 2  # an engine reports before each item
    assert set(chosen) == set(STAGES)
    again: list[int] = []
    assert tune(made, settings, tmp_path / "journal", "study", lambda done, best: again.append(done), Two()) == chosen
    assert again == [3]


def test_the_hand_setting_is_tried_again_where_it_was_lost_with_its_worker(made, quick, tmp_path) -> None:
    settings = asking(quick, 2, rounds=5)

    class Losing(Two):
        """The first trial that starts is lost; another takes its place."""

        lost = False

        def run(self, function, shared, items, on_progress=no_progress):
            if not self.lost:
                Losing.lost = True
                open_study(shared.storage, shared.name, 1).ask()
            return super().run(function, shared, items, on_progress)

    tune(made, settings, tmp_path / "journal", "study", engine=Losing())
    trials = trials_in(tmp_path / "journal")
    assert [trial.state for trial in trials].count(TrialState.RUNNING) == 1
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert any(trial.params == hand(settings) for trial in done)


@pytest.mark.parametrize(
    "address",
    ["nonsense", "postgres://me:s3cret@h/x", "postgresql://me:s3cret@h:port/x", "sqlite:////absent/s3cret/x.db"],
)
def test_an_unusable_database_of_studies_is_reported_first_and_without_its_address(monkeypatch, address) -> None:
    monkeypatch.setenv("GPMCAST_STUDY_URL", address)
    with pytest.raises(EngineError, match="no database of studies can be opened") as caught:
        refuse_unreachable()
    assert "s3cret" not in str(caught.value)


def test_a_database_of_studies_that_answers_is_accepted(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GPMCAST_STUDY_URL", f"sqlite:///{tmp_path}/studies.db")
    refuse_unreachable()
    monkeypatch.delenv("GPMCAST_STUDY_URL")
    refuse_unreachable()


def test_a_worker_that_does_not_find_the_study_raises(tmp_path) -> None:
    with pytest.raises(EngineError, match=r"does not see the study's file.*GPMCAST_STUDY_URL"):
        open_study(str(tmp_path / "journal"), "study", 1, create=False)

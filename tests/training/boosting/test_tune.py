"""The studies: what they try first, what they keep, and how they go on after they were killed."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from threadpoolctl import threadpool_limits

from configs.settings import Settings, Trees
from features.schema import Loaded
from training.boosting.cv_folds import make_folds
from training.boosting.model import Choice, fit_model
from training.boosting.optuna_study import open_study, refuse_unreachable
from training.boosting.stack import FUNNEL_ALONE, deviance
from training.boosting.subjects import ROUNDS, HeadSubject, Tried, best_stack, hand_setting, scores_by_rounds, subjects
from training.boosting.tune import FEW_CREATIVES, MANY_CREATIVES, Trials, by_hand, choose, ranges, tune
from training.data.dataset import fit_features, prepare, rows_of
from training.engine import LocalEngine, no_progress
from training.errors import EngineError
from training.labels.splits import holdout_split
from training.steps import study_name

ROOT = Path(__file__).parents[3]
HEADS = ["gmv", "cost", "keep"]
VOLUMES = ["typical_volume", "volume"]
EAGER = {"learning_rate": 0.1, "lambda_l2": 1.0}
CREATIVES = 100


@pytest.fixture(scope="module")
def made(dataset, cut):
    return make_folds(dataset, cut[0])


@pytest.fixture(scope="module")
def gmv(made):
    """The folds of one head."""
    return [fold.heads["gmv"] for fold in made]


def asking(quick: Settings, trials: int, **trees: object) -> Settings:
    return quick.model_copy(
        update={
            "tune": quick.tune.model_copy(update={"trials": trials}),
            "trees": quick.trees.model_copy(update=EAGER | trees),
            "volume_trees": quick.volume_trees.model_copy(update={"rounds": min(5, trees.get("rounds", 5))}),
        }
    )


def run(made, settings: Settings, journal: Path, *more, **named) -> dict[str, Choice]:
    return tune(made, settings, CREATIVES, "study", str(journal), *more, **named)


def trials_in(journal: Path, head: str = "gmv") -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.load_study(study_name=f"study-{head}", storage=storage).trials


def hand(settings: Settings, head: str = "gmv") -> dict:
    """The hand setting as parameters of a trial; the power of the volume's loss is not tuned."""
    if head in VOLUMES:
        return settings.volume_trees.model_dump(exclude={"rounds", "tweedie_power"})
    return settings.trees.model_dump(exclude={"rounds"})


def only(made):
    """The folds with one head of a ratio."""
    return [replace(fold, heads={"gmv": fold.heads["gmv"]}) for fold in made]


def try_setting(parts, trees: Trees, *on_fold) -> Tried:
    return HeadSubject(parts, trees).try_setting(trees, *on_fold)


def test_folds_are_fitted_on_their_own_past_alone(made) -> None:
    assert len(made) == 2
    rates = [fold.fit[0].posteriors["click"].market_rate[0] for fold in made]
    assert rates[0] != rates[1]
    for fold in made:
        assert list(fold.heads) == HEADS
        assert fold.fit[0].keys["cutoff"].max() < fold.validation[0].keys["cutoff"].min()
        for part in fold.heads.values():
            assert part.fit_features is fold.fit[0]
            assert part.validation_features is fold.validation[0]


def test_folds_that_have_been_used_go_from_one_worker_to_another(gmv, quick) -> None:
    scores = scores_by_rounds(gmv[0], quick.trees)
    assert pickle.dumps(gmv[0])
    there = copy.copy(gmv[0])  # which goes the same way
    assert gmv[0].sets
    assert not there.sets
    np.testing.assert_array_equal(scores_by_rounds(there, quick.trees), scores)


def test_trials_are_pickled_for_workers_and_do_not_show_the_address(gmv, quick) -> None:
    subject = HeadSubject(gmv, quick.trees)
    trials = Trials(subject, "postgresql://me:s3cret@host/x", "study-gmv", 7, ranges(CREATIVES))
    there = pickle.loads(pickle.dumps(trials))  # noqa: S301
    assert "s3cret" not in repr(trials)
    assert (there.name, there.limits, there.subject.hand) == (trials.name, trials.limits, quick.trees)
    study = optuna.create_study()
    study.enqueue_trial(there.point(quick.trees))
    study.optimize(there.objective, n_trials=1)
    assert study.best_value == try_setting(gmv, quick.trees).value


def test_a_head_without_any_outcome_stays_at_the_funnel(small_world, quick) -> None:
    """All money was refunded: LightGBM refuses labels that are all 0, and the run goes on without that head."""
    none = prepare(Loaded(small_world.metrics.assign(net_gmv_cny=0.0), small_world.creatives), quick)
    train, _, until = holdout_split(none.rows, quick.split.holdout_days)
    found = by_hand(make_folds(none, train), asking(quick, 1))
    assert set(found) == {"gmv", "cost", *VOLUMES}
    fitted = fit_features(none, train, until)
    chosen = {head: Choice(quick.trees, 3, replace(FUNNEL_ALONE, funnel=0.0, trees=1.0)) for head in HEADS}
    model = fit_model(*rows_of(none, train, fitted), fitted, chosen, quick)
    assert "keep" not in model.boosters
    assert "gmv" in model.boosters


def test_scores_are_of_the_first_trees_and_of_no_more_than_the_setting_has(gmv, quick) -> None:
    trees = asking(quick, 1, rounds=25).trees
    scores = scores_by_rounds(gmv[1], trees)
    assert len(scores) == 4  # 0, 10, 20 and 25 trees
    assert not scores[0].any()
    for place, rounds in ((1, 10), (2, 20)):
        shorter = scores_by_rounds(gmv[1], asking(quick, 1, rounds=rounds).trees)
        np.testing.assert_allclose(scores[place], shorter[-1], atol=1e-12)
    assert np.abs(scores[1]).max() > 0


@pytest.mark.parametrize("rounds", [0, 5, ROUNDS[1]])
def test_few_rounds_are_no_error(gmv, quick, rounds) -> None:
    tried = try_setting(gmv, asking(quick, 1, rounds=rounds).trees)
    assert tried.rounds in (0, rounds)
    assert np.isfinite(tried.value)


def test_a_setting_is_as_good_as_its_best_stack_over_the_numbers_of_trees(gmv, quick) -> None:
    """Zero trees are among them: no setting is worse than the stack without trees by more than the penalty."""
    rows = [part.validation for part in gmv]
    reported: list[tuple[int, float]] = []
    tried = try_setting(gmv, asking(quick, 1, rounds=40).trees, lambda *step: reported.append(step))
    assert [fold for fold, _ in reported] == [0, 1]
    assert reported[-1][1] == tried.value
    without = try_setting(gmv, asking(quick, 1, rounds=0).trees)
    assert tried.value <= without.value
    assert len(tried.losses) == len(tried.creative) == sum(len(one) for one in rows)
    found = tried.choice(quick.trees)
    assert found.deviance <= tried.value
    assert found.funnel_deviance == pytest.approx(deviance(rows, [one.log_funnel for one in rows]))
    scores = [scores_by_rounds(part, asking(quick, 1, rounds=40).trees) for part in gmv]
    rounds, stack, _, logs = best_stack(rows, scores, 40)
    assert (rounds, stack) == (tried.rounds, tried.stack)
    assert found.deviance == pytest.approx(deviance(rows, logs))


def test_the_loss_of_volume_is_pooled_over_the_folds(made, quick) -> None:
    found = subjects(made, asking(quick, 1))
    assert list(found) == [*HEADS, *VOLUMES]
    for name in VOLUMES:
        subject = found[name]
        tried = subject.try_setting(subject.hand)
        without = subject.try_setting(subject.hand.model_copy(update={"rounds": 0}))
        assert 0 <= tried.rounds <= 5
        assert without.rounds == 0
        np.testing.assert_allclose(without.losses, tried.offset_losses)
        assert tried.losses.sum() <= without.losses.sum() * (1 + 1e-12)
        assert (tried.losses >= -1e-9).all()
        assert tried.choice(subject.hand).stack == FUNNEL_ALONE


def test_the_hand_setting_is_the_first_trial_of_every_head(made, quick, tmp_path) -> None:
    settings = asking(quick, 3)
    calls: list[tuple[str, int, float]] = []
    chosen = run(made, settings, tmp_path / "journal", lambda *step: calls.append(step))
    for head in (*HEADS, *VOLUMES):
        trials = trials_in(tmp_path / "journal", head)
        assert trials[0].params == hand(settings, head)
        assert trials[0].state == TrialState.COMPLETE
        assert len(trials) == 3
        assert [done for name, done, _ in calls if name == head] == [0, 1, 2, 3]
    assert list(chosen) == [*HEADS, *VOLUMES]
    assert all(0 <= choice.rounds <= settings.trees.rounds for choice in chosen.values())


def test_progress_is_the_best_value_over_the_hand_settings(made, quick, tmp_path) -> None:
    calls: list[tuple[str, int, float]] = []
    run(only(made), asking(quick, 4), tmp_path / "journal", lambda *step: calls.append(step))
    values = [trial.value for trial in trials_in(tmp_path / "journal") if trial.state == TrialState.COMPLETE]
    ratios = [best for head, _, best in calls if head == "gmv"]
    assert ratios[:2] == [1.0, 1.0]  # before a trial has run, and after the hand setting
    assert ratios[-1] == pytest.approx(min(values) / values[0])
    assert ratios == sorted(ratios, reverse=True)


def test_a_study_goes_on_where_it_was_left(made, quick, tmp_path) -> None:
    journal = tmp_path / "journal"
    run(only(made), asking(quick, 2), journal)
    before = [trial.params for trial in trials_in(journal)]
    chosen = run(only(made), asking(quick, 4), journal)
    assert [trial.params for trial in trials_in(journal)][:2] == before
    assert len(trials_in(journal)) == 4
    again = run(only(made), asking(quick, 4), journal)
    assert len(trials_in(journal)) == 4
    assert again == chosen


@pytest.mark.parametrize("killed_in", [0, 2])
@pytest.mark.slow
def test_a_study_killed_in_the_middle_of_a_trial_ends_with_the_asked_number(made, quick, tmp_path, killed_in) -> None:
    """The process dies without a word, in the hand trial or after it; the hand setting is there in the end."""
    journal, settings = tmp_path / "journal", asking(quick, 4)
    code = f"""
        import os, signal
        from types import SimpleNamespace
        from training.boosting import tune
        from training.boosting.subjects import HeadSubject
        from configs.settings import Settings

        ended = 0
        class Subject(HeadSubject):
            def try_setting(self, trees, on_fold):
                if ended == {killed_in}:
                    os.kill(os.getpid(), signal.SIGKILL)
                on_fold(0, 0.5)
                return SimpleNamespace(value=0.5)
        def count(head, done, best):
            global ended
            ended = done
        settings = Settings.model_validate_json({settings.model_dump_json()!r})
        tune.subjects = lambda folds, settings: {{"gmv": Subject([], settings.trees)}}
        tune.tune([], settings, {CREATIVES}, "study", {str(journal)!r}, count)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    left = trials_in(journal)
    assert [trial.state for trial in left] == [TrialState.COMPLETE] * killed_in + [TrialState.RUNNING]

    chosen = run(only(made), settings, journal)
    done = [trial for trial in trials_in(journal) if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    assert len(done) == 4
    assert sum(trial.params == hand(settings) and trial.state == TrialState.COMPLETE for trial in done) == 1
    assert list(chosen) == ["gmv", *VOLUMES]


def test_no_rounds_leave_every_head_without_trees(made, quick, tmp_path) -> None:
    chosen = run(made, asking(quick, 1, rounds=0), tmp_path / "journal")
    assert {choice.rounds for choice in chosen.values()} == {0}
    assert not any(choice.tuned for choice in chosen.values())


def test_without_folds_nothing_is_chosen(quick, tmp_path) -> None:
    assert run([], quick, tmp_path / "journal") == {}
    assert by_hand([], quick) == {}


def test_the_study_of_other_data_or_other_settings_has_another_name() -> None:
    settings = (Settings(), Settings(basis="payment"))
    names = {study_name(data, one) for data in ("a" * 64, "b" * 64) for one in settings}
    assert len(names) == 4
    same = Settings.model_validate({"plan": {"hits": 2}, "verdict": {"roi_target": 2.0}, "var": "elsewhere"})
    assert study_name("a" * 64, same) == study_name("a" * 64, settings[0])


def test_by_hand_is_the_hand_setting_with_its_best_stack(made, gmv, quick) -> None:
    settings = asking(quick, 1, rounds=40)
    chosen = by_hand(made, settings)
    assert list(chosen) == [*HEADS, *VOLUMES]
    with threadpool_limits(1):  # as `by_hand` does: more threads add in another order
        expected = try_setting(gmv, settings.trees).choice(settings.trees)
    assert chosen["gmv"] == expected
    assert chosen["gmv"].hand is chosen["gmv"]
    assert chosen["gmv"].found is None


FOUND, HAND = Trees(num_leaves=5), Trees()


class Simulated:
    """A subject of 100 creatives with ten rows each; under the found setting some of them lose a tenth less."""

    hand, tuned = HAND, ("num_leaves",)

    def __init__(self, improved: int) -> None:
        self.improved = improved

    def try_setting(self, trees: Trees, on_fold=None) -> Tried:
        creative = np.repeat(np.arange(100, dtype=np.uint64), 10)
        better = (trees == FOUND) & (creative < self.improved)
        ones = np.ones(len(creative))
        return Tried(20 if trees == FOUND else 10, 0.5, np.where(better, 0.9, 1.0), ones, ones, creative)


def test_a_setting_that_gains_more_than_one_standard_error_is_taken() -> None:
    chosen = choose(Simulated(improved=60), FOUND)
    assert chosen.gain == pytest.approx(0.06)
    assert chosen.gain > chosen.gain_error > 0
    assert (chosen.trees, chosen.rounds, chosen.tuned) == (FOUND, 20, True)
    assert chosen.gain == pytest.approx(chosen.hand.deviance - chosen.deviance)
    assert (chosen.hand.trees, chosen.hand.rounds, chosen.hand.tuned) == (HAND, 10, False)
    assert chosen.found is chosen


def test_a_setting_that_gains_on_one_creative_alone_is_not_taken() -> None:
    """Its ten rows are one observation: the standard error is as large as the gain."""
    chosen = choose(Simulated(improved=1), FOUND)
    assert chosen.gain == pytest.approx(0.001)
    assert chosen.gain_error == pytest.approx(0.001, rel=0.02)
    assert choose(Simulated(improved=0), FOUND).tuned is False  # no gain at all
    one = Simulated(improved=1)
    one.try_setting = with_one_that_loses(one)
    chosen = choose(one, FOUND)
    assert 0 < chosen.gain <= chosen.gain_error
    assert (chosen.trees, chosen.rounds, chosen.tuned) == (HAND, 10, False)
    assert (chosen.found.trees, chosen.found.rounds, chosen.found.tuned) == (FOUND, 20, True)
    assert chosen.hand is chosen


def with_one_that_loses(subject: Simulated):
    """The same, but another creative loses half of what the first gains."""
    of_subject = subject.try_setting

    def try_setting(trees: Trees, on_fold=None) -> Tried:
        tried = of_subject(trees)
        worse = (trees == FOUND) & (tried.creative == 99)
        return replace(tried, losses=tried.losses + np.where(worse, 0.05, 0.0))

    return try_setting


def test_where_the_study_found_nothing_better_there_is_no_alternative() -> None:
    chosen = choose(Simulated(improved=60), HAND)
    assert (chosen.alternative, chosen.gain, chosen.gain_error, chosen.found) == (None, None, None, None)


def test_ranges_widen_with_the_number_of_creatives() -> None:
    sizes = [1, FEW_CREATIVES, 1_000, 5_000, MANY_CREATIVES, 10**7]
    for name in ranges(1):
        limits = [ranges(size)[name] for size in sizes]
        assert limits[0] == limits[1]
        assert limits[-2] == limits[-1]
        for narrow, wide in pairwise(limits):
            assert wide[0] <= narrow[0] < narrow[1] <= wide[1]
    few, many = ranges(FEW_CREATIVES), ranges(MANY_CREATIVES)
    assert few["num_leaves"][:2] == (3, 8)
    assert many["num_leaves"][:2] == (3, 127)
    assert few["lambda_l2"][0] == pytest.approx(20.0)
    assert many["lambda_l2"][0] == pytest.approx(1.0)


@pytest.mark.parametrize("creatives", [1, 1_000, 10**6])
@pytest.mark.parametrize(
    "trees",
    [
        Trees(),
        Trees(num_leaves=255, learning_rate=0.9, lambda_l2=0.0, cat_smooth=0.0),
        Trees(min_data_in_leaf=1, feature_fraction=0.05, tweedie_power=1.95, num_leaves=2, extra_trees=False),
    ],
    ids=["default", "strong", "small"],
)
def test_ranges_always_contain_the_hand_setting(creatives, trees) -> None:
    """A value outside would be replaced or warned of, and the first trial be another setting."""
    trials = Trials(HeadSubject([], trees), "", "study", 7, ranges(creatives))
    study = optuna.create_study()
    study.enqueue_trial(trials.point(trees))
    for _ in range(5):
        trial = study.ask()
        suggested = trials._suggest(trial)
        study.tell(trial, 1.0)
        if trial.number == 0:
            assert suggested == trees
            assert trial.params == trials.point(trees)
        assert suggested.rounds == trees.rounds


def test_a_hand_setting_outside_the_ranges_is_tried_all_the_same(made, quick, tmp_path) -> None:
    settings = asking(quick, 2, num_leaves=31, learning_rate=0.2, lambda_l2=0.0)
    run(only(made), settings, tmp_path / "journal")
    assert trials_in(tmp_path / "journal")[0].params == hand(settings)


class Two(LocalEngine):
    """This process, as if it were two workers."""

    workers, trains = 2, True


def test_workers_share_a_study_and_the_hand_setting_is_in_it(made, quick, tmp_path) -> None:
    settings, calls = asking(quick, 3, rounds=5), []
    chosen = run(only(made), settings, tmp_path / "journal", lambda head, done, best: calls.append(done), Two())
    trials = trials_in(tmp_path / "journal")
    assert len(trials) == 3
    assert sum(trial.params == hand(settings) for trial in trials) == 1
    assert calls == [0, 0, 1, 2] * 3  # at the start of a study, and before each item
    assert list(chosen) == ["gmv", *VOLUMES]
    again: list[int] = []
    same = run(only(made), settings, tmp_path / "journal", lambda head, done, best: again.append(done), Two())
    assert same == chosen
    assert again == [3, 3, 3]


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

    run(only(made), settings, tmp_path / "journal", engine=Losing())
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


def test_the_hand_setting_is_that_of_the_settings_until_there_are_many_creatives() -> None:
    trees = Trees()
    assert hand_setting(trees, 10) == hand_setting(trees, 5_000) == trees
    some, many = hand_setting(trees, 10_000), hand_setting(trees, 1_000_000)
    assert trees.num_leaves < some.num_leaves < many.num_leaves == 32
    assert trees.learning_rate < some.learning_rate < many.learning_rate == pytest.approx(0.06)
    assert trees.lambda_l2 > some.lambda_l2 > many.lambda_l2 == pytest.approx(10.0)
    assert hand_setting(many, 1_000_000).num_leaves <= 255

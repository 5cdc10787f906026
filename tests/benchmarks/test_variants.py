"""Is a variant what it says, does it leave nothing behind, and when is it better than the default?"""

import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import features
import training
from benchmarks.challengers import by_target, halfway, rate_targets
from benchmarks.changes import Change
from benchmarks.variant_list import Variant, variants
from benchmarks.variants import better, default_on, predicted, run, table
from configs.settings import Settings
from features.schema import Loaded
from training.boosting.out_of_fold import out_of_fold

ALL = variants()


@pytest.fixture(scope="module")
def quick() -> Settings:
    return Settings.model_validate(
        {
            "open_days": 1,
            "trees": {"rounds": 12, "min_data_in_leaf": 20},
            "volume_trees": {"rounds": 12, "min_data_in_leaf": 20},
            "split": {"holdout_days": 7, "folds": 2},
            "mixed": {"every_days": 20},
            "evaluate": {"min_impressions": 1},
            "interval": {"min_rows": 50},
            "tags": {"min_creatives": 2},
            "text": {"components": 0},
        }
    )


@pytest.fixture(scope="module")
def ground(small_world: Loaded, quick: Settings):
    return default_on(small_world, quick)


def test_a_variant_changes_something_and_puts_it_back() -> None:
    for variant in ALL.values():
        before = [getattr(module, name) for module, name, _ in variant.constants]
        with variant.in_place():
            for (module, name, value), old in zip(variant.constants, before):
                assert getattr(module, name) is value
                assert value is not old
        assert [getattr(module, name) for module, name, _ in variant.constants] == before
        changed = variant.set_in(Settings())
        assert Settings.model_validate(changed.model_dump()) == changed
        assert (changed != Settings()) == bool(variant.settings)
        assert sum(map(bool, (variant.constants, variant.settings, variant.kind, variant.challenge))) == 1


@pytest.mark.parametrize("package", [features, training])
def test_no_module_keeps_a_copy_of_what_a_variant_changes(package) -> None:
    loaded = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
        if found.name != "__main__"
    ]
    for variant in ALL.values():
        homes = {module for module, _, _ in variant.constants}
        for module, name, _ in variant.constants:
            if module.__name__.startswith(package.__name__):
                holders = {other for other in loaded if getattr(other, name, None) is getattr(module, name)}
                assert holders - homes <= {known for known in loaded if name in ("unknown_price", "weigh")}


def test_nothing_changed_changes_nothing(ground) -> None:
    same = predicted(Variant("same", "nothing is otherwise"), ground)
    for own, default in zip(same, ground.parts):
        targets = rate_targets(ground.dataset.plan)
        np.testing.assert_array_equal(own.predicted[targets], default.predicted[targets])


def test_a_model_per_target_without_trees_is_the_start_product(ground) -> None:
    none = ground.dataset.settings.trees.model_copy(update={"rounds": 0})
    start = out_of_fold(ground.dataset, ground.rows, ground.recipe, trees=False)
    for own, alone in zip(by_target(ground, none), start):
        for target in rate_targets(ground.dataset.plan):
            np.testing.assert_allclose(own.predicted[target], alone.predicted[target], rtol=1e-12)


def test_the_geometric_mean_lies_halfway_on_the_log_scale(ground) -> None:
    trees = ground.dataset.settings.trees
    for middle, theirs, ours in zip(halfway(ground, trees), by_target(ground, trees), ground.parts):
        square = theirs.predicted["net_roi"] * ours.predicted["net_roi"]
        np.testing.assert_allclose(middle.predicted["net_roi"] ** 2, square, rtol=1e-12)


def test_every_kind_of_variant_is_told_of_in_the_table(small_world: Loaded, quick: Settings) -> None:
    names = ["trees alone", "empirical Bayes", "flat slopes", "each stage for itself", "no trees", "volume: power 1.7"]
    chosen = [ALL[name] for name in names]
    found = run(small_world, quick, chosen)
    assert list(found) == names
    assert all(np.isfinite(change.deviances).all() and len(change.deviances) == 2 for change in found.values())
    assert all(any(found[name].deviances) for name in names if name != "no trees")
    sheet = table({"sample": found, "own": found}, chosen)
    assert [row[0].split(": ")[0] for row in sheet.rows][:5] == names[:5]
    assert {row[-1] for row in sheet.rows} <= {"yes", "no"}


def test_better_is_what_wins_on_every_fold_of_two_sets() -> None:
    most, won, lost = (Change(deviances, 0.0, 0.0) for deviances in ((-0.1, -0.1, 0.05), (-0.1,) * 3, (0.1,) * 3))
    assert better([won, won, lost])
    assert not better([most, won, most])
    assert not better([won])
    assert not better([Change((-0.0001,) * 3, 0.0, 0.0)] * 2)  # would be printed as 0.0 %
    assert not Change((), 0.0, 0.0).wins
    assert str(Change((-0.0001, 0.0), np.nan, 0.0001)) == "0"
    assert str(Change((-0.012, 0.0), np.nan, 0.0001)) == "-1.2 +0.0 (1/2); –, +0.000"


def test_the_page_of_the_model_tells_of_every_variant_and_of_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "model.md").read_text("utf-8")
    told = [line.removeprefix("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    told = told[[row[0] for row in told].index("tried") + 2 :][: len(ALL)]
    assert [row[0] for row in told] == [f"{variant.name}: {variant.sentence}" for variant in ALL.values()]
    assert {row[-1].removesuffix(" |") for row in told} <= {"yes", "no"}

"""What levers cannot tell is recommended nowhere: on the small world, on one account alone, and with random tags."""

from dataclasses import replace

import numpy as np
import pytest

from configs.settings import Settings
from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel, load_model
from serving.report.blocks import kocs
from serving.report.context import CreativeFilter
from serving.report.data import ReportData, report_data
from serving.report.levers.parts import graded
from serving.report.levers.section import lever_grades
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import prepare
from training.labels.splits import holdout_split


@pytest.fixture(scope="module")
def one_account(loaded: LoadedModel, small_world: Loaded) -> ReportData:
    creatives, metrics = small_world.creatives, small_world.metrics
    alone = replace(
        small_world,
        creatives=creatives[creatives["account_id"] == "acc0"].reset_index(drop=True),
        metrics=metrics[metrics["account_id"] == "acc0"].reset_index(drop=True),
    )
    return report_data(loaded, alone, CreativeFilter())


@pytest.fixture(scope="module")
def random_tags(small_world: Loaded, quick: Settings, write_bundle, tmp_path_factory) -> ReportData:
    draw = np.random.default_rng(5)
    creatives = small_world.creatives
    shuffled = {
        name: creatives[name].to_numpy()[draw.permutation(len(creatives))]
        for name in creatives
        if name.startswith("tag_") or name == "creator_id"
    }
    world = replace(small_world, creatives=creatives.assign(**shuffled).astype(creatives.dtypes.to_dict()))
    dataset = prepare(world, quick)
    train, _, starts = holdout_split(dataset.rows, quick.split.holdout_days)
    trainings, moments = plan_refits(dataset, [(train, starts)])
    model = fit_on(with_refits(dataset, moments), *trainings[0], Recipe())
    bundle = write_bundle(tmp_path_factory.mktemp("random") / "bundle", model, world, quick)
    return report_data(load_model(bundle), world, CreativeFilter())


@pytest.fixture(params=["data", "one_account", "random_tags"])
def report(request: pytest.FixtureRequest) -> ReportData:
    return request.getfixturevalue(request.param)


def test_briefs_change_nothing_to_what_levers_cannot_tell(report: ReportData) -> None:
    for brief in report.briefs:
        grades = lever_grades(report.levers, brief.promotion_type, brief.by, brief.of)
        for change in brief.changes:
            assert grades[change.tag, change.new].grade != "unclear"
            assert grades[change.tag, change.new].log > 0


def test_answers_and_titles_name_only_values_that_can_be_told(report: ReportData) -> None:
    found = report.levers
    for one in found.slices:
        cells = {cell.lever: cell for cell in one.cells}
        main = found.targets[found.main]
        for question, answer in zip(found.questions, one.answers):
            for lever, signs in (
                (answer.first, dict.fromkeys(question.stages, 1.0)), (answer.best, main), (answer.worst, main),
            ):  # fmt: skip
                assert lever is None or graded(found, cells[lever], signs) != "unclear"
        finding = one.finding
        assert (finding.kind == "none") == (finding.lever is None)
        if finding.lever is not None:
            assert graded(found, cells[finding.lever], main) != "unclear"
            for stage in filter(None, (finding.up, finding.down)):
                assert graded(found, cells[finding.lever], {stage: 1.0}) != "unclear"


def test_kocs_and_the_map_of_what_was_shot_are_graded_as_levers_grade_them(report: ReportData) -> None:
    for one in report.kocs.types:
        grades = lever_grades(report.levers, one.promotion_type)
        for effect in one.kocs:
            given = grades["creator_id", report.kocs.kocs[effect.of].id]
            assert (effect.grade, effect.grade == "unclear" or effect.log) == (
                given.grade, given.grade == "unclear" or pytest.approx(given.log, abs=1e-3),
            )  # fmt: skip
    for kind, tags in report.diversity.values.items():
        grades = lever_grades(report.levers, kind)
        for tag, values in tags.items():
            for value in values:
                given = grades.get((tag, value.value))
                assert value.grade == (given.grade if given else "unclear")


def test_kocs_and_prices_that_are_named_can_be_told(report: ReportData) -> None:
    for one, shown in zip(report.kocs.types, kocs.values(report)["types"]):
        for effects, finding in zip(filter(None, (one.kocs, one.bands)), shown["findings"]):
            best = max((effect.log for effect in effects if kocs.told_better(effect)), default=None)
            assert ("分不出" if best is None else f"×{np.exp(best):.2f}") in finding.zh


def test_one_account_alone_has_nothing_to_pool(one_account: ReportData) -> None:
    (kind,) = {one.promotion_type for one in one_account.levers.slices}
    alone = lever_grades(one_account.levers, kind, "account_id", "acc0")
    whole = lever_grades(one_account.levers, kind)
    assert {lever: (given.grade, given.log) for lever, given in alone.items()} == {
        lever: (given.grade, given.log) for lever, given in whole.items()
    }


def test_of_random_tags_few_are_called_certain(random_tags: ReportData) -> None:
    found = random_tags.levers
    grades = [
        given.grade
        for kind in found.baselines
        for (tag, _), given in lever_grades(found, kind).items()
        if tag in ("hook", "scene", "selling_point", "creator_id")
    ]
    assert len(grades) > 15
    assert grades.count("certain") <= 0.1 * len(grades)

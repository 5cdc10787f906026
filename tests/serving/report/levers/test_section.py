"""Levers: what is told of each value, in which slice, and that sections can ask for it."""

from dataclasses import replace

import numpy as np
import pytest

from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.levers.parts import Levers, effect_on, graded
from serving.report.levers.section import lever_grades, levers
from serving.report.levers.slice_effects import LEAST_CREATIVES


@pytest.fixture(scope="module")
def found(context: ReportContext) -> Levers:
    return levers(context)


def test_the_effect_on_roi_is_the_product_of_the_stages(found: Levers) -> None:
    cell = next(cell for cell in found.slices[0].cells if cell.logs)
    logs = dict(zip(found.stages, cell.logs))
    log, sd = effect_on(found, cell, found.targets["net_roi"])
    assert log == pytest.approx(logs["click"] + logs["order"] + logs["value"] + logs["keep"] - logs["cost"])
    assert sd >= max(np.array(cell.sds)[2:])
    assert found.main == "net_roi"


def test_with_few_creatives_of_a_value_nothing_is_said_and_none_is_certain(found: Levers) -> None:
    signs = found.targets[found.main]
    for one in found.slices:
        for cell in one.cells:
            assert bool(cell.logs) == (cell.creatives >= LEAST_CREATIVES)
            if cell.creatives < found.min_creatives:
                assert graded(found, cell, signs) != "certain"


def test_every_slice_names_its_creatives_and_answers_every_question(found: Levers, context: ReportContext) -> None:
    assert [question.tag for question in found.questions][:3] == ["hook", "selling_point", "style"]
    observed = context.observed
    for one in found.slices:
        mine = (observed["promotion_type"] == one.promotion_type).to_numpy()
        if one.by:
            mine = mine & (observed[one.by] == one.of).to_numpy()
        assert one.creatives == mine.sum()
        assert len(one.answers) == len(found.questions)
        assert one.by not in {found.levers[cell.lever].tag for cell in one.cells}


def test_what_nobody_recorded_is_named(found: Levers) -> None:
    questions = {question.tag: question for question in found.questions}
    assert questions["audience"].missing == ["audience", "repeat_orders"]
    assert questions["hook"].missing == []
    assert questions["style"].missing == ["style"]


def test_a_slice_that_cannot_tell_gets_the_grade_of_all_creatives_and_says_so(found: Levers) -> None:
    whole = lever_grades(found, "live")
    assert not any(given.pooled for given in whole.values())
    part = lever_grades(found, "live", "product_id", "p1")
    assert set(part) == set(whole)
    for lever, given in part.items():
        assert given.pooled or given.grade != "unclear"
        assert not given.pooled or given.model_copy(update={"pooled": False}) == whole[lever]
    assert lever_grades(found, "brand") == {}


def test_answers_are_told_values_with_the_largest_effects(found: Levers) -> None:
    place = [question.tag for question in found.questions].index("hook")
    for one in found.slices:
        grades = {cell.lever: graded(found, cell, found.targets[found.main]) for cell in one.cells}
        for lever in (one.answers[place].best, one.answers[place].worst):
            assert lever is None or (found.levers[lever].tag == "hook" and grades[lever] != "unclear")


def test_kocs_are_called_by_their_names(loaded: LoadedModel, small_world: Loaded) -> None:
    names = small_world.creatives["creator_id"].map({"k0": "阿乐", "k1": "大鹏", "k2": "大鹏"}).astype("str")
    named = replace(small_world, creatives=small_world.creatives.assign(creator_name=names))
    found = levers(build_context(loaded, named, CreativeFilter()))
    kocs = {lever.value: lever.name for lever in found.levers if lever.tag == "creator_id"}
    assert (kocs["k0"], kocs["k1"], kocs["k2"], kocs["k3"]) == ("阿乐", "大鹏 k1", "大鹏 k2", "k3")

"""What to shoot next: nothing that levers cannot tell, and every number is the service's own."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from features.schema import Loaded
from serving.api.requests import Creative
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import predictions
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.data import ReportData
from serving.report.levers.parts import LeverSlice
from serving.report.levers.section import lever_grades, levers
from serving.report.what_to_shoot import typical_creative, what_to_shoot

Z = float(norm.ppf(0.9))


def test_a_brief_changes_tags_only_to_values_that_levers_call_better(data: ReportData) -> None:
    assert data.briefs
    for brief in data.briefs:
        grades = lever_grades(data.levers, brief.promotion_type, brief.by, brief.of)
        assert brief.changes
        for change in brief.changes:
            graded = grades[change.tag, change.new]
            assert graded.grade == change.grade != "unclear"
            assert graded.log > 0
            assert brief.tags[change.tag] == change.new != change.old
        told = [grades[tag, value] for tag, value in brief.tags.items() if (tag, value) in grades]
        assert all(one.grade == "unclear" or one.log >= 0 for one in told)
        assert brief.creatives == min(grades[one.tag, one.new].creatives for one in brief.changes)
        assert brief.gain == pytest.approx(brief.value / brief.before)
        assert brief.gain_low <= brief.gain <= brief.gain_high


@pytest.mark.parametrize("by", ["account_id", "product_id", "creator_id"])
def test_a_brief_is_a_request_to_the_service(
    loaded: LoadedModel, context: ReportContext, data: ReportData, by: str
) -> None:
    """Of a product or KOC too: a slice of its own, to which all creatives of its promotion type say what is better."""
    first = data.briefs[0]
    of_type = context.observed[context.observed["promotion_type"] == first.promotion_type]
    whole = next(one for one in data.levers.slices if not one.by and one.promotion_type == first.promotion_type)
    own = LeverSlice(
        promotion_type=first.promotion_type, by=by, of=str(of_type[by].mode().iat[0]), creatives=30, cells=[],
        answers=[], finding=whole.finding,
    )  # fmt: skip
    brief = what_to_shoot(context, data.levers.model_copy(update={"slices": [whole, own]}), Z)[0]
    assert (brief.by, brief.of) == (by, own.of)
    assert all(change.pooled for change in brief.changes)
    here = (context.observed[by] == brief.of) & (context.observed["promotion_type"] == brief.promotion_type)
    typical = typical_creative(context, np.flatnonzero(here.to_numpy()))
    assert typical[by] == brief.of
    assert typical["account_id"] == brief.account_id == context.observed.loc[here, "account_id"].mode().iat[0]
    tags = {context.all_tags[tag].removeprefix("tag_"): value for tag, value in brief.tags.items()}
    asked = [typical, {**typical, "creative_id": "new", "tags": {**typical["tags"], **tags}}]
    requested = [Creative.model_validate(one) for one in asked]
    before, after = predictions(loaded, requested, now=loaded.as_of.moment).answers
    assert before["targets"][brief.target]["value"] == pytest.approx(brief.before)
    assert after["targets"][brief.target]["value"] == pytest.approx(brief.value)
    assert after["test_cny"] == pytest.approx(brief.test_cny)


def test_where_no_value_can_be_told_nothing_is_recommended(context: ReportContext) -> None:
    found = levers(context)
    blurred = [
        one.model_copy(
            update={
                "cells": [
                    cell.model_copy(update={"sds": [1.0 for _ in cell.sds], "logs": [0.1 for _ in cell.logs]})
                    for cell in one.cells
                ]
            }
        )
        for one in found.slices
    ]
    assert what_to_shoot(context, found.model_copy(update={"slices": blurred}), Z) == []


def test_without_tags_there_is_no_brief(loaded: LoadedModel, small_world: Loaded) -> None:
    bare = small_world.creatives[[name for name in small_world.creatives if not name.startswith("tag_")]]
    context = build_context(loaded, replace(small_world, creatives=bare), CreativeFilter())
    assert what_to_shoot(context, levers(context), Z) == []

"""Stages and targets that the columns of an export allow."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from features.funnel import Funnel, build_funnel
from features.targets import RATE_TARGETS, RateTarget

FULL = ["impressions", "clicks", "orders", "plays", "plays_3s", "likes", "spend_cny", "gmv_cny", "net_gmv_cny"]
NET = "net_gmv_cny"
DEFAULT_EXPORT = ["spend_cny", "net_gmv_cny", "net_orders", "clicks"]
"""Value columns of the platform's default export of fifteen columns."""


def without(*names: str) -> list[str]:
    return [name for name in FULL if name not in names]


@pytest.mark.parametrize(
    ("columns", "basis", "stages", "targets", "missing"),
    [
        (FULL, NET, "hold engage click order value cost keep", "gpm net_gpm roi net_roi later_impressions", {}),
        (
            without("clicks"),
            NET,
            "hold engage order value cost keep",
            "gpm net_gpm roi net_roi later_impressions",
            {"click": "clicks"},
        ),
        (
            without("orders"),
            NET,
            "hold engage click earn cost keep",
            "gpm net_gpm roi net_roi later_impressions",
            {"order": "orders", "value": "orders"},
        ),
        (
            without("orders", "clicks"),
            NET,
            "hold engage earn cost keep",
            "gpm net_gpm roi net_roi later_impressions",
            {"order": "orders", "value": "orders", "click": "clicks"},
        ),
        (
            without("impressions"),
            NET,
            "hold return keep",
            "roi net_roi later_spend_cny",
            {"gpm": "impressions", "net_gpm": "impressions", "cost": "impressions"},
        ),
        (
            DEFAULT_EXPORT,
            NET,
            "net_return",
            "net_roi later_spend_cny",
            {"gpm": "impressions", "hold": "plays, plays_3s"},
        ),
        (
            without("gmv_cny"),
            NET,
            "hold engage click order cost net_return",
            "net_roi later_impressions",
            {"gpm": "gmv_cny", "net_gpm": "gmv_cny", "value": "gmv_cny"},
        ),
        (
            without("spend_cny"),
            NET,
            "hold engage click order value keep",
            "gpm net_gpm later_impressions",
            {"cost": "spend_cny"},
        ),
        (without(NET), NET, "hold engage click order value cost", "gpm roi later_impressions", {"keep": NET}),
        (
            FULL,
            None,
            "hold engage click order value cost",
            "gpm roi later_impressions",
            {"keep": "money after refunds (basis: payment counts gross money)"},
        ),
        (
            without("plays_3s", "likes"),
            NET,
            "click order value cost keep",
            "gpm net_gpm roi net_roi later_impressions",
            {"hold": "plays_3s", "engage": "likes, comments, shares or follows, and impressions"},
        ),
        (["clicks", "plays"], NET, "", "later_spend_cny", {"return": "spend_cny, gmv_cny", "hold": "plays_3s"}),
    ],
    ids=[
        "everything",
        "no clicks",
        "no orders",
        "no orders and clicks",
        "no impressions",
        "the default export",
        "impressions, but money only after refunds",
        "no spend",
        "no net money",
        "payment basis",
        "no plays and interactions",
        "no money",
    ],
)
def test_the_funnel_follows_the_columns(columns, basis, stages, targets, missing) -> None:
    funnel = build_funnel(columns, basis)
    assert [stage.name for stage in funnel.stages] == stages.split()
    assert funnel.targets == targets.split()
    assert missing.items() <= funnel.missing.items()
    assert not set(funnel.missing) & {stage.name for stage in funnel.stages}


def exposures(funnel: Funnel) -> dict[str, str]:
    return {stage.name: stage.exposure for stage in funnel.stages}


def test_without_clicks_orders_are_counted_per_impression() -> None:
    assert exposures(build_funnel(FULL, NET))["order"] == "clicks"
    assert exposures(build_funnel(without("clicks"), NET))["order"] == "impressions"


def test_without_orders_gmv_is_counted_per_click_else_per_impression() -> None:
    assert exposures(build_funnel(without("orders"), NET))["earn"] == "clicks"
    assert exposures(build_funnel(without("orders", "clicks"), NET))["earn"] == "impressions"


@pytest.mark.parametrize("columns", [FULL, without("clicks"), without("orders"), without("orders", "clicks")])
def test_the_exposure_of_each_stage_is_the_numerator_of_the_one_before(columns) -> None:
    """So the product of the stages is gmv per impression."""
    funnel = build_funnel(columns, NET)
    of = {stage.name: stage for stage in funnel.stages}
    chain = [of[name] for name in funnel.to_gmv]
    assert chain[0].exposure == "impressions"
    assert chain[-1].numerator == "gmv_cny"
    for before, after in pairwise(chain):
        assert after.exposure == ("reference_gmv_cny" if after.priced else before.numerator)


@pytest.mark.parametrize(
    ("columns", "basis", "heads"),
    [
        (FULL, NET, "gmv=click·order·value cost=cost keep=keep"),
        (without("clicks"), NET, "gmv=order·value cost=cost keep=keep"),
        (without("orders"), NET, "gmv=click·earn cost=cost keep=keep"),
        (without("orders", "clicks"), NET, "gmv=earn cost=cost keep=keep"),
        (without("impressions"), NET, "gmv=return keep=keep"),
        (DEFAULT_EXPORT, NET, "gmv=net_return"),
        (without("gmv_cny"), NET, "gmv=net_return"),  # cost is explained, but in no target
        (without("spend_cny"), NET, "gmv=click·order·value keep=keep"),
        (without(NET), NET, "gmv=click·order·value cost=cost"),
        (FULL, None, "gmv=click·order·value cost=cost"),
        (["impressions", "orders", "gmv_cny", "likes"], None, "gmv=order·value"),
    ],
)
def test_heads_are_the_ratios_that_targets_are_products_of(columns, basis, heads) -> None:
    funnel = build_funnel(columns, basis)
    assert " ".join(f"{head.name}={'·'.join(head.stages)}" for head in funnel.heads) == heads
    of = {stage.name: stage for stage in funnel.stages}
    names = {head.name for head in funnel.heads}
    for target in funnel.rate_targets:
        parts = funnel.compositions[target]
        assert set(parts.head_signs) <= names
        # The stages of its heads, with the heads' signs, are the stages of the target.
        stages = {s: sign for h in funnel.heads if (sign := parts.head_signs.get(h.name)) for s in h.stages}
        assert stages == parts.signs
    for head in funnel.heads:
        assert (head.exposure, head.numerator) == (of[head.stages[0]].exposure, of[head.stages[-1]].numerator)
        assert head.share == (head.name == "keep")
        assert head.label.zh
        assert head.label.en


def test_the_product_of_a_share_is_at_most_1() -> None:
    gmv, _, keep = build_funnel(FULL, NET).heads
    logs = {name: np.array([-0.5, 0.4]) for name in ("click", "order", "value", "keep")}
    assert gmv.log_product(logs).tolist() == pytest.approx([-1.5, 1.2])
    assert keep.log_product(logs).tolist() == [-0.5, 0.0]


def test_counted_columns_are_unique_and_include_the_volume_column() -> None:
    for columns in (FULL, DEFAULT_EXPORT, without("impressions")):
        funnel = build_funnel(columns, NET)
        names = funnel.counted_columns
        assert len(names) == len(set(names))
        assert funnel.volume_of in names
        assert "expected" not in names


def test_the_type_of_rate_targets_names_them_all() -> None:
    assert get_args(RateTarget) == RATE_TARGETS

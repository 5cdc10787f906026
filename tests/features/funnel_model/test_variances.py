"""Money that most creatives have none of has a dispersion with a floor, and its fit stays finite on few rows."""

import numpy as np
import pandas as pd
import pytest

from features.funnel import build_funnel
from features.funnel_model.fit import fit_funnel_model
from features.funnel_model.least_squares import Counts
from features.funnel_model.model import predict
from features.funnel_model.terms import fit_terms
from features.funnel_model.variances import dispersion_of_money
from features.point_in_time.array_frame import ArrayFrame

NOW = pd.Timestamp("2026-03-01")
NO_ORDERS = build_funnel(["impressions", "clicks", "gmv_cny"], None)
NO_IMPRESSIONS = build_funnel(["spend_cny", "gmv_cny"], None)
LAUNCHES = np.full(120, 1_700_000_000, dtype=np.int64)


@pytest.fixture(scope="module")
def creatives():
    draw = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "promotion_type": draw.choice(["live", "product"], 120),
            **{f"tag_{name}": draw.choice(list("abcdefgh"), 120) for name in ("hook", "scene", "script", "bgm")},
            "price_cny": np.exp(draw.normal(4.0, 0.5, 120)),
            "launch_hour": 10.0,
        }
    )


@pytest.fixture(scope="module")
def totals():
    """Every creative expects a fifth of an order, worth 100 CNY give or take; nothing else tells them apart."""
    draw = np.random.default_rng(5)
    orders = draw.poisson(0.2, 120)
    money = np.array([draw.gamma(4.0, 25.0, count).sum() for count in orders])
    shown = np.full(120, 400.0)
    return pd.DataFrame({"impressions": shown, "clicks": shown / 20, "spend_cny": shown / 8, "gmv_cny": money})


@pytest.mark.parametrize(("funnel", "name"), [(NO_ORDERS, "earn"), (NO_IMPRESSIONS, "return")])
def test_money_that_most_creatives_have_none_of_gets_a_finite_fit(funnel, name, creatives, totals) -> None:
    frame = ArrayFrame.of(creatives)
    terms = fit_terms(frame, LAUNCHES, ())
    model = fit_funnel_model(totals, frame, LAUNCHES, funnel, terms, (), NOW)
    stage = model.stages[name]
    assert max(np.abs(effect).max() for effect in stage.effects.values()) < 3.0
    assert stage.creative_variance < 5.0
    (of_stage,) = (one for one in funnel.stages if one.name == name)
    rate = np.exp(predict(model, frame, LAUNCHES, [of_stage]).log_rate[0])
    assert (rate * totals[of_stage.exposure]).sum() == pytest.approx(totals["gmv_cny"].sum(), rel=0.5)


def test_the_dispersion_of_money_is_that_of_its_orders() -> None:
    """Orders of 100 CNY at 2 CNY per event: 50 events bring one order, whatever the variance between creatives."""
    draw = np.random.default_rng(6)
    events = np.exp(draw.uniform(np.log(5.0), np.log(5_000.0), 20_000))
    money = 100.0 * draw.poisson(events / 50.0 * draw.gamma(2.0, 0.5, 20_000))
    sums = Counts(money, events, events, float(np.log(money.sum() / events.sum())), True)
    assert dispersion_of_money(sums) == pytest.approx(50.0, rel=0.1)


def test_the_dispersion_of_money_is_at_least_that_of_orders_worth_the_smallest_sum() -> None:
    """Equal sums vary by nothing; they are 60 CNY each at 2 CNY per event, so an order may come of 30 events."""
    sums = Counts(np.full(9, 60.0), np.full(9, 30.0), np.full(9, 30.0), np.log(2.0), True)
    assert dispersion_of_money(sums) == pytest.approx(30.0)


def test_without_any_money_all_exposure_is_worth_no_more_than_one_order() -> None:
    nothing = Counts(np.zeros(2), np.array([40.0, 59.0]), np.array([40.0, 59.0]), np.log(0.5 / 100.0), True)
    assert dispersion_of_money(nothing) >= 100.0 * (1.0 - 1e-9)

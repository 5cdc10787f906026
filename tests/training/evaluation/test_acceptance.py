"""What a model can be used for: sampling variance is not a fault, few rows are no proof, one bad group is a caveat."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.evaluation.acceptance import Aspect, Judgement, Measured, Verdict, judgements, share_band
from training.evaluation.deciles import calibration_table
from training.evaluation.metrics import CARRY, EMPIRICAL_BAYES
from training.evaluation.page.sentences import five_sentences


def world(count: int, seed: int = 3) -> pd.DataFrame:
    """Predictions that are right on average, beside rules that are not."""
    draw = np.random.default_rng(seed)
    rate = draw.lognormal(0.0, 1.0, count)
    return pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{place}" for place in range(count)],
            "age_hours": np.repeat([0, 24], [count - count // 2, count // 2]),
            "predicted_gpm": rate,
            "carried_gpm": draw.permutation(rate),
            "bayes_gpm": rate.mean(),
            "actual_gpm": draw.poisson(50 * rate) / 50,
            "exposure_gpm": 1000.0,
            "actual_later_impressions": 1000.0,
        }
    )


def cells(*covered: float, rows: int = 400, share: float = 0.1) -> pd.DataFrame:
    """Coverage of all rows first, then of one group each."""
    groups = len(covered) - 1
    return pd.DataFrame(
        {
            "target": "gpm",
            "age_hours": ["all", *["0"] * groups],
            "quarter": ["all", *(f"q{place}" for place in range(1, groups + 1))],
            "promotion_type": ["all", *["live"] * groups],
            "enough_volume": True,
            "rows": [4000, *[rows] * groups],
            "share": [1.0, *[share] * groups],
            "covered": covered,
        }
    )


def bins(*off: float, rows: int = 4000) -> pd.DataFrame:
    """One bin per difference between observed and stated."""
    stated = np.linspace(0.15, 0.85, len(off))
    return pd.DataFrame(
        {"chance": "hit", "bin": range(len(off)), "rows": rows, "stated": stated, "true": stated + np.array(off)}
    )


def judged(
    holdout: pd.DataFrame, groups: pd.DataFrame | None = None, chances: pd.DataFrame | None = None
) -> dict[Aspect, Judgement]:
    found = judgements(
        holdout,
        cells(0.8, 0.8) if groups is None else groups,
        bins(0.0) if chances is None else chances,
        calibration_table(holdout, 200.0, draws=50),
        level=0.8,
        least_volume=200.0,
        draws=50,
    )
    return {one.aspect: one for one in found}


def test_a_good_model_on_many_rows_is_usable_in_every_aspect() -> None:
    found = judged(world(4000))
    assert {one.verdict for one in found.values()} == {"usable"}
    assert list(found) == ["ranking", "level", "intervals", "chances"]
    assert found["level"].factor == 1.0
    assert all(one.worst is None for one in found.values())


@pytest.mark.parametrize("count", [0, 1, 9])
def test_hardly_any_row_decides_nothing(count: int) -> None:
    found = judged(world(4000).iloc[:count], cells(0.8).iloc[:0], bins().astype({"stated": float}))
    assert {one.verdict for one in found.values()} == {"undecided"}
    assert found["ranking"].figure.rows == count


def test_few_rows_decide_nothing() -> None:
    found = judged(world(150), cells(0.5).assign(rows=150), bins(0.3, rows=199))
    assert {one.verdict for one in found.values()} == {"undecided"}
    assert found["ranking"].figure.rows == 150


def test_without_intervals_and_chances_these_are_undecided_or_absent() -> None:
    found = judged(world(400), cells(0.8).iloc[:0], bins().astype({"stated": float}))
    assert (found["intervals"].verdict, found["intervals"].figure.rows) == ("undecided", 0)
    assert "chances" not in found


@pytest.mark.parametrize(("hits", "verdict"), [(3, "undecided"), (60, "caution")])
def test_a_total_of_volume_that_few_creatives_brought_gets_no_factor(hits: int, verdict: Verdict) -> None:
    """Half of what came from three hits: that predictions add up to a fifth of it says nothing about the next weeks."""
    rows = world(400)
    rows = rows.assign(predicted_later_impressions=1000.0, exposure_later_impressions=1.0)
    rows.loc[: hits - 1, "actual_later_impressions"] = 2_000_000.0 / hits
    tenths = calibration_table(rows, 200.0, draws=50)
    found = judgements(rows, cells(0.8, 0.8), bins(0.0), tenths, level=0.8, least_volume=200.0, draws=50)
    level = next(one for one in found if (one.of, one.aspect) == ("later_impressions", "level"))
    assert level.verdict == verdict
    assert level.half_by == (2 if hits == 3 else 0)
    assert (level.factor == 1.0) == (hits == 3)
    said = five_sentences(found, 0.8)
    assert any("一半来自 2 个素材" in one.zh for one in said) == (hits == 3)
    assert any("后续展示乘" in one.zh for one in said) == (hits != 3)


def test_ranking_is_compared_with_each_baseline_on_the_same_rows() -> None:
    good = world(4000)
    ranking = judged(good)["ranking"]
    assert [rival.of for rival in ranking.rivals] == [(CARRY,), (EMPIRICAL_BAYES,)]
    assert ranking.rivals[1].value == pytest.approx(ranking.figure.value)  # a constant ranks nothing
    better = judged(good.assign(carried_gpm=good["actual_gpm"]))["ranking"]
    assert better.verdict == "unusable"
    assert better.rivals[0].high < 0
    noise = np.random.default_rng(1).lognormal(0, 0.001, len(good))
    alike = judged(good.assign(carried_gpm=good["predicted_gpm"] * noise))["ranking"]
    assert alike.verdict == "caution"
    assert alike.rivals[0].low <= 0 <= alike.rivals[0].high


def test_a_ranking_no_better_than_chance_is_unusable() -> None:
    good = world(4000)
    random = np.random.default_rng(2).permutation(good["predicted_gpm"])
    assert judged(good.assign(predicted_gpm=random))["ranking"].verdict == "unusable"


def test_a_baseline_with_equal_predictions_is_left_out() -> None:
    good = world(400)
    ranking = judged(good.assign(bayes_gpm=good["predicted_gpm"]))["ranking"]
    assert [rival.of for rival in ranking.rivals] == [(CARRY,)]


def test_an_age_at_which_a_baseline_ranks_better_is_a_caveat() -> None:
    good = world(4000)
    carried = good["carried_gpm"].where(good["age_hours"] == 0, good["actual_gpm"])
    ranking = judged(good.assign(carried_gpm=carried))["ranking"]
    assert ranking.verdict == "caution"
    assert ranking.worst is not None
    assert ranking.worst.of == ("24", CARRY)
    little = good.assign(carried_gpm=carried, exposure_gpm=np.where(good["age_hours"] == 24, 1.0, 1000.0))
    assert judged(little)["ranking"].worst is None  # that age holds less than 1 % of the exposure


def test_outcomes_are_ranked_by_the_typical_value_where_there_is_one_and_summed_by_the_predicted() -> None:
    good = world(4000)
    random = np.random.default_rng(2).permutation(good["predicted_gpm"])
    found = judged(good.assign(predicted_gpm=random, typical_gpm=good["predicted_gpm"]))
    assert found["ranking"].figure.value == pytest.approx(judged(good)["ranking"].figure.value)
    assert found["level"].figure.value == pytest.approx(judged(good)["level"].figure.value)


def test_a_level_that_is_off_has_the_factor_to_read_it_by() -> None:
    good = world(4000)
    high = judged(good.assign(predicted_gpm=1.25 * good["predicted_gpm"]))["level"]
    assert high.verdict == "caution"
    assert high.factor == pytest.approx(0.8, abs=0.01)
    assert high.worst is None  # every group is right after the factor
    assert judged(good.assign(predicted_gpm=1.08 * good["predicted_gpm"]))["level"].factor == 1.0


def test_a_tenth_that_is_off_is_a_caveat_and_many_are_not_usable() -> None:
    good = world(4000)
    place = good["predicted_gpm"].rank(pct=True)
    one = judged(good.assign(predicted_gpm=good["predicted_gpm"].where(place > 0.1, 1e-3)))["level"]
    assert (one.verdict, one.factor) == ("caution", 1.0)
    assert one.worst is not None
    assert one.worst.of == ("all", "1")
    order = good.sort_values("predicted_gpm").assign(predicted_gpm=np.linspace(1.4, 1.9, len(good)))
    assert judged(order)["level"].verdict == "unusable"


def test_two_impressions_where_a_twelfth_came_are_no_fault() -> None:
    """A tenth of a volume counts only with 1 % of the impressions, in the outcome or in the prediction."""
    count = 4000
    truth = np.random.default_rng(4).permutation(np.geomspace(10, 1e5, count))
    frame = world(count).assign(
        actual_later_impressions=truth, predicted_later_impressions=truth, exposure_later_impressions=1.0
    )
    lowest = truth < np.quantile(truth, 0.1)
    tiny = frame.assign(predicted_later_impressions=np.where(lowest, 25 * truth, truth))
    table = calibration_table(tiny, 200.0, draws=50)
    found = judgements(tiny, cells(0.8, 0.8), bins(0.0), table, level=0.8, least_volume=200.0, draws=50)
    level = next(one for one in found if one.of == "later_impressions" and one.aspect == "level")
    assert (level.verdict, level.worst) == ("usable", None)


@pytest.mark.parametrize(
    ("covered", "verdict", "worst"),
    [
        ((0.8, 0.8, 0.75), "usable", None),
        ((0.82, 0.8), "usable", None),
        ((0.83, 0.8), "caution", None),
        ((0.77, 0.8), "caution", None),
        ((0.8, 0.8, 0.65), "caution", "q2"),
        ((0.8, 0.95, 0.8), "caution", "q1"),
        ((0.95, 0.95, 0.95), "caution", "q1"),
        ((0.6, 0.8, 0.6), "caution", "q2"),
        ((0.6, 0.6, 0.6), "unusable", "q1"),
    ],
)
def test_intervals_are_unusable_only_where_they_are_too_narrow_everywhere(
    covered: tuple[float, ...], verdict: Verdict, worst: str | None
) -> None:
    found = judged(world(4000), cells(*covered))["intervals"]
    assert (found.verdict, found.worst.of[1] if found.worst else None) == (verdict, worst)


@pytest.mark.parametrize("small", [{"rows": 199}, {"share": 0.009}])
def test_a_group_without_rows_or_exposure_is_not_judged(small: dict) -> None:
    assert judged(world(4000), cells(0.8, 0.3, **small))["intervals"].verdict == "usable"


def test_the_band_of_all_intervals_counts_each_creative_once() -> None:
    rows = world(4000)
    of_few = rows.assign(creative_id=[f"c{place % 100}" for place in range(4000)])
    narrow, wide = judged(rows)["intervals"].figure, judged(of_few)["intervals"].figure
    assert wide.high - wide.low == pytest.approx((narrow.high - narrow.low) * np.sqrt(40.0))


@pytest.mark.parametrize(
    ("off", "verdict"),
    [((0.0, 0.049), "usable"), ((0.0, -0.1), "caution"), ((0.12, -0.12), "unusable")],
)
def test_chances_are_judged_by_the_bin_that_is_farthest_off(off: tuple[float, ...], verdict: Verdict) -> None:
    found = judged(world(4000), chances=bins(*off))["chances"]
    assert found.verdict == verdict
    assert (found.figure.of, found.figure.value) == (
        ("1" if verdict != "unusable" else "0",),
        pytest.approx(max(off, key=abs)),
    )


def test_repeated_questions_are_no_more_evidence() -> None:
    hit = judged(world(400), chances=bins(0.1))["chances"].figure
    roi = judged(world(400), chances=bins(0.1).assign(chance="roi"))["chances"].figure
    assert roi.high - roi.low == pytest.approx(2.0 * (hit.high - hit.low))


def test_a_band_of_a_share_stays_between_0_and_1() -> None:
    low, high = share_band(np.array([0.01, 0.5, 0.99]), np.array([10.0, 270.6, 10.0]))
    assert (low[0], high[2]) == (0.0, 1.0)
    assert (low[1], high[1]) == (pytest.approx(0.45, abs=1e-3), pytest.approx(0.55, abs=1e-3))
    whole = Measured(("gpm",), 0.5, 0.45, 0.55, 270)
    assert whole.outside((0.6, 1.0))
    assert not replace(whole, high=0.61).outside((0.6, 1.0))

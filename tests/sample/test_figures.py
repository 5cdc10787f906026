"""Figures of each world lie in bands around those of real accounts (docs/sample.md).

Most bands are ±30 %. Wider ones, and why:
- sums (CPM, GPM, AOV, ROI, conversion): some twenty creatives make two thirds of them, so another seed moves
  them by a quarter; the band leaves room for a change of code that shifts the draws.
- strengths a + b: the real ones come from 336 creatives of one account, most with a handful of impressions.
- percentiles: of the real account few creatives have 100 impressions; p90 of ROI is a few single orders.
- boosted spend: 74 % is one account whose team boosts a lot; the sample has eight teams.
- mean ln spend is compared in units of its spread.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from sample.figures import REAL, UNKNOWN, beta_binomial, figures, gini, main
from sample.simulation import Simulation
from sample.worlds import WORLDS

pytestmark = pytest.mark.slow

BANDS = {
    "live ctr %": (4.4, 7.4),
    "live cvr %": (4.2, 8.4),
    "live aov": (133, 266),
    "live cpm": (153, 285),
    "live gpm": (470, 900),
    "live net gpm": (410, 790),
    "live roi": (2.1, 4.1),
    "live net roi": (1.9, 3.6),
    "live refunds in 1 h %": (8.5, 16),
    "live boosted spend %": (37, 85),
    "live top 1 % of spend %": (50, 75),
    "live top 5 % of spend %": (84, 98),
    "live top 10 % of spend %": (90, 99.7),
    "live gini of spend": (0.92, 0.985),
    "live without an order %": (85, 94),
    "live median spend": (0.35, 0.75),
    "live mean ln spend": (-0.9, 0.2),
    "live sd ln spend": (1.8, 2.8),
    "live ctr a+b": (100, 400),
    "live cvr mean %": (4.0, 7.8),
    "live cvr a+b": (17, 70),
    "live 3-s mean %": (25, 38),
    "live 3-s a+b": (25, 65),
    "live 5-s mean %": (18, 30),
    "live 5-s a+b": (22, 62),
    "live finish mean %": (11.5, 19.5),
    "live finish a+b": (6, 14),
    "live 3-s p10 %": (14, 25),
    "live 3-s p50 %": (19, 33.5),
    "live 3-s p90 %": (27, 45),
    "live ctr p10 %": (3.0, 5.6),
    "live ctr p50 %": (4.6, 8.0),
    "live ctr p90 %": (6.8, 12.6),
    "live cpm p10": (55, 125),
    "live cpm p50": (112, 215),
    "live cpm p90": (200, 370),
    "live gpm p50": (300, 620),
    "live gpm p90": (1050, 2200),
    "live roi p50": (1.9, 3.9),
    "live roi p90": (5.0, 18),
    "product ctr %": (0.65, 1.2),
    "product cpc": (3.7, 6.6),
    "product roi": (1.0, 1.6),
}

ROW = re.compile(r"^\| (figure|(?:live|product) [^|]+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def found(each_simulation: Simulation) -> dict[str, float]:
    return figures(each_simulation.days)


@pytest.mark.parametrize("name", REAL)
def test_each_figure_lies_in_a_band_around_the_real_one(found: dict[str, float], name: str) -> None:
    low, high = BANDS[name]
    assert low < REAL[name] < high
    assert low <= found[name] <= high


def test_life_is_mostly_three_to_seven_days_and_hits_live_longer(full_simulation: Simulation) -> None:
    days = full_simulation.traffic.life_hours / 24
    third = full_simulation.traffic.hours.groupby("row")["pool"].max().to_numpy() == 2
    assert np.mean((days >= 3) & (days <= 7.5)) > 0.85
    assert np.median(days[third]) > 15


def test_traffic_is_least_at_four_and_most_at_twenty(full_simulation: Simulation) -> None:
    hours = full_simulation.hours
    by_hour = hours["impressions"].groupby(hours["clock"] % 24).sum()
    assert by_hour.idxmin() == 4
    assert by_hour.idxmax() in (19, 20, 21)
    assert 0.05 < by_hour[4] / by_hour[20] < 0.12


def test_quirks_of_the_platform_are_as_common_as_in_real_rows(full_simulation: Simulation) -> None:
    days = full_simulation.days
    assert 0.35 < (days["plays"] > days["impressions"]).mean() < 0.6
    assert 0.2 < (days["plays_10s"] > days["plays_5s"]).mean() < 0.7
    assert 0.3 < days["watch_missing"].mean() < 0.7


def test_beta_binomial_finds_the_spread_that_made_the_counts() -> None:
    generator = np.random.default_rng(1)
    trials = generator.integers(1, 400, 3000)
    successes = generator.binomial(trials, generator.beta(0.06 * 80, 0.94 * 80, 3000))
    mean, strength = beta_binomial(successes.astype(float), trials.astype(float))
    assert mean == pytest.approx(0.06, rel=0.05)
    assert strength == pytest.approx(80, rel=0.2)


def test_gini_of_equal_shares_is_zero_and_of_one_owner_nearly_one() -> None:
    assert gini(np.ones(100)) == pytest.approx(0.0, abs=1e-12)
    assert gini(np.array([0.0] * 99 + [1.0])) == pytest.approx(0.99)


def test_the_page_shows_the_figures_of_every_world(found: dict[str, float], each_simulation: Simulation) -> None:
    """Within a fifth, or .1: another processor may round a logarithm otherwise and tip a draw."""
    page = (Path(__file__).parents[2] / "docs" / "sample.md").read_text("utf-8")
    (_, _, worlds), *rows = re.findall(ROW, page)
    assert worlds.split(" | ") == list(WORLDS)
    assert {name: float(real) for name, real, _ in rows if real != "–"} == REAL
    assert [name for name, real, _ in rows if real == "–"] == UNKNOWN
    place = list(WORLDS.values()).index(each_simulation.world.spec)
    for name, _, shown in rows:
        assert float(shown.split(" | ")[place]) == pytest.approx(found[name], rel=0.2, abs=0.1), name


def test_the_command_prints_a_column_per_world(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--world", "shift", "interplay", "--creatives", "100", "--days", "14"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head == "| figure | real | shift | interplay |"
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [*REAL, *UNKNOWN]

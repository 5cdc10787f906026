"""Which method is first, and whether the difference is beyond its band."""

import pandas as pd
import pytest

from benchmarks.leaderboard import BEHIND, FIRST, NOISE, placings, summary
from benchmarks.scores import KNOWN_EFFECTS
from training.evaluation.metrics import ALL_AGES


def figures(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    """Method, figure, value, and the band of its difference from ours."""
    return pd.DataFrame(
        [
            {"against": "what came", "target": "gpm", "part": "all", "age_hours": ALL_AGES, "method": method,
             "figure": figure, "value": value, "difference_low": low, "difference_high": high}
            for method, figure, value, low, high in rows
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "other", "band", "place"),
    [
        ("spearman", 0.4, (-0.2, -0.1), FIRST),
        ("spearman", 0.6, (-0.1, 0.3), NOISE),
        ("spearman", 0.6, (0.05, 0.2), BEHIND),
        ("deviance", 0.6, (0.05, 0.2), FIRST),
        ("deviance", 0.4, (-0.2, -0.05), BEHIND),
    ],
)
def test_we_are_first_within_noise_or_behind(figure, other, band, place) -> None:
    (one,) = placings(figures(("gpmcast", figure, 0.5, 0, 0), ("GLM", figure, other, *band)), pd.DataFrame(), "")
    assert one.place == place
    assert one.first == ("gpmcast" if place == FIRST else "GLM")


def test_the_oracle_is_not_ranked() -> None:
    table = figures(("gpmcast", "spearman", 0.5, 0, 0), (KNOWN_EFFECTS, "spearman", 0.9, 0.3, 0.5))
    assert placings(table, pd.DataFrame(), "")[0].place == FIRST


def test_a_replay_is_ranked_by_the_captured_share() -> None:
    decisions = pd.DataFrame(
        {
            "rule": ["oracle", "gpmcast", "GLM"],
            "age_hours": ALL_AGES,
            "captured_share": [1.0, 0.4, 0.5],
            "apart_cny": [9.0, 0.0, 3.0],
            "apart_cny_low": [5.0, 0.0, 1.0],
            "apart_cny_high": [12.0, 0.0, 6.0],
        }
    )
    found = placings(figures(("gpmcast", "spearman", 0.5, 0, 0)), decisions, "net_roi")
    assert [(one.against, one.place) for one in found] == [("what came", FIRST), ("a replay", BEHIND)]


def test_ages_are_counted_beside_the_ranking_over_all_of_them() -> None:
    every = figures(("gpmcast", "spearman", 0.5, 0, 0), ("GLM", "spearman", 0.4, -0.2, 0.0))
    young = figures(("gpmcast", "spearman", 0.3, 0, 0), ("GLM", "spearman", 0.4, 0.01, 0.2)).assign(age_hours=0.0)
    (line,) = summary(placings(pd.concat([every, young]), pd.DataFrame(), ""))
    assert line[-2:] == (FIRST, "0/0/1")

"""Training and evaluated rows: no training outcome closed after the first evaluated cutoff."""

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from training.errors import TooThinError
from training.labels.outcomes import MATURE, NOT_CLOSED
from training.labels.splits import folds, holdout_split

FIRST = pd.Timestamp("2026-01-01")


@st.composite
def row_frames(draw: st.DrawFn) -> pd.DataFrame:
    """Cutoffs over up to ninety days, each with a gap of its own, some not mature."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 90 * 24), st.integers(1, 20 * 24), st.sampled_from([MATURE, MATURE, NOT_CLOSED])),
            min_size=1,
            max_size=60,
        )
    )
    cutoffs = [FIRST + pd.Timedelta(hours=hour) for hour, _, _ in rows]
    return pd.DataFrame(
        {
            "cutoff": cutoffs,
            "closed_at": [cutoff + pd.Timedelta(hours=gap) for cutoff, (_, gap, _) in zip(cutoffs, rows)],
            "state": [state for _, _, state in rows],
        }
    )


@given(rows=row_frames(), days=st.integers(1, 30))
@settings(max_examples=150)
def test_no_training_outcome_closed_after_the_first_evaluated_cutoff(rows, days) -> None:
    try:
        train, holdout, starts = holdout_split(rows, days)
    except TooThinError:
        return
    assert train.any()
    assert holdout.any()
    assert not (train & holdout).any()
    assert (rows.loc[train | holdout, "state"] == MATURE).all()
    assert rows.loc[train, "closed_at"].max() <= starts < rows.loc[holdout, "cutoff"].min()


@given(rows=row_frames(), count=st.integers(2, 6))
@settings(max_examples=150)
def test_folds_keep_the_same_gap_and_stay_inside_the_training_rows(rows, count) -> None:
    train = (rows["state"] == MATURE).to_numpy()
    if not train.any():
        return
    validated = pd.Series(0, index=rows.index)
    for fit, validate, start in folds(rows, train, count):
        assert fit.any()
        assert validate.any()
        assert not (fit & ~train).any()
        assert not (validate & ~train).any()
        assert rows.loc[fit, "closed_at"].max() <= start < rows.loc[validate, "cutoff"].min()
        validated += validate
    assert validated.max() <= 1


def daily_rows(count: int, gap_days: int = 9, state: str = MATURE) -> pd.DataFrame:
    cutoffs = pd.Series(pd.date_range(FIRST, periods=count))
    return pd.DataFrame({"cutoff": cutoffs, "closed_at": cutoffs + pd.Timedelta(days=gap_days), "state": state})


def test_a_split_by_hand() -> None:
    """Thirty days, the last seven are the holdout; the nine before them are no training rows."""
    train, holdout, starts = holdout_split(daily_rows(30), 7)
    assert starts == FIRST + pd.Timedelta(days=22)
    assert train.sum() == 14
    assert holdout.sum() == 7


def test_folds_by_hand() -> None:
    """The later sixty of a hundred days in three stretches."""
    rows = daily_rows(100)
    found = list(folds(rows, (rows["state"] == MATURE).to_numpy(), 3))
    assert [int(validate.sum()) for _, validate, _ in found] == [20, 20, 19]
    assert [int(fit.sum()) for fit, _, _ in found] == [32, 52, 72]


def test_folds_without_training_rows_are_left_out() -> None:
    rows = daily_rows(20, gap_days=9)
    assert len(list(folds(rows, (rows["state"] == MATURE).to_numpy(), 3))) < 3


@pytest.mark.parametrize(
    ("rows", "days", "parts"),
    [
        (
            daily_rows(5, state=NOT_CLOSED),
            7,
            ["No snapshot has a closed outcome window", "9 days after", "later exports"],
        ),
        (daily_rows(16), 7, ["span 15 days", "more than 16", "7 held out", "gap of 9", "split.holdout_days"]),
    ],
)
def test_too_few_rows_are_refused_with_the_cure(rows, days, parts) -> None:
    with pytest.raises(TooThinError) as refused:
        holdout_split(rows, days)
    for part in parts:
        assert part in str(refused.value)

"""What creatives really made: before refunds, after refunds, per spend and per impression."""

import numpy as np
import pytest

from serving.report.cards.actuals import actual_values
from serving.report.context import ReportContext

SUMS = {
    "impressions": [1000.0, 0.0, 500.0],
    "spend_cny": [50.0, 0.0, 10.0],
    "gmv_cny": [200.0, 0.0, 0.0],
    "settled_net_cny": [90.0, 0.0, 0.0],
    "settled_gmv_cny": [100.0, 0.0, 0.0],
    "settled_spend_cny": [30.0, 0.0, 5.0],
}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("gpm", [200.0, np.nan, 0.0]),
        ("roi", [4.0, np.nan, 0.0]),
        ("net_roi", [3.0, np.nan, 0.0]),  # 90 of the spend of settled periods
        ("net_gpm", [180.0, np.nan, 0.0]),  # 90 % of settled money is kept
    ],
)
def test_money_after_refunds_is_compared_with_settled_periods(target: str, expected: list[float]) -> None:
    found = actual_values(target, lambda name: np.array(SUMS[name]))
    assert found.tolist() == pytest.approx(expected, nan_ok=True)


def test_the_roi_is_the_one_that_reasons_of_stopped_creatives_name(context: ReportContext) -> None:
    found = actual_values("net_roi", context.counts)
    reasons = context.predicted["verdict_reason_en"]
    stopped = [row for row, status in enumerate(context.status) if status == "stopped" and np.isfinite(found[row])]
    assert stopped
    assert all(f"{found[row]:.2f}" in reasons.iat[row] for row in stopped)

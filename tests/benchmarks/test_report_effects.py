"""Told effects beside those that the sample world was made with."""

from benchmarks.report_effects import TOLD, beside, true_effects
from serving.report.drivers import HeatRow
from serving.report.effects import Effect


def test_what_is_told_of_a_tag_is_held_against_what_it_was_made_with() -> None:
    true = true_effects(7, 200, 20)
    tags = {tag for tag, _ in true}
    assert {"hook", "scene", "style"} <= tags
    (key, logs), *_ = true.items()
    assert set(TOLD) <= set(logs)

    def cell(factor: float, low: float, high: float) -> Effect:
        return Effect(
            value=key[1], creatives=40, events=9.0, factor=factor, low=low, high=high, cny=None, raw=None,
            raw_factor=None, raw_low=None, raw_high=None, thin=False,
        )  # fmt: skip

    cells = {"hold": cell(0.9, 0.01, 100.0), "click": cell(1.1, 50.0, 100.0), "net_roi": cell(1.0, 0.5, 2.0)}
    row = HeatRow(tag=key[0], value=key[1], creatives=40, cells=cells, thin=False)
    found = beside([row], true).set_index("stage")
    assert found["inside"].to_dict() == {"hold": 1.0, "click": 0.0, "all": 0.5}
    assert found.loc["all", "effects"] == 2

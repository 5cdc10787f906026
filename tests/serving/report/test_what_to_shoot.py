"""What to shoot next."""

import pytest

from serving.inference.loaded_model import LoadedModel
from serving.report.data import ReportData


def test_what_to_shoot_next_is_what_the_service_predicts(loaded: LoadedModel, data: ReportData) -> None:
    assert {shot.kind for shot in data.shots} <= {"test", "direction"}
    for shot in data.shots:
        assert shot.gain == pytest.approx(shot.value / shot.before)
        assert shot.gain_low <= shot.gain <= shot.gain_high
        for tag, (_, new) in shot.changed.items():
            assert new in loaded.tags[tag]

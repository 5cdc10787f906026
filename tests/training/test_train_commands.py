"""What `train` and `refresh` refuse is refused before anything is written."""

import json
from pathlib import Path

import pytest

from configs.errors import GpmcastError
from training.mlflow_address import REGISTRY_URI, TRACKING_URI
from training.train_commands import refresh_command, train_command

EXPORT = "素材ID,日期,整体消耗,整体成交金额,整体成交订单数,整体展现次数,整体点击次数\n1,2026-06-01,10,30,1,100,5\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps({"var": str(tmp_path / "var")}), encoding="utf-8")
    return path


@pytest.mark.parametrize("command", [train_command, refresh_command])
def test_data_that_do_not_exist_are_refused(command, config: Path, tmp_path: Path) -> None:
    with pytest.raises(GpmcastError, match="nowhere"):
        command([str(tmp_path / "nowhere")], config)
    assert not (tmp_path / "var").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's SQL store makes warnings of its own
def test_what_was_never_trained_is_not_refreshed(config: Path, tmp_path: Path, monkeypatch) -> None:
    for name in (TRACKING_URI, REGISTRY_URI):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "推直播.csv").write_text(EXPORT, encoding="utf-8")
    with pytest.raises(GpmcastError, match="make train"):
        refresh_command([str(tmp_path / "exports")], config)
    assert not (tmp_path / "var" / "work").exists()


def test_a_scheduler_without_workers_of_its_own_is_refused(config: Path, tmp_path: Path) -> None:
    with pytest.raises(GpmcastError, match="found --engine local, which has none"):
        train_command([str(tmp_path)], config, engine="local", scheduler="tcp://10.0.0.5:8786")
    assert not (tmp_path / "var").exists()

"""Workspace: folder, names and fingerprint of one data set."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from features.schema import Loaded
from training.__main__ import app
from training.errors import BundleError
from training.workspace import data_fingerprint, workspace


def folders(tmp_path: Path, *names: str) -> list[str]:
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    return [str(tmp_path / name) for name in names]


def test_two_folders_of_one_name_get_two_workspaces(tmp_path, settings) -> None:
    first, second = folders(tmp_path, "a/exports", "b/exports")
    one, two = workspace([first], settings), workspace([second], settings)
    assert one.name == "exports"
    assert two.name.startswith("exports-")
    assert len({one.folder, two.folder}) == len({one.registered_model, two.registered_model}) == 2
    assert one.mlflow == two.mlflow


def test_the_same_folder_gets_the_same_workspace_again(tmp_path, settings, monkeypatch) -> None:
    first, second = folders(tmp_path, "a/exports", "b/exports")
    spaces = [workspace([path], settings) for path in (first, second, first, second)]
    assert spaces[:2] == spaces[2:]
    monkeypatch.chdir(tmp_path / "a")
    assert workspace(["exports"], settings) == spaces[0]


def test_no_password_is_kept_of_a_url_and_a_new_one_is_the_same_data(settings) -> None:
    spaces = [workspace([f"sftp://me:{word}@host/set"], settings) for word in ("s3cret", "other")]
    assert spaces[0] == spaces[1]
    assert "s3cret" not in (spaces[0].folder / "data.json").read_text(encoding="utf-8")
    assert "s3cret" not in workspace(["sftp://me:s3cret@host"], settings).name


def test_what_a_workspace_is_of_is_written_once_and_whole(tmp_path, settings) -> None:
    (first,) = folders(tmp_path, "exports")
    marker = workspace([first], settings).folder / "data.json"
    before = marker.stat()
    workspace([first], settings)
    assert marker.stat().st_ino == before.st_ino
    assert marker.stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in marker.parent.iterdir()] == ["data.json"]


def test_a_name_in_the_settings_is_the_workspaces(tmp_path, settings) -> None:
    named = settings.model_copy(update={"name": "team"})
    first, second = folders(tmp_path, "a/exports", "b/exports")
    assert workspace([first], named) == workspace([second], named)
    assert workspace([first], named).registered_model == "gpmcast-team"


@pytest.mark.parametrize(("path", "name"), [("x/7月.csv", "7月"), ("x/*.csv", "data"), ("x/report_*.xlsx", "report")])
def test_a_file_or_pattern_names_its_workspace(tmp_path, settings, path, name) -> None:
    assert workspace([str(tmp_path / path)], settings).name == name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", [["predict"], ["plan", "--budget", "5000"], ["refresh"], ["page"]])
def test_a_command_that_needs_a_model_claims_no_name_where_there_is_none(tmp_path, command) -> None:
    (folder,) = folders(tmp_path, "exports")
    (Path(folder) / "a.csv").write_text("素材ID\n1\n", encoding="utf-8")
    (tmp_path / "config.yaml").write_text(f"var: {tmp_path / 'var'}\n", encoding="utf-8")
    done = CliRunner().invoke(app, [*command, "--data", folder, "--config", str(tmp_path / "config.yaml")])
    assert isinstance(done.exception, BundleError)
    assert not (tmp_path / "var" / "work").exists()


def test_everything_of_a_workspace_lies_in_its_folder(tmp_path, settings) -> None:
    space = workspace(folders(tmp_path, "exports"), settings)
    assert space.folder.is_dir()
    for path in (space.store, space.journal, space.bundle, space.evaluation_bundle, space.predictions):
        assert path.parent == space.folder


def test_the_fingerprint_is_of_every_value(small_world) -> None:
    base = data_fingerprint(small_world)
    assert data_fingerprint(Loaded(small_world.metrics.copy(), small_world.creatives.copy(), {"note": 3})) == base
    seen = {base}
    for part in ("metrics", "creatives"):
        frame = getattr(small_world, part)
        for name in frame:
            changed = frame.copy()
            value = changed.loc[len(changed) // 2, name]
            if isinstance(value, pd.Timestamp):
                changed.loc[len(changed) // 2, name] = value + pd.Timedelta(seconds=1)
            elif isinstance(value, str):
                changed.loc[len(changed) // 2, name] = value + " "
            else:
                changed.loc[len(changed) // 2, name] = np.nextafter(value, np.inf)
            frames = {"metrics": small_world.metrics, "creatives": small_world.creatives} | {part: changed}
            seen.add(data_fingerprint(Loaded(**frames)))
    assert len(seen) == 1 + small_world.metrics.shape[1] + small_world.creatives.shape[1]


def test_the_fingerprint_depends_on_columns_rows_and_missing_values(small_world) -> None:
    metrics, creatives = small_world.metrics, small_world.creatives
    others = [
        Loaded(metrics.rename(columns={"clicks": "cart_clicks"}), creatives),
        Loaded(metrics.drop(columns="likes"), creatives),
        Loaded(metrics.iloc[1:], creatives),
        Loaded(metrics.assign(likes=0.0), creatives),
        Loaded(metrics.assign(likes=np.nan), creatives),
    ]
    assert len({data_fingerprint(loaded) for loaded in others} | {data_fingerprint(small_world)}) == 6

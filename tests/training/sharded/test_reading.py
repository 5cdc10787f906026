"""What a command is given: a partitioned dataset is known for what it is, and read in parts or at once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from configs.settings import Dask, Settings
from features.errors import InputError, PartitionError
from features.partitions.address import MANIFEST_NAME
from features.partitions.manifest import PartitionedDataset, write_manifest
from features.schema import Loaded
from features.store.inputs import check_data_exists, dataset_of, load_data
from features.store.load import load_fingerprint
from training.data.open_source import open_source
from training.errors import EngineError
from training.progress import ProgressCallbacks
from training.sharded.source import ShardedSource
from training.workspace import workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def root(
    many_accounts: Loaded, as_dataset: Callable[[Loaded, Path], PartitionedDataset], settings: Settings, tmp_path: Path
) -> str:
    """A dataset that was exported under these settings."""
    dataset = as_dataset(many_accounts, tmp_path / "dataset")
    (tmp_path / "dataset" / MANIFEST_NAME).write_bytes(
        write_manifest(replace(dataset, settings_fingerprint=load_fingerprint(settings)))
    )
    return str(tmp_path / "dataset")


def test_a_dataset_is_read_at_once_where_all_is_wanted(
    root: str, many_accounts: Loaded, settings: Settings, tmp_path: Path
):
    check_data_exists([root])
    loaded, report = load_data([root], tmp_path / "no.duckdb", settings)
    assert report is None
    assert not (tmp_path / "no.duckdb").exists()
    assert_frame_equal(loaded.metrics, many_accounts.metrics, check_exact=True)
    assert_frame_equal(loaded.creatives, many_accounts.creatives, check_exact=True)


def test_a_url_at_which_there_is_no_dataset_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(PartitionError, match=r"found no .*expected a dataset"):
        check_data_exists([f"file://{tmp_path}/absent"])
    assert not list(tmp_path.iterdir())


def test_a_run_reads_it_in_parts_and_leaves_the_tables_of_this_data_alone(root: str, settings: Settings):
    space = workspace([root], settings)
    with open_source([root], space, settings, ProgressCallbacks()) as (source, report):
        assert report is None
        assert isinstance(source, ShardedSource)
        source.work.put("of earlier data/x", source.creatives)
        assert len(source.snapshots(settings))
    left = {path.name for path in (space.folder / "parts").iterdir() if path.is_dir()}
    assert left == source.folders


def test_a_run_that_fails_keeps_its_tables(root: str, settings: Settings):
    space = workspace([root], settings)
    sources = []

    def fail() -> None:
        with open_source([root], space, settings, ProgressCallbacks()) as (source, _):
            sources.append(source)
            source.work.put("half/x", source.creatives)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert sources[0].work.done("half/x")


def test_a_dataset_beside_other_data_is_refused(root: str, settings: Settings):
    with pytest.raises(InputError, match=r"is a partitioned dataset; expected it alone"):
        dataset_of([root, "exports"], settings)


def test_a_dataset_of_other_settings_is_refused(root: str, settings: Settings):
    tags = settings.tags.model_copy(update={"extra": False})
    with pytest.raises(InputError, match=r"exported under other settings.*--partitioned --config"):
        dataset_of([root], settings.model_copy(update={"tags": tags}))


def test_the_folder_that_workers_share_holds_a_folder_for_this_workspace_and_the_rest_is_left_alone(
    root: str, settings: Settings, tmp_path: Path
):
    shared = tmp_path / "shared"
    space = workspace([root], settings)
    strangers = [shared / name for name in ("report.txt", "other/0/born.arrow", f"{space.name}/notes/read me.txt")]
    for stranger in strangers:
        stranger.parent.mkdir(parents=True, exist_ok=True)
        stranger.write_text("not ours")
    elsewhere = settings.model_copy(update={"dask": settings.dask.model_copy(update={"work": f"{shared}/"})})
    with open_source([root], space, elsewhere, ProgressCallbacks()) as (source, _):
        assert isinstance(source, ShardedSource)
        source.work.put("of earlier data/x", source.creatives)
        half_written = Path(source.work.root, "of earlier data", ".y.arrow.123")
        half_written.touch()
        assert len(source.snapshots(elsewhere))
    assert {path.name for path in (shared / space.name).iterdir()} == {*source.folders, "notes"}
    assert all(stranger.exists() for stranger in strangers)


def test_an_absent_scheduler_is_reported_before_exports_are_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("distributed")
    monkeypatch.setattr("training.sharded.cluster.SECONDS_TO_ANSWER", 1)
    monkeypatch.setattr("training.data.open_source.ingest", lambda *_, **__: pytest.fail("exports were read"))
    (tmp_path / "a.csv").write_text("素材ID\n1\n")
    dask_settings = settings.model_copy(update={"engine": "dask", "dask": Dask(scheduler="tcp://127.0.0.1:9")})
    data = [str(tmp_path / "a.csv")]
    space = workspace(data, dask_settings)
    with (
        pytest.raises(EngineError, match="no scheduler answered"),
        open_source(data, space, dask_settings, ProgressCallbacks()),
    ):
        pass
    assert not space.store.exists()

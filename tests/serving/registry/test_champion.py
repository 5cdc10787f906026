"""What is read from the registry's file is what MLflow says."""

import pytest

from serving.registry.champion import find
from serving.settings import Serving
from training.errors import BundleError
from training.registry import mlflow_tracking as tracking
from training.workspace import Workspace


def registered(tmp_path, bundle, name: str):
    space = Workspace(name, tmp_path / name, f"sqlite:///{tmp_path}/mlflow.db")
    space.folder.mkdir()
    with tracking.tracked_run(space) as run_id:
        return space, tracking.register(space, run_id, bundle, bundle, "a test")


@pytest.mark.filterwarnings("ignore")
def test_the_champion_is_the_one_that_mlflow_names(tmp_path, bundle) -> None:
    registry = tmp_path / "mlflow.db"
    settings = Serving(registry=registry)
    space, first = registered(tmp_path, bundle, "one")
    with pytest.raises(BundleError, match="no champion"):
        find(settings)
    tracking.crown(space, first)
    found = find(settings)
    assert (found.name, found.version) == (first.name, first.version)
    assert found.folder == tracking.fetch(space, first)
    assert found.seal == (bundle / "manifest.sha256").read_text().strip()

    with tracking.tracked_run(space) as run_id:
        second = tracking.register(space, run_id, bundle, bundle, "a better one")
    assert find(settings) == found
    tracking.crown(space, second)
    assert find(settings).version == second.version

    other, third = registered(tmp_path, bundle, "two")
    tracking.crown(other, third)
    with pytest.raises(BundleError, match="gpmcast-one, gpmcast-two"):
        find(settings)
    assert find(Serving(registry=registry, registered_model="gpmcast-two")).name == "gpmcast-two"

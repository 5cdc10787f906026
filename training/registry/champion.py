"""Which model predicts: the champion of the data's workspace, or a bundle that was named."""

from pathlib import Path

from features.partitions.folder import shown
from training.boosting.model import CreativeModel
from training.errors import BundleError
from training.registry import mlflow_tracking
from training.registry.bundle import Manifest, load_bundle
from training.workspace import Workspace


def model_for(space: Workspace, bundle: Path | None) -> tuple[CreativeModel, Manifest, str]:
    """A checked model, its manifest and what to call it.

    Raises:
        BundleError: There is no champion, or the bundle is refused.
    """
    if bundle is not None:
        return *load_bundle(bundle), str(bundle)
    reigning = mlflow_tracking.champion(space)
    if reigning is None:
        raise BundleError(
            f"No model of these data is registered (looked for the alias {mlflow_tracking.CHAMPION} of "
            f"{space.registered_model} in {shown(space.tracking_uri)}). Run `make train` with the same DATA and "
            "CONFIG, set `name:` in the config so that several folders share one model, or name a bundle with --model."
        )
    return *load_bundle(mlflow_tracking.fetch(space, reigning)), str(reigning)

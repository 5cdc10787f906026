"""Build a bento that starts without a network: the product's packages, its lock file, and one checked bundle."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from configs.errors import GpmcastError
from serving.inference.loaded_model import load_model
from serving.settings import BENTOML_ENVIRONMENT, PROCESS_ENVIRONMENT

ROOT = Path(__file__).parents[1]
PACKAGES = ("configs", "features", "serving", "training")
BENTOFILE = {
    "service": "serving.service:PredictionService",
    "description": "Forecasts what a short-video creative will earn next, and says why.",
    "include": [*(f"{name}/" for name in PACKAGES), "bundle/", "requirements.lock", "LICENSE"],
    "exclude": ["**/__pycache__/"],
    "python": {"requirements_txt": "requirements.lock", "lock_packages": False},
    "docker": {"system_packages": ["libgomp1"]},  # for LightGBM; slim images have none
    "envs": [{"name": name, "value": value} for name, value in (BENTOML_ENVIRONMENT | PROCESS_ENVIRONMENT).items()],
}


def build(bundle: Path, env: dict[str, str]) -> str:
    """Build a bento in BentoML's store.

    Args:
        bundle: A model bundle.
        env: Environment of the build; `BENTOML_HOME` is the folder of the store.

    Returns:
        Its tag.

    Raises:
        BundleError: The bundle is damaged or incomplete.
        GpmcastError: BentoML fails; the message is its own.
    """
    load_model(bundle)
    with tempfile.TemporaryDirectory(prefix="gpmcast-bento-") as place:
        folder = Path(place)
        for name in PACKAGES:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(bundle, folder / "bundle")
        for name in ("requirements.lock", "LICENSE"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "bentofile.yaml").write_text(yaml.safe_dump(BENTOFILE), encoding="utf-8")
        command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GpmcastError(f"The bento was not built: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout.strip().rpartition("\n")[2].removeprefix("__tag__:")

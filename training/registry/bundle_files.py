"""Files of a bundle: its manifest with the sha256 of every file, sealed by its own. Reads bytes, loads no model."""

import json
from hashlib import file_digest
from pathlib import Path
from typing import Any

from features.bilingual import Words
from training.errors import BundleError

MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
CURE = Words(
    "从模型库取一份没有改动的，或重新 make train。", "Take an unchanged copy from the model registry, or train again."
)


def read_sealed_manifest(folder: Path) -> dict[str, Any]:
    """Return the content of a bundle's manifest after a check of its hash; the other files are not read.

    Raises:
        BundleError: The manifest or its hash is missing or changed.
    """
    for name in (MANIFEST, SEAL):
        if not (folder / name).is_file():
            raise _refused(folder, Words(f"不是模型包：缺少 {name}", f"is no model bundle: {name} is missing"))
    if file_sha256(folder / MANIFEST) != (folder / SEAL).read_text(encoding="ascii", errors="replace").strip():
        changed = Words(
            f"{MANIFEST} 或 {SEAL} 被改动过", f"{MANIFEST} or {SEAL} was changed after the bundle was written"
        )
        raise _refused(folder, changed)
    content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return content


def check_files(folder: Path, files: dict[str, str]) -> None:
    """Check every byte of a bundle against its manifest.

    Args:
        folder: Of the bundle.
        files: Name → sha256, of the manifest.

    Raises:
        BundleError: A file is missing, added or changed.
    """
    found = {path.name for path in folder.iterdir()} - {MANIFEST, SEAL}
    for name in sorted(set(files) | found):
        if name not in found:
            raise _refused(folder, Words(f"缺少文件 {name}", f"the file {name} is missing"))
        if name not in files:
            raise _refused(
                folder, Words(f"文件 {name} 不属于这个模型包", f"the file {name} does not belong to the bundle")
            )
        if file_sha256(folder / name) != files[name]:
            changed = Words(f"文件 {name} 被改动过", f"the file {name} was changed after the bundle was written")
            raise _refused(folder, changed)


def _refused(folder: Path, why: Words) -> BundleError:
    return BundleError(f"{folder}: {why.en}. {CURE.en}", zh=f"{folder}：{why.zh}。处理：{CURE.zh}")


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()

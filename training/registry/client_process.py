"""MLflow's client in a process of its own: find the champion, download its bundle into the cache, end.

Started by `training.registry.champion_finder`, so that a service never holds MLflow in memory. The request comes as
JSON on standard input (addresses may hold passwords, which a command line would show), the answer goes to standard
output.
"""

import json
import os
import sys
import threading
import traceback
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel

from training.errors import BundleError
from training.mlflow_address import MlflowAddress
from training.registry import mlflow_client as client
from training.registry.bundle_cache import BundleCache
from training.registry.bundle_files import SEAL
from training.registry.registry_stamp import names_of


class Request(BaseModel):
    """What is asked.

    Attributes:
        tracking, registry: As in `MlflowAddress`.
        name: Registered model; empty: `preferred` if it has a champion, else the newest champion.
        preferred: Registered model.
        cache: Folder of the cache.
        most_bytes: Largest bundle.
        seconds: Until this process ends itself, done or not.
    """

    tracking: str
    registry: str
    name: str
    preferred: str
    cache: Path
    most_bytes: int
    seconds: float


def answer(request: Request) -> dict[str, object]:
    """Find the champion and bring its bundle into the cache.

    Raises:
        BundleError: There is none, or its files cannot be had or are damaged.
    """
    address = MlflowAddress(request.tracking, request.registry, "")
    champions = client.champions(address, names_of(request.name) if request.name else ())
    if not champions:
        found = ", ".join(one.name for one in client.champions(address)) if request.name else ""
        asked = f"（{request.name}）" if request.name else ""
        what = f" of {request.name}; it has champions of: {found or 'none'}" if request.name else ""
        raise BundleError(
            f"{address.place}: has no champion{what}. Run `make train`, or name a bundle (--bundle).",
            zh=f"{address.place}：还没有可用的模型{asked}。处理：先 make train。",
        )
    chosen = choose(champions, request.name or request.preferred)
    cache = BundleCache(request.cache)
    source = client.source_of(address, chosen)
    with cache.draft() as draft:
        sha256 = client.download_file(f"{source}/{SEAL}", draft).read_text("ascii", "replace").strip()
    if not cache.holds(sha256):
        with cache.draft() as draft:
            client.download(source, draft, request.most_bytes)
            try:
                sha256 = cache.add(draft)
            except BundleError as refusal:
                texts = (text.replace(str(draft), str(chosen)) for text in (str(refusal), refusal.zh))
                raise BundleError(next(texts), zh=next(texts)) from refusal
    others = sorted(str(one) for one in champions if one != chosen)
    return {**asdict(chosen), "sha256": sha256, "others": others}


def choose(champions: list[client.Registered], name: str) -> client.Registered:
    """Return the champion of this name, else the one that was registered last."""
    newest = max(champions, key=lambda one: (one.created_at, one.name))
    return next((one for one in champions if one.name == name), newest)


def main() -> None:
    """Answer the request on standard input."""
    request = Request.model_validate_json(sys.stdin.buffer.read())
    timer = threading.Timer(request.seconds, os._exit, (1,))  # whatever hangs, and if nobody waits any more
    timer.daemon = True
    timer.start()
    _limit_files(request.most_bytes)
    address = MlflowAddress(request.tracking, request.registry, "")
    with redirect_stdout(sys.stderr):
        try:
            content = answer(request)
        except BundleError as refusal:
            content = {"error": address.without_secrets(str(refusal)), "zh": address.without_secrets(refusal.zh)}
        except Exception as error:  # the process that asked tells a person, whatever it is
            traceback.print_exc()
            reason = address.without_secrets(f"{type(error).__name__}: {error}")
            content = {"error": f"{address.place}: cannot be read as an MLflow registry: {reason}"}
    print(json.dumps(content))


def _limit_files(most_bytes: int) -> None:
    """No file of this process grows beyond this, whatever a server says of its size."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


if __name__ == "__main__":
    main()

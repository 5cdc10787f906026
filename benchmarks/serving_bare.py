"""The bare application that the service is compared with: JSON of one creative in, one LightGBM row, JSON out.

    python -m benchmarks.serving_bare BUNDLE PORT [WORKERS]

Plain ASGI under uvicorn, nothing else: no check of the request, no features, no intervals, no keys, limits or ledger.
"""

import json
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import uvicorn


class Bare:
    """The application: every path answers with the prediction of one head of the bundle."""

    def __init__(self, bundle: Path) -> None:
        """Load the head with the largest file of trees."""
        largest = max(bundle.rglob("*.txt"), key=lambda path: path.stat().st_size)
        self._booster = lightgbm.Booster(model_file=largest)
        self._row = np.zeros((1, self._booster.num_feature()))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        content: dict[str, object] = {"ready": True}
        if body:
            creative = json.loads(body)["creatives"][0]
            numbers = [value for value in creative.values() if isinstance(value, float)]
            self._row[0, : len(numbers)] = numbers
            value = self._booster.predict(self._row, num_threads=1)[0]
            content = {"creative_id": creative["creative_id"], "value": float(value)}
        answer = json.dumps(content).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def make() -> Bare:
    """The application of a worker."""
    return Bare(Path(sys.argv[1]))


def main() -> None:
    """Serve until SIGTERM."""
    port, workers = int(sys.argv[2]), int((*sys.argv[3:], "1")[0])
    uvicorn.run(
        "benchmarks.serving_bare:make", factory=True, port=port, workers=workers, log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()

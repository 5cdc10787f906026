"""A minimal FastAPI application with the same predictions, without keys, limits, ledger and supervision.

The difference to the service is the cost of these. `benchmarks.serving_speed` starts it.
"""

import os
import sys
from pathlib import Path

import orjson
import pandas as pd
import uvicorn
from fastapi import FastAPI, Request, Response

from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.loaded_model import load_model
from serving.inference.predict import predictions

app = FastAPI()
SERVED = load_model(Path(os.environ["BENCH_BUNDLE"]))


@app.post("/v1/predict")
async def predict(request: Request) -> Response:
    """Predict with the same model."""
    parsed = parse_request(PredictRequest, await request.body(), SERVED.vocabulary)
    now = pd.Timestamp.now()
    result = predictions(SERVED, parsed.creatives, now=now, explain=parsed.explain, top=parsed.top)
    return Response(orjson.dumps({"predictions": result.answers}), media_type="application/json")


@app.get("/readyz")
def ready() -> dict[str, bool]:
    """Same path as of the service."""
    return {"ready": True}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")

"""Measure the CPU time of predictions in this process: 1, 16 and 500 creatives, plain and explained, then step by step.

    python -m benchmarks.prediction_speed [--bundle FOLDER] [--repeat 200]

Prints milliseconds, each the least of many calls: other processes can only add to it. Single steps take less time than
the same steps one after the other, whose code and data push each other out of the caches.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from benchmarks.serving_speed import make_bodies
from features.funnel_model.posterior import posteriors_of
from features.matrix.feature_matrix import build_features
from features.point_in_time.counts import columns_of_others, observe
from features.point_in_time.snapshots import latest_snapshots
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.creative_input import request_rows
from serving.inference.explain import explanations
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.model_watcher import find_bundle
from serving.inference.predict import predict_creatives, predictions
from serving.inference.request_warnings import request_warnings
from serving.settings import ServiceSettings
from training.boosting.model import predicted_values
from training.decision.advice import advise
from training.decision.status import statuses
from training.explanation.contributions import all_contributions

COUNTS = (1, 16, 500)


def main() -> None:
    """Print every measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="a bundle folder; else the champion")
    parser.add_argument("--repeat", type=int, default=200, help="calls of the shortest measurements")
    options = parser.parse_args()
    served = load_model(options.bundle or find_bundle(ServiceSettings()).folder)
    gc.collect()
    gc.freeze()  # as the service does
    trees = {name: booster.num_trees() for name, booster in served.model.boosters.items()}
    trees |= {figure: booster.num_trees() for figure, booster in served.model.volume.boosters.items()}
    print(f"{len(served.catalogue)} features; trees: {', '.join(f'{name} {count}' for name, count in trees.items())}")
    bodies = bodies_of(served)
    for count, body in bodies.items():
        for explain in (False, True):
            times = max(options.repeat // count, 3)
            work, size = whole(served, body, explain=explain)
            label = f"{count} creatives, {'explained' if explain else 'plain'}"
            print(f"{label:44} {cpu(work, times):10.3f} ms   {size:,} bytes of JSON")
    print("one creative, step by step")
    for name, step in steps(served, bodies[1]).items():
        print(f"  {name:42} {cpu(step, options.repeat):10.3f} ms")
    print("500 creatives explained: what none of our code can go below")
    for name, step in floors(served, bodies[500]).items():
        print(f"  {name:42} {cpu(step, 3):10.3f} ms")


def bodies_of(served: LoadedModel) -> dict[int, bytes]:
    """Number of creatives → body of a request; every other one runs for six hours."""
    made = make_bodies(served)
    creatives = json.loads(made["many"])["creatives"]
    return {count: made["one"] if count == 1 else dumped(creatives[:count]) for count in COUNTS}


def dumped(creatives: list[object]) -> bytes:
    """Body of a request."""
    return json.dumps({"creatives": creatives}).encode()


def whole(served: LoadedModel, body: bytes, *, explain: bool) -> tuple[Callable[[], bytes], int]:
    """From parsed creatives to the JSON of their answers, and its length."""
    creatives, now = parse_request(PredictRequest, body, served.vocabulary).creatives, served.history_until

    def work() -> bytes:
        return orjson.dumps(predictions(served, creatives, now=now, explain=explain).answers)

    return work, len(work())


def steps(served: LoadedModel, body: bytes) -> dict[str, Callable[[], object]]:
    """The steps of a prediction and of its explanation, each with the results of those before it."""
    creatives, now = parse_request(PredictRequest, body, served.vocabulary).creatives, served.history_until
    model, settings = served.model, served.manifest.settings
    fitted = model.fitted

    def rows_of() -> object:
        return request_rows(creatives, served.tag_names, served.metric_columns, served.zone)

    rows = request_rows(creatives, served.tag_names, served.metric_columns, served.zone)
    others = columns_of_others(served.as_of.of(rows.creatives))
    snapshots = latest_snapshots(rows, served.as_of.moment)
    done = predict_creatives(served, creatives)
    observed, features, predicted = done.observed, done.features, done.predicted
    own = np.full(len(creatives), np.nan)
    status = statuses(observed, served.as_of.reported_until(observed))
    stages, targets = all_contributions(model, features)
    return {
        "parse and check the request": lambda: parse_request(PredictRequest, body, served.vocabulary),
        "request to arrays": rows_of,
        "sums of others": lambda: columns_of_others(served.as_of.of(rows.creatives)),
        "launch and cutoff": lambda: latest_snapshots(rows, served.as_of.moment),
        "own counts": lambda: observe(snapshots, rows, others, fitted.funnel, settings),
        "features": lambda: build_features(observed, fitted),
        "– of it: prior and posterior of all stages": lambda: posteriors_of(
            observed, fitted.funnel, fitted.priors, fitted.funnel_models, fitted.prior_arrays
        ),
        "heads and later volume": lambda: model.log_heads(features),
        "– of it: LightGBM": lambda: [
            booster.predict(features.values.matrix, raw_score=True, num_threads=1)
            for booster in (*model.boosters.values(), *model.volume.boosters.values())
        ],
        "rates and targets": lambda: predicted_values(features, model.log_heads(features), fitted.funnel),
        "distributions, intervals, chances, verdict": lambda: advise(
            predicted, features, observed, status, model, settings, own
        ),
        "warnings": lambda: request_warnings(served, creatives, observed, done.summed, done.unreported, now),
        "contributions": lambda: all_contributions(model, features),
        "– of it: LightGBM's SHAP values": lambda: [
            booster.predict(features.values.matrix, pred_contrib=True, num_threads=1)
            for booster in model.boosters.values()
        ],
        "explanation as JSON": lambda: explanations(features, served.feature_texts, stages, targets, None),
    }


def floors(served: LoadedModel, body: bytes) -> dict[str, Callable[[], object]]:
    """LightGBM's SHAP values, orjson's text of the contributions' numbers alone, and a copy of the answer."""
    creatives, model = parse_request(PredictRequest, body, served.vocabulary).creatives, served.model
    features = predict_creatives(served, creatives).features
    explained = [own for part in all_contributions(model, features) for own in part.values()]
    logs = np.concatenate([table[table != 0] for own in explained for table in (own.effects, own.shap)])
    numbers = np.stack([logs, np.exp(logs)])
    text = whole(served, body, explain=True)[0]()
    return {
        "LightGBM's SHAP values": lambda: [
            booster.predict(features.values.matrix, pred_contrib=True, num_threads=1)
            for booster in model.boosters.values()
        ],
        f"orjson: {numbers.size:,} numbers": lambda: orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY),
        f"a copy of {len(text):,} bytes": lambda: bytearray(text),
    }


def cpu(work: Callable[[], object], times: int) -> float:
    """Least CPU milliseconds of so many calls."""
    work()
    best = float("inf")
    for _ in range(times):
        before = time.process_time()
        work()
        best = min(best, time.process_time() - before)
    return best * 1000


if __name__ == "__main__":
    main()

"""Where does the time of one prediction go?

    python -m benchmarks.serving_profile [--bundle FOLDER] [--explain]

Shares of the CPU time of one creative with hours of metrics, from its request to its answer, in this process. A
profile makes small functions look slower than they are: the shares tell where to look, not what is saved.
"""

import argparse
import cProfile
import pstats
import time
from pathlib import Path

from benchmarks.serving_speed import make_bodies
from serving.api.requests import PredictRequest
from serving.api.validation import asked
from serving.inference.loaded_model import load_model
from serving.inference.predict import predictions
from serving.registry.champion import find
from serving.settings import Serving

TIMES = 500
WHOLE = ("serving/inference/predict.py", "predictions")
PARTS = {
    "counts of the creative and of the others": [("features/point_in_time/request_counts.py", "observe_given")],
    "start of all stages (mixed model, history, own counts)": [("features/funnel_model/posterior.py", "posteriors_of")],
    "words, numbers and the row of features": [("features/matrix/feature_matrix.py", "build_features")],
    "trees, volume, rates and targets": [
        ("training/boosting/model.py", "log_rates"),
        ("training/boosting/stage_targets.py", "composed"),
    ],
    "distributions of all targets": [("training/uncertainty/all_targets.py", "told")],
    "intervals": [("training/uncertainty/intervals.py", "ends")],
    "chances, evidence, verdict": [("training/decision/advice.py", "advise")],
    "warnings": [("serving/inference/warnings.py", "warnings_of")],
    "contributions": [("serving/inference/predict.py", "explained")],
}
INSIDE = {
    "words, numbers and the row of features": ["start of all stages (mixed model, history, own counts)"],
    "chances, evidence, verdict": ["distributions of all targets", "intervals"],
}
"""Parts whose functions call those of other parts, which are told on their own."""


def main() -> None:
    """Print the shares, and CPU milliseconds of the whole without the profiler."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="else the champion of var/mlflow.db")
    parser.add_argument("--explain", action="store_true", help="with all contributions")
    told = parser.parse_args()
    served = load_model(told.bundle or find(Serving()).folder)
    request = asked(PredictRequest, make_bodies(served)["one"], served.known)

    def work() -> None:
        predictions(served, request.creatives, now=served.standing.moment, explain=told.explain)

    for _ in range(20):
        work()
    began = time.process_time()
    for _ in range(TIMES):
        work()
    alone = (time.process_time() - began) / TIMES * 1000
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for _ in range(TIMES):
        work()
    profile.disable()
    shares = shares_of(pstats.Stats(profile))
    print(f"one creative{', all contributions' if told.explain else ''}: {alone:.2f} ms CPU")
    for name, share in shares.items():
        print(f"  {name:56} {share:4.0%}")


def shares_of(stats: pstats.Stats) -> dict[str, float]:
    """Share of the whole that each part takes, without the parts inside it; the rest at the end."""
    taken: dict[tuple[str, str], float] = {}
    for (file, _, function), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        key = "/".join(Path(file).parts[-2:]), function
        taken[key] = max(taken.get(key, 0.0), cumulative)
    whole = taken[WHOLE]
    gross = {name: sum(taken.get(key, 0.0) for key in keys) for name, keys in PARTS.items()}
    net = {name: spent - sum(gross[part] for part in INSIDE.get(name, [])) for name, spent in gross.items()}
    shares = {name: spent / whole for name, spent in net.items() if spent > 0}
    return {**shares, "answer, and what is between": 1.0 - sum(shares.values())}


if __name__ == "__main__":
    main()

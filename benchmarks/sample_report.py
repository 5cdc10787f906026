"""The sample's report and the world that it is of, for benchmarks that hold the report against the truth."""

import argparse
from pathlib import Path

from configs.settings import Settings
from features.store.inputs import load_data
from sample.world import World, build
from sample.worlds import DEFAULT, WORLDS
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.run import ReportRequest, model_of
from training.workspace import workspace


def report_and_world(description: str) -> tuple[ReportContext, World, int]:
    """Read the command's options; return the context of the sample's report, its world, and the world's seed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=Path("var/sample-exports"), help="exports of the sample world")
    parser.add_argument("--world", choices=list(WORLDS), default=DEFAULT)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--creatives", type=int, default=4000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--model", type=Path, help="bundle folder; default: the champion of the data")
    options = parser.parse_args()
    settings = Settings()
    space = workspace([str(options.data)], settings)
    request = ReportRequest([str(options.data)], Path("report.html"), CreativeFilter(), bundle=options.model)
    loaded, _ = load_data([str(options.data)], space.store, settings)
    context = build_context(model_of(request, settings, space), loaded, request.creative_filter)
    return context, build(options.seed, WORLDS[options.world], options.creatives, options.days), options.seed

"""Measure the report: seconds of each phase, megabytes of the file, and how fast a browser opens and filters it.

    python -m benchmarks.report_speed [--creatives 4000] [--data var/sample-exports] [--bundle FOLDER]

`--creatives` takes so many of the data at random, with their metrics. Wall-clock seconds stand beside
CPU seconds, because other processes can only add to the first.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace as with_fields
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.browser import chromium, find_chromium
from configs.settings import CONFIG_DIR, load_settings
from features.schema import KEY, Loaded
from features.store.inputs import load_data
from serving.report.context import CreativeFilter
from serving.report.data import report_data
from serving.report.render import render
from serving.report.run import ReportRequest, evaluation_of, model_of
from training.progress import ProgressCallbacks
from training.workspace import workspace

FILTER = "[data-filter=account_id]"
CHANGES = 8
"""Changes of a filter that are timed in the browser."""


@dataclass
class PhaseTimes:
    """Wall-clock and CPU seconds of phases, in the order in which they began."""

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    _open: str = ""
    _began: tuple[float, float] = (0.0, 0.0)

    def begin(self, name: str) -> None:
        """A phase begins, the one before ends."""
        now = time.perf_counter(), time.process_time()
        if self._open:
            self.seconds[self._open] = now[0] - self._began[0], now[1] - self._began[1]
        self._open, self._began = name, now


def main() -> None:
    """Print every measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--creatives", type=int, default=4000)
    parser.add_argument("--data", default="var/sample-exports")
    parser.add_argument("--config", type=Path, default=CONFIG_DIR / "default.yaml")
    parser.add_argument("--bundle", type=Path, help="a bundle folder; else the champion of the data")
    options = parser.parse_args()
    settings, times = load_settings(options.config), PhaseTimes()
    space = workspace([options.data], settings)
    times.begin("read")
    loaded_model = model_of(ReportRequest([options.data], Path("x.html"), bundle=options.bundle), settings, space)
    loaded, _ = load_data([options.data], space.store, settings)
    chosen = some_creatives(loaded, options.creatives)
    progress = ProgressCallbacks(phase=times.begin)
    data = report_data(loaded_model, chosen, CreativeFilter(), evaluation_of(space), progress)
    times.begin("page")
    page = render(data)
    times.begin("end")
    print(f"{len(data.creatives):,} creatives, {len(chosen.metrics):,} rows of metrics")
    for name, (wall, cpu) in times.seconds.items():
        print(f"{name:10} {wall:6.1f} s   {cpu:6.1f} s of CPU")
    wall, cpu = (sum(ends) for ends in zip(*times.seconds.values()))
    print(f"{'all':10} {wall:6.1f} s   {cpu:6.1f} s of CPU")
    print(f"file       {len(page.encode()) / 1e6:6.2f} MB")
    program = find_chromium()
    if program is None:
        print("no Chromium: the file was not opened")
        return
    with page_in_browser(program, page) as (opened, changed):
        print(f"opened in  {opened:6.2f} s")
        print(f"filtered in {changed:5.0f} ms, the slowest of {CHANGES} changes")


def some_creatives(loaded: Loaded, count: int, seed: int = 7) -> Loaded:
    """The data of so many creatives, chosen at random; all of them where there are fewer."""
    creatives = loaded.creatives
    if len(creatives) <= count:
        return loaded
    kept = creatives.iloc[np.sort(np.random.default_rng(seed).choice(len(creatives), count, replace=False))]
    of_kept = pd.MultiIndex.from_frame(loaded.metrics[KEY]).isin(pd.MultiIndex.from_frame(kept[KEY]))
    return with_fields(
        loaded, creatives=kept.reset_index(drop=True), metrics=loaded.metrics[of_kept].reset_index(drop=True)
    )


@contextmanager
def page_in_browser(program: str, page: str) -> Iterator[tuple[float, float]]:
    """Seconds until the file is loaded, and the most milliseconds that a change of the account filter takes."""
    with tempfile.TemporaryDirectory() as folder, chromium(program) as browser:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        tab = browser.new_page(viewport={"width": 1400, "height": 900})
        began = time.perf_counter()
        tab.goto(file.as_uri(), wait_until="load")
        opened = time.perf_counter() - began
        slowest = tab.evaluate(
            """([selector, changes]) => {
                const choice = document.querySelector(selector);
                let slowest = 0;
                for (let change = 0; choice && change < changes; change += 1) {
                    choice.selectedIndex = (change + 1) % choice.options.length;
                    const began = performance.now();
                    choice.dispatchEvent(new Event("change"));
                    document.body.offsetHeight;
                    slowest = Math.max(slowest, performance.now() - began);
                }
                return slowest;
            }""",
            [FILTER, CHANGES],
        )
        yield opened, float(slowest)


if __name__ == "__main__":
    main()

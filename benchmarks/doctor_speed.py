"""Seconds that `make doctor` takes: `python -m benchmarks.doctor_speed [--data FOLDER] [--runs N]`.

Runs the command as a person does, in a new process, and prints the least of its runs; of that, what importing takes.
Without `--data` it makes exports of the sample world, about 50 MB.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CREATIVES = 3000
"""Creatives of the sample world whose exports have about 50 MB."""
IMPORTS = "import training.__main__, training.doctor.examine, training.doctor.screen"


def least(arguments: Sequence[str], runs: int) -> tuple[float, float]:
    """Return the least seconds of several runs of Python with these arguments, by the clock and of the processor."""
    wall, cpu = [], []
    for _ in range(runs):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            capture_output=True,
            check=False,
            env={**os.environ, "COLUMNS": "160"},
        )
        wall.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if b"Traceback" in done.stderr:
            raise RuntimeError(done.stderr.decode("utf-8", "replace"))
    return min(wall), min(cpu)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doctor_speed", description=__doc__)
    parser.add_argument("--data", help="exports; default: of the sample world, about 50 MB")
    parser.add_argument("--runs", type=int, default=5, help="runs, of which the least counts (default: 5)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gpmcast-doctor-speed-") as name:
        data = options.data or f"{name}/exports"
        if not options.data:
            sample = ["-m", "sample", "--out", data, "--truth", f"{name}/truth.parquet"]
            subprocess.run([sys.executable, *sample, "--creatives", str(CREATIVES)], cwd=ROOT, check=True)
        size = sum(path.stat().st_size for path in Path(data).rglob("*") if path.is_file())
        whole = least(["-m", "training", "doctor", "--data", str(data), "--lang", "zh"], options.runs)
        imports = least(["-c", IMPORTS], options.runs)
    print(f"| doctor, {size / 1e6:.0f} MB | seconds | of the processor |\n|---|---|---|")
    print(f"| whole | {whole[0]:.2f} | {whole[1]:.2f} |\n| of that imports | {imports[0]:.2f} | {imports[1]:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure time and memory of each step from export files to predictions, by size of the data.

    python -m benchmarks.scale                                   # 0.1, 1, 5 and 10 million rows of metrics
    python -m benchmarks.scale --rows 100000 --rows 1000000      # only these

Prints seconds, rows per second and peak memory of every step, and its growth: the slope of log seconds over log rows
is 1 where twice the rows take twice the time. Results of a size are kept under var/scale, so an interrupted run
continues there; `--anew` measures again. Exports and store of a size are removed once it is measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from benchmarks.scale_exports import write_exports
from benchmarks.scale_table import Measured, growth_table
from benchmarks.scale_world import unchecked_world
from features.atomic_write import write_text

SIZES = [100_000, 1_000_000, 5_000_000, 10_000_000]
FIT_MAX_ROWS = SIZES[-1]
"""Rows of metrics up to which the fit is measured."""
LEAST_MB = 2000
MEMORY_SHARE = 0.9
"""Share of the free memory that a step may take; a step that needs more fails, instead of other processes."""
NEEDED_BYTES = 800
"""Free disk per row of metrics: exports, the store, and intermediate files."""


def main() -> None:
    """Measure the sizes, write the results, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--rows", type=int, action="append", help=f"rows of metrics; default {SIZES}")
    parser.add_argument("--fit-most", type=int, default=FIT_MAX_ROWS, help="rows up to which a model is fitted")
    parser.add_argument("--anew", action="store_true", help="measure these sizes again")
    parser.add_argument("--most-mb", type=int, help="memory that steps may take; default nine tenths of what is free")
    parser.add_argument("--out", type=Path, default=Path("var/scale"), help="folder of the results")
    options = parser.parse_args()
    sizes = sorted(set(options.rows or SIZES))
    if min(sizes) < 1000:
        parser.error(f"--rows: expected at least 1000, found {min(sizes)}: less holds nothing to fit a model on.")
    if options.most_mb is not None and options.most_mb < LEAST_MB:
        parser.error(f"--most-mb: expected at least {LEAST_MB}, found {options.most_mb}: no step runs in less.")
    options.out.mkdir(parents=True, exist_ok=True)
    text = measure_growth(sizes, options.out, options.fit_most, options.most_mb, anew=options.anew)
    print(f"\n{text}")


def measure_growth(
    sizes: Sequence[int], out: Path, fit_most: int, most_mb: int | None = None, *, anew: bool = False
) -> str:
    """Measure each size that has no result yet; return the table of all as Markdown.

    Args:
        sizes: Rows of metrics.
        out: Folder of the results, `<rows>.json` each.
        fit_most: Rows up to which a model is fitted.
        most_mb: Memory that steps may take, in MB; None: MEMORY_SHARE of what is free.
        anew: Whether sizes with results are measured again.
    """
    found = {}
    for rows in sizes:
        result = out / f"{rows}.json"
        if anew:
            result.unlink(missing_ok=True)
        if not result.exists():
            write_text(json.dumps(_measure_size(rows, out, fit=rows <= fit_most, most_mb=most_mb), indent=1), result)
        found[rows] = json.loads(result.read_text(encoding="utf-8"))
    text = growth_table(found)
    write_text(json.dumps({str(rows): measured for rows, measured in found.items()}, indent=1), out / "scale.json")
    (out / "scale.md").write_text(text, encoding="utf-8")
    return text


def _measure_size(rows: int, out: Path, *, fit: bool, most_mb: int | None) -> Measured:
    """Measure all steps on exports of a world of this size; the exports exist only meanwhile."""
    work = out / f"work-{rows}"
    shutil.rmtree(work, ignore_errors=True)
    free = shutil.disk_usage(out).free
    if free < rows * NEEDED_BYTES:
        sys.exit(
            f"{out}: {rows:,} rows need about {rows * NEEDED_BYTES / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are "
            "free. Name another folder (--out) or smaller sizes (--rows)."
        )
    try:
        print(f"{rows:,} rows of metrics: writing exports", flush=True)
        # In a process of its own, so that its memory does not count as that of the steps.
        writer = get_context("spawn").Process(target=_write_world, args=(rows, work))
        writer.start()
        writer.join()
        if writer.exitcode:
            sys.exit(f"{work}: the exports could not be written.")
        measured = _run_steps(work, fit=fit, most_mb=most_mb)
        return {**measured, "exports": json.loads((work / "written.json").read_text(encoding="utf-8"))}
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_world(rows: int, work: Path) -> None:
    written = write_exports(*unchecked_world(rows), work / "exports")
    write_text(json.dumps(asdict(written), indent=1), work / "written.json")
    print(f"  {written.files:,} files, {written.rows:,} rows, {written.bytes / 1e6:,.0f} MB", flush=True)


def _run_steps(work: Path, *, fit: bool, most_mb: int | None = None) -> Measured:
    """Run `benchmarks.scale_steps` once, in a process of its own."""
    store, out = work / "store.duckdb", work / "measured.json"
    most_mb = most_mb or int(_free_mb() * MEMORY_SHARE)
    command = [sys.executable, "-m", "benchmarks.scale_steps", "--exports", str(work / "exports")]
    command += ["--store", str(store), "--out", str(out), "--most-mb", str(most_mb), *["--fit"] * fit]
    root = str(Path(__file__).parents[1])
    if subprocess.run(command, env={**os.environ, "PYTHONPATH": root}, check=False).returncode:
        sys.exit("A step failed; sizes measured before it are kept.")
    measured = json.loads(out.read_text(encoding="utf-8"))
    measured["steps"].pop(measured["stopped"].split(":")[0], None)  # a step of which a part failed is incomplete
    return {**measured, "most_mb": most_mb}


def _free_mb() -> float:
    """Free memory in MB; 0 where the system does not report it."""
    memory = Path("/proc/meminfo")
    lines = memory.read_text(encoding="ascii").splitlines() if memory.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024


if __name__ == "__main__":
    main()

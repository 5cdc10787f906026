"""What does growth cost? Each step from export files to predictions at several sizes, on this machine.

    python -m benchmarks.scale                                   # 0.1, 1, 5 and 10 million rows of metrics
    python -m benchmarks.scale --rows 100000 --rows 1000000      # only these
    python -m benchmarks.scale --rows 1000000 --beside FOLDER    # and with the code of another checkout

Prints seconds, rows a second and peak of memory of every step, and by how much it grows: the slope of log seconds over
log rows is 1 where twice the rows take twice the time. What was measured of a size is kept under var/scale, so a
stopped run goes on from there; `--anew` forgets it. Exports and store of a size are removed once it is measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.scale_exports import write_exports
from benchmarks.scale_table import beside_table, growth_table
from benchmarks.scale_world import unchecked

HERE = Path(__file__).parents[1]
STEPS = Path("benchmarks/scale_steps.py")
SIZES = [100_000, 1_000_000, 5_000_000, 10_000_000]
FIT_MOST = SIZES[-1]
"""Rows of metrics up to which the fit is measured."""
LEAST_MB = 2000
MEMORY_SHARE = 0.9
"""Of the memory that is free: a step that needs more is not measured, instead of stopping what else runs."""
NEEDED_BYTES = 800
"""Of free disk per row of metrics: exports, the store, and what is made on the way."""

Measured = dict[str, Any]


def main() -> None:
    """Measure what was asked for, write it, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--rows", type=int, action="append", help=f"of metrics; else {SIZES}")
    parser.add_argument("--fit-most", type=int, default=FIT_MOST, help="rows of metrics up to which a model is fitted")
    parser.add_argument("--anew", action="store_true", help="forget what was measured of these sizes")
    parser.add_argument("--beside", type=Path, help="root of another checkout: the ratios of its times to ours")
    parser.add_argument("--times", type=int, default=1, help="runs of each beside the other; the best counts")
    parser.add_argument("--most-mb", type=int, help="memory that steps may take; else nine tenths of what is free")
    parser.add_argument("--out", type=Path, default=Path("var/scale"), help="folder of the results")
    given = parser.parse_args()
    sizes = sorted(set(given.rows or SIZES))
    if min(sizes) < 1000:
        parser.error(f"--rows: expected at least 1000, found {min(sizes)}: less holds nothing to fit a model on.")
    if given.beside and not (given.beside / "features").is_dir():
        parser.error(f"--beside: expected the root of a checkout of gpmcast, found no features/ in {given.beside}.")
    if given.most_mb is not None and given.most_mb < LEAST_MB:
        parser.error(f"--most-mb: expected at least {LEAST_MB}, found {given.most_mb}: no step runs in less.")
    given.out.mkdir(parents=True, exist_ok=True)
    if given.beside:
        beside, times = given.beside.resolve(), given.times
        text = compare(sizes, beside, given.out, given.fit_most, times, given.most_mb)
    else:
        text = grow(sizes, given.out, given.fit_most, given.most_mb, anew=given.anew)
    print(f"\n{text}")


def grow(sizes: Sequence[int], out: Path, fit_most: int, most_mb: int | None = None, *, anew: bool = False) -> str:
    """The table of growth over these sizes; those measured before are taken as they are, unless anew."""
    found = {}
    for rows in sizes:
        kept = out / f"{rows}.json"
        if anew:
            kept.unlink(missing_ok=True)
        if not kept.exists():
            measured = _exported(rows, out, partial(_steps, checkout=HERE, fit=rows <= fit_most, most_mb=most_mb))
            _keep(kept, measured)
        found[rows] = json.loads(kept.read_text(encoding="utf-8"))
    text = growth_table(found)
    _keep(out / "scale.json", {str(rows): measured for rows, measured in found.items()})
    (out / "scale.md").write_text(text, encoding="utf-8")
    return text


def compare(
    sizes: Sequence[int], beside: Path, out: Path, fit_most: int, times: int, most_mb: int | None = None
) -> str:
    """The table of ratios: another checkout's code and this one's, one after the other, on the same exports."""
    found = {}
    for rows in sizes:

        def both(work: Path, fit: bool = rows <= fit_most) -> Measured:
            runs: dict[str, list[Measured]] = {"beside": [], "here": []}
            for _ in range(times):
                runs["beside"].append(_steps(work, beside, fit=fit, digest=True, most_mb=most_mb))
                runs["here"].append(_steps(work, HERE, fit=fit, digest=True, most_mb=most_mb))
            return {name: least(several) for name, several in runs.items()}

        found[rows] = _exported(rows, out, both)
    text = beside_table(found)
    _keep(out / "beside.json", {str(rows): measured for rows, measured in found.items()})
    (out / "beside.md").write_text(text, encoding="utf-8")
    return text


def least(runs: Sequence[Measured]) -> Measured:
    """Of several runs of the same, the least seconds and the least peak of every step."""
    steps = {
        name: {what: min(run["steps"][name][what] for run in runs) for what in told}
        for name, told in runs[0]["steps"].items()
    }
    return {**runs[0], "steps": steps}


def _exported(rows: int, out: Path, measure: Any) -> Measured:
    """What is measured on the exports of a world of so many rows, which are there only as long."""
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
        # A process of its own: what drawing a world takes is not to be found in what reading it takes.
        writer = get_context("spawn").Process(target=_write, args=(rows, work))
        writer.start()
        writer.join()
        if writer.exitcode:
            sys.exit(f"{work}: the exports could not be written.")
        measured: Measured = measure(work)
        return {**measured, "exports": json.loads((work / "written.json").read_text(encoding="utf-8"))}
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write(rows: int, work: Path) -> None:
    written = write_exports(*unchecked(rows), work / "exports")
    _keep(work / "written.json", asdict(written))
    print(f"  {written.files:,} files, {written.rows:,} rows, {written.bytes / 1e6:,.0f} MB", flush=True)


def _steps(work: Path, checkout: Path, *, fit: bool, digest: bool = False, most_mb: int | None = None) -> Measured:
    """One run of all steps with the code of a checkout."""
    store, out = work / "store.duckdb", work / "measured.json"
    store.unlink(missing_ok=True)
    command = [sys.executable, "-P", str(HERE / STEPS), "--exports", str(work / "exports")]
    command += ["--store", str(store), "--out", str(out), *["--fit"] * fit, *["--digest"] * digest]
    most_mb = most_mb or int(_free_mb() * MEMORY_SHARE)
    command += ["--most-mb", str(most_mb)]
    if checkout != HERE:
        print(f" {checkout}", flush=True)
    if subprocess.run(command, env={**os.environ, "PYTHONPATH": str(checkout)}, check=False).returncode:
        sys.exit("A step failed; sizes measured before it are kept.")
    store.unlink(missing_ok=True)
    measured = json.loads(out.read_text(encoding="utf-8"))
    measured["steps"].pop(measured["stopped"].split(":")[0], None)  # some of its parts are not the whole
    return {**measured, "most_mb": most_mb}


def _free_mb() -> float:
    """Memory that is free; 0 where the system does not tell."""
    told = Path("/proc/meminfo")
    lines = told.read_text(encoding="ascii").splitlines() if told.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024


def _keep(path: Path, told: Mapping[str, Any]) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(told, indent=1), encoding="utf-8")
    unfinished.replace(path)


if __name__ == "__main__":
    main()

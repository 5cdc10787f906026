"""What `doctor` and `train` say of spoilt and odd exports: `python -m benchmarks.odd_inputs [--only NAME]`.

Makes each input of `benchmarks.odd_exports` from a small sample, runs both commands on it with a small config, and
prints a table of what a person sees, exit codes and seconds. A row fails that is silent, shows a traceback, lacks the
words that must be said, has another exit code, or, in Chinese, shows an English sentence.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.odd_exports import END, OddInput, make_input, odd_inputs
from benchmarks.odd_tables import plain_sample
from features.bilingual import Language, Words

ROOT = Path(__file__).parents[1]
CONFIG = "var: {var}\ntune: {{trials: 1}}\ntrees: {{rounds: 20}}\n"
SHOWN = 220
"""Characters of the main line that are shown."""
ENGLISH = re.compile(r"(?:\b[A-Za-z][a-z']+\b[ ,;:]+){6}")
"""A sentence in English: six words in a row."""
HALF_WIDTH = re.compile("[\u4e00-\u9fff”] ?[,;:!]")
"""Half-width punctuation after Chinese, but for lines of a source config."""
DAC_OVERRIDE, DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


@dataclass(frozen=True)
class Said:
    """What one command said of one input.

    Attributes:
        exit_code: Its exit code.
        cpu_s: Seconds of the processor that it took.
        line: The line with the words that must be said, else the last one.
        faults: What is wrong with it.
        text: All of it.
    """

    exit_code: int
    cpu_s: float
    line: str
    faults: tuple[str, ...]
    text: str


def run(
    command: str, odd: OddInput, data: Path, config: Path, language: Language, expected: Words, exit_code: int
) -> Said:
    """Run one command on one input, as a person does.

    Args:
        command: `doctor` or `train`.
        odd: The input.
        data: Its path.
        config: Config of the run.
        language: Of the messages.
        expected: Words that must be said.
        exit_code: That must be returned.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "training", command, "--data", str(data), "--config", str(config), "--lang", language],
        cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=_drop_rights if odd.locked else None,
        env={**os.environ, "COLUMNS": "160", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    text = done.stdout + done.stderr
    words = expected.in_language(language)
    lines = [line.strip(" ✗·-") for line in text.splitlines() if line.strip()]
    line = next((line for line in lines if words in line), lines[-1] if lines else "")
    faults = []
    if not lines:
        faults.append("silent")
    if "Traceback" in text:
        faults.append("traceback")
    if words not in text:
        faults.append(f"not said: {words}")
    if done.returncode != exit_code:
        faults.append(f"exit code {done.returncode}, not {exit_code}")
    if language == "zh" and (found := ENGLISH.search(text)):
        faults.append(f"English: {text[found.start() : found.start() + 80]!r}")
    for shown in text.splitlines() if language == "zh" else ():
        if HALF_WIDTH.search(shown) and ".yaml" not in shown:
            faults.append(f"half-width punctuation: {shown.strip()[:80]!r}")
    return Said(done.returncode, cpu, line, tuple(faults), text)


def examine_input(
    odd: OddInput, plain: Path, folder: Path, config: Path, language: Language, *, train: bool
) -> dict[str, Said]:
    """Make one input, and run the doctor and, where asked for, a training run on it; command → what it said."""
    data = make_input(odd, plain, folder)
    said = {"doctor": run("doctor", odd, data, config, language, odd.doctor, odd.exits[0])}
    if train:
        expected = odd.train or (END if odd.exits[1] == 0 else odd.doctor)
        said["train"] = run("train", odd, data, config, language, expected, odd.exits[1])
    return said


def row(odd: OddInput, found: Sequence[Said], language: Language) -> str:
    """One row of the table, in Markdown: of each command the line that matters, its exit code and its CPU seconds."""
    cells = [odd.about.in_language(language)]
    for said in found:
        cells += [_cut(said.line), str(said.exit_code), f"{said.cpu_s:.1f}"]
    return "| " + " | ".join(cells) + " |"


def _cut(line: str) -> str:
    line = re.sub(r"/\S*/(?=[^/\s]+)", "", line).replace("|", "/").replace("`", "")
    line = re.sub(r"\s{2,}", " ", line)
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def _drop_rights() -> None:
    """Give up root's right to read every file, in the process to be started."""
    libc = ctypes.CDLL(None)
    for right in (DAC_OVERRIDE, DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 where a row fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.odd_inputs", description=__doc__)
    parser.add_argument("--only", action="append", help="name of an input; may be repeated")
    parser.add_argument("--language", choices=["zh", "en"], default="zh")
    parser.add_argument("--big", action="store_true", help="also a file of 2.2 GB (sparse: it takes no room)")
    parser.add_argument("--full", action="store_true", help="print all that was said, too")
    parser.add_argument("--no-train", action="store_true", help="the doctor alone")
    options = parser.parse_args(arguments)
    chosen = [
        odd for odd in odd_inputs()
        if (odd.name in options.only if options.only else options.big or not odd.big)
    ]  # fmt: skip
    failed = 0
    commands = ["doctor"] if options.no_train else ["doctor", "train"]
    heads = ["input" if options.language == "en" else "输入"]
    for command in commands:
        heads += [command, *(("exit", "s") if options.language == "en" else ("退出码", "秒"))]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|", flush=True)
    with tempfile.TemporaryDirectory(prefix="gpmcast-odd-") as name:
        folder = Path(name)
        config = folder / "config.yaml"
        config.write_text(CONFIG.format(var=folder / "var"), "utf-8")
        plain = plain_sample(folder)
        for odd in chosen:
            found = examine_input(odd, plain, folder, config, options.language, train=not options.no_train)
            print(row(odd, list(found.values()), options.language), flush=True)
            for command, said in found.items():
                failed += bool(said.faults)
                for fault in said.faults:
                    print(f"  ✗ {odd.name}, {command}: {fault}", file=sys.stderr, flush=True)
                if options.full:
                    print(f"--- {odd.name}, {command}\n{said.text}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

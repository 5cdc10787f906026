"""What a command shows while it runs: a line per phase with bar and time left; everything else goes to a log file."""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from features.bilingual import Language, Words, language_of_locale
from features.console import print_text
from features.errors import GRAVEST_FIRST, Problem, Severity
from features.sanitise import visible_text
from features.store.ingest import IngestReport
from training.progress import Phase, ProgressCallbacks
from training.workspace import Workspace

LOG = "train.log"
"""Log of the newest command, in the folder of the workspace."""
PHASES: dict[Phase, Words] = {
    "read": Words("读取数据", "reading files"),
    "count": Words("快照与计数", "snapshots and counts"),
    "funnel": Words("漏斗模型", "funnel models"),
    "tune": Words("模型头调参", "tuning the heads"),
    "fit": Words("拟合模型与区间", "fitting models and intervals"),
    "evaluate": Words("在留出期上评估", "evaluating on the holdout"),
    "write": Words("写出评估与预测", "writing evaluation and predictions"),
    "register": Words("登记模型", "registering the model"),
    "predict": Words("预测", "predicting"),
    "backtest": Words("回测", "backtest"),
    "check": Words("检查", "checking"),
    "explain": Words("归因", "contributions"),
    "levers": Words("杠杆榜", "levers"),
    "cards": Words("素材卡片", "cards of the creatives"),
    "shoot": Words("今天做什么、下一条拍什么", "what to do and what to shoot"),
    "page": Words("写出页面", "writing the page"),
}
HEADS_ZH = {
    "gmv": "成交额",
    "cost": "千展成本",
    "keep": "退后留存",
    "volume": "后续展示",
    "typical_volume": "后续展示典型值",
}
"""Head → its Chinese name while it is tuned."""
BAR_WIDTH = 24
NOTES_SHOWN = 6
"""Kinds of findings about files that are shown; the others are counted."""


class RunScreen:
    """The screen of one command.

    Attributes:
        language: Of everything shown.
        log: Path of the log file.
    """

    def __init__(self, console: Console, log: Path, language: Language, *, verbose: bool = False) -> None:
        """Open the log file.

        Args:
            console: To show the phases on; without a terminal each phase is one line when it has ended.
            log: File of all details; an earlier one is replaced.
            language: Of everything shown.
            verbose: Show the lines of the log too.
        """
        self.language, self.log = language, log
        self._console, self._verbose = console, verbose
        log.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = log.open("w", encoding="utf-8")
        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(BAR_WIDTH),
            TextColumn("{task.fields[count]}", markup=False), TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", markup=False),
        )  # fmt: skip
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task: TaskID | None = None
        self._phase, self._note, self._began = "", "", time.monotonic()

    def __enter__(self) -> "RunScreen":
        """Begin with reading files."""
        self._bars.start()
        self.phase("read")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the last phase and close the log; an error is written into it."""
        if error is not None:
            self.detail(f"stopped: {kind.__name__ if kind else ''}: {error}")
            self._task = None
        self.close()

    def close(self) -> None:
        """End the last phase, and close screen and log; a second call does nothing."""
        if not self._file.closed:
            self._end()
            self._bars.stop()
            self._file.close()

    @property
    def callbacks(self) -> ProgressCallbacks:
        """What a run reports to."""
        return ProgressCallbacks(
            phase=self.phase, line=self.detail, file=self._on_file, trial=self._on_trial, step=self._on_step
        )

    def words(self, words: Words) -> str:
        """One of the two texts, safe to print."""
        return visible_text(words.in_language(self.language))

    def phase(self, name: Phase) -> None:
        """Begin a phase; the one before has ended."""
        self._end()
        self._phase, self._note, self._began = self.words(PHASES[name]), "", time.monotonic()
        self._task = self._bars.add_task(self._phase, total=None, count="", note="")
        self.detail(f"phase: {PHASES[name].en}")

    def detail(self, text: str) -> None:
        """Write one line into the log, and show it where `verbose` was asked for."""
        line = visible_text(text)
        self._file.write(f"{datetime.now():%H:%M:%S} {line}\n")
        self._file.flush()
        if self._verbose:
            print_text(self._bars.console, line)

    def show(self, text: str) -> None:
        """Show one line above the phases, and log it."""
        self._file.write(f"{datetime.now():%H:%M:%S} {visible_text(text)}\n")
        print_text(self._bars.console, text)

    def _end(self) -> None:
        if self._task is None:
            return
        seconds = time.monotonic() - self._began
        total = next(task.total for task in self._bars.tasks if task.id == self._task) or 1
        count = f"{total:.0f}/{total:.0f}" if total > 1 else ""
        self._bars.update(self._task, total=total, completed=total, count=count)
        self.detail(f"ended after {seconds:.1f} s")
        if self._bars.disable:
            more = Words(f"，{self._note}", f", {self._note}") if self._note else Words("", "")
            ended = Words(f"{self._phase}：{seconds:.0f} 秒{more.zh}", f"{self._phase}: {seconds:.0f} s{more.en}")
            self._console.print(self.words(ended), highlight=False, markup=False)
        self._task = None

    def _update(self, done: int, total: int, note: str) -> None:
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total, count=f"{done}/{total}", note=note)

    def _on_file(self, done: int, total: int, path: Path) -> None:
        self._update(done, total, visible_text(path.name))
        self.detail(f"file {done + 1} of {total}: {path}")

    def _on_trial(self, head: str, done: int, total: int, best: float) -> None:
        gain, named = 100.0 * (1.0 - best), HEADS_ZH.get(head, head)
        said = Words(f"{named}：比手工设置好 {gain:.1f} %", f"{head}: {gain:.1f} % better than the hand setting")
        none = Words(f"{named}：尚未超过手工设置", f"{head}: not yet better than the hand setting")
        self._note = self.words(said if gain >= 0.05 else none)
        self._update(done, total, self._note)
        self.detail(f"trial {done} of {total}, {said.en}")

    def origin(self, done: int, total: int, moment: datetime) -> None:
        """Show that the next origin of a backtest is computed: origins done, number of origins, the origin."""
        if done == 0:
            self.phase("backtest")
        self._on_step(f"origin {moment:%Y-%m-%d}", done, total)

    def _on_step(self, what: str, done: int, total: int) -> None:
        self._update(done, total, "")
        self.detail(f"{what}: {done} of {total}")


def screen_of(space: Workspace, lang: Language | None, *, verbose: bool = False) -> RunScreen:
    """Return the screen of a command that works in a workspace; `lang`: None for that of the locale."""
    return RunScreen(Console(stderr=True), space.folder / LOG, lang or language_of_locale(), verbose=verbose)


def show_files(report: IngestReport | None, screen: RunScreen) -> None:
    """Log every finding about files, and show how many files were read and the findings folded by kind.

    Args:
        report: Of the files; None for a partitioned dataset.
        screen: Of the command.
    """
    if report is None:
        return
    new = [file for file in report.files if file.status != "known"]
    for file in new:
        for problem in file.problems:
            screen.detail(f"{problem.severity}: {problem}")
    known = len(report.files) - len(new)
    read = Words(f"读入 {len(new)} 个文件，{known} 个已在库中", f"{len(new)} files read, {known} already in the store")
    screen.show(screen.words(read))
    folded = folded_problems([problem for file in new for problem in file.problems])
    for words in folded[:NOTES_SHOWN]:
        screen.show(f"  {screen.words(words)}")
    if len(folded) > NOTES_SHOWN:
        more = len(folded) - NOTES_SHOWN
        screen.show("  " + screen.words(Words(f"另有 {more} 类提示", f"{more} more kinds of findings")))
    if folded:
        screen.show("  " + screen.words(Words(f"明细见 {screen.log}", f"details in {screen.log}")))


def folded_problems(problems: list[Problem]) -> list[Words]:
    """One sentence per kind of finding, the gravest first: what was expected, in how many files and rows.

    Args:
        problems: Of all files.
    """
    kinds: defaultdict[tuple[Severity, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.severity, problem.expected].append(problem)
    order = sorted(kinds.items(), key=lambda kind: GRAVEST_FIRST.index(kind[0][0]))
    found = []
    for (severity, _), same in order:
        files, rows = len({problem.file for problem in same}), sum(problem.count for problem in same)
        became = SEVERITIES[severity]
        first = same[0]
        where = Words(
            f"{files} 个文件" + (f"、{rows:,} 行" if rows else ""),
            f"{files:,} file{'s' if files > 1 else ''}" + (f", {rows:,} rows" if rows else ""),
        )
        zh, en = (first.in_language(language, name=Path(first.file).name) for language in ("zh", "en"))
        zh, en = (f"{text}{also}" for text, also in zip((zh, en), _other_columns(same)))
        found.append(
            Words(
                f"{where.zh}{became.zh}。例如 {zh}",
                f"{where.en} {became.en.replace('have', 'has') if files == 1 else became.en}. For example {en}",
            )
        )
    return found


def _other_columns(same: Sequence[Problem]) -> Words:
    """The columns beside that of the first finding, with their rows: what happened to them is not to be overlooked."""
    rows: defaultdict[str, int] = defaultdict(int)
    for problem in same:
        if problem.column and problem.column != same[0].column:
            rows[problem.column] += problem.count
    if not rows:
        return Words("", "")
    zh = "、".join(f"“{name}”列" + (f" {count:,} 行" if count else "") for name, count in rows.items())
    en = ", ".join(f"“{name}”" + (f" ({count:,} rows)" if count else "") for name, count in rows.items())
    return Words(f"同样的还有：{zh}。", f" The same in {en}.")


SEVERITIES = {
    "file": Words("未采用", "left out"),
    "row": Words("略过", "left out"),
    "note": Words("有提示", "have a note"),
}
"""Severity of a finding → what became of the file or the rows."""

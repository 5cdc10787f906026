"""What the doctor shows: tables of files, headers, accounts, targets and amounts, then what to do."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from configs.export_layout import ExportLayout
from features.attributes import promotion_type_label
from features.bilingual import Language, Words, series
from features.errors import Problem
from features.readers.headers import HeaderMap
from features.readers.survey import FileSurvey
from features.sanitise import visible_text
from training.doctor import words
from training.doctor.amounts import Amounts
from training.doctor.examine import Diagnosis
from training.doctor.suggested_sources import suggested, yaml_line
from training.labels.judged import MIN_GROUP_ROWS
from training.run_screen import folded_problems

DAYS_SHOWN = 4
PROBLEMS_SHOWN = 20
FILES_NAMED = 3


def show_refusal(found: Diagnosis, language: Language, out: Console) -> None:
    """Print what explains the faults of a diagnosis, in one language; the faults themselves are the caller's error."""
    screen = _Screen(language, out)
    screen.suggestions(found)
    screen.problems([problem for file in found.files for problem in file.problems])
    screen.joins(found)
    screen.say(words.ALL_OF_IT)


def show_diagnosis(found: Diagnosis, language: Language, out: Console) -> None:
    """Print a diagnosis in one language."""
    screen = _Screen(language, out)
    screen.files(found.files)
    screen.headers(found.files)
    screen.suggestions(found)
    screen.problems([problem for file in found.files for problem in file.problems])
    screen.accounts(found)
    screen.targets(found)
    screen.joins(found)
    if found.amounts is not None:
        screen.amounts(found.amounts)
    screen.verdict(found)


class _Screen:
    """A console and a language."""

    def __init__(self, language: Language, out: Console) -> None:
        self.language, self.out = language, out

    def say(self, text: Words, style: str = "") -> None:
        self.out.print(Text(visible_text(self.of(text)), style=style), soft_wrap=True)

    def of(self, text: Words) -> str:
        return text.in_language(self.language)

    def list(self, names: Iterable[str]) -> str:
        return self.of(series(names)) or "–"

    def table(self, title: Words, *headers: Words, right: Sequence[int] = ()) -> Table:
        table = Table(
            title=self.of(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        for place, header in enumerate(headers):
            justify: Literal["right", "left"] = "right" if place in right else "left"
            whole = place in right or header is words.ACCOUNT  # ids stay on one line
            table.add_column(self.of(header), justify=justify, overflow="fold", no_wrap=whole)
        return table

    def add(self, table: Table, *cells: object, style: str = "") -> None:
        table.add_row(*(Text(visible_text(cell)) for cell in cells), style=style)

    def files(self, files: Sequence[FileSurvey]) -> None:
        """One line per kind of file: what it is and how sure, its encoding, its rows."""
        heads = (words.FILE, words.LAYOUT, words.KNOWN_HEADERS, words.ENCODING, words.ROWS, words.FINDINGS)
        table = self.table(words.FILES, *heads, right=(2, 4))
        for alike in _kinds(files, lambda file: (*_kind(file), file.encoding, _graver_findings(file))):
            file, rows = alike[0], sum(one.rows for one in alike)
            checked = sum(one.checked for one in alike)
            sampled = self.of(words.CHECKED.format(rows=f"{checked:,}")) if checked < rows else ""
            own = len(file.headers.own) if file.headers else 0
            known = f"{file.known + own}/{file.named}" if file.named else "–"
            self.add(
                table, _name(alike), self._layout(file), known, file.encoding or "–",
                f"{rows:,}{sampled}" if file.recognised else "–",
                self._counts([problem for one in alike for problem in one.problems]),
                style="red" if file.unusable else "",
            )  # fmt: skip
        self.out.print(table)

    def _layout(self, file: FileSurvey) -> str:
        if file.layout is None:
            return "–"
        if not file.recognised:
            near = file.known or file.suggestions
            return self.of(words.NEAREST.format(**_layout_names(file.layout)) if near else words.NO_LAYOUT)
        named = Words("{zh}", "{en}").format(**_layout_names(file.layout))
        return self.of(named) + (self.of(words.UNUSABLE) if file.unusable else "")

    def _counts(self, problems: Sequence[Problem]) -> str:
        said = []
        for severity, label in words.SEVERITY.items():
            of_kind = [problem for problem in problems if problem.severity == severity]
            if of_kind:
                count = sum(problem.count for problem in of_kind) if severity == "row" else len(of_kind)
                said.append(f"{count:,} {self.of(label)}")
        return self.list(said)

    def headers(self, files: Sequence[FileSurvey]) -> None:
        """One line per kind of file: each header and the column that it is."""
        table = self.table(words.HEADERS, words.FILES_OF_KIND, words.HEADER_COLUMN, words.NOT_READ)
        for alike in _kinds([file for file in files if file.headers], _kind):
            headers = alike[0].headers
            assert headers is not None
            unread = [*headers.unread, *headers.outcomes, *headers.ignored]
            self.add(table, _name(alike), self._mapping(alike[0].header, headers), self.list(unread))
        if table.rows:
            self.out.print(table)

    def _mapping(self, header: Sequence[str], headers: HeaderMap) -> str:
        pairs = {places[0]: name for name, places in headers.taken.items()}
        pairs |= {place: self.of(words.OWN_TAG) for place in headers.own.values()}
        return self.list(f"{header[place].strip()} → {name}" for place, name in sorted(pairs.items()))

    def suggestions(self, found: Diagnosis) -> None:
        """What unknown headers may be, and the line under which they are read."""
        layouts = {file.layout.name: file.layout for file in found.files if file.layout}
        table = self.table(words.SUGGESTIONS, words.HEADER, words.MAYBE, words.YAML_LINE)
        for name, suggestions in suggested(found.files).items():
            for one in suggestions:
                line = f"{name}.yaml: {yaml_line(layouts[name], one)}"
                self.add(
                    table, one.header, self.of(words.LIKE.format(header=one.like, name=one.name)), line, style="yellow"
                )
        if table.rows:
            self.out.print(table)
            self.say(words.HOW_TO_SUGGESTED)
        untyped = [_short(file.path) for file in found.files if file.headers and not file.states_type]
        if untyped:
            named = self.list(untyped[:FILES_NAMED]) + (" …" if len(untyped) > FILES_NAMED else "")
            self.say(words.STATE_TYPE.format(files=named), "yellow")

    def problems(self, problems: Sequence[Problem]) -> None:
        """Each file that cannot be used, then the other findings folded by kind."""
        folded = folded_problems([problem for problem in problems if problem.severity != "file"])
        unusable = [problem for problem in problems if problem.severity == "file"]
        if not problems:
            return
        self.say(words.PROBLEMS, "bold")
        kinds = _alike(unusable)
        for alike in kinds[:PROBLEMS_SHOWN]:
            more = self.of(words.ALIKE.format(count=len(alike) - 1)) if len(alike) > 1 else ""
            line = f"  ✗ {alike[0].in_language(self.language)}{more}"
            self.out.print(Text(visible_text(line), style="red"), soft_wrap=True)
        if len(kinds) > PROBLEMS_SHOWN:
            self.say(words.MORE_FILES.format(count=sum(map(len, kinds[PROBLEMS_SHOWN:]))), "red")
        for one in folded[:PROBLEMS_SHOWN]:
            self.say(Words(f"  · {one.zh}", f"  · {one.en}"))
        if len(folded) > PROBLEMS_SHOWN:
            self.say(words.MORE_PROBLEMS.format(count=len(folded) - PROBLEMS_SHOWN))
        self.out.print()

    def accounts(self, found: Diagnosis) -> None:
        """Rows, creatives and days of each account."""
        heads = (words.TYPE, words.ACCOUNT, words.ROWS, words.CREATIVES, words.FROM, words.TO, words.MISSING_DAYS)
        table = self.table(words.ACCOUNTS, *heads, right=(2, 3))
        for one in found.accounts:
            days = [f"{day:%m-%d}" for day in one.missing]
            missing = self.of(words.DAYS.format(count=len(days), days=self.list(days[:DAYS_SHOWN]))) if days else "0"
            kind = self.of(promotion_type_label(one.promotion_type))
            self.add(
                table, kind, one.account_id, f"{one.rows:,}", f"{one.creatives:,}", one.first or "–", one.last or "–",
                missing, style="yellow" if days else "",
            )  # fmt: skip
        if table.rows:
            self.out.print(table)

    def targets(self, found: Diagnosis) -> None:
        """What each target needs and has."""
        table = self.table(words.TARGETS, words.TYPE, words.TARGET, words.POSSIBLE, words.NEEDS, words.LACKS)
        labels = _labels(found.files)
        for need in found.needs:
            kind = self.of(promotion_type_label(need.promotion_type))
            self.add(
                table, kind, self.of(need.target.label), "✓" if need.available else "✗",
                self.list(labels.get(name, name) for name in need.needed),
                self.list(labels.get(name, name) for name in need.missing),
                style="" if need.available else "yellow",
            )  # fmt: skip
        if table.rows:
            self.out.print(table)
        for lack in found.stages:
            missing = self.list(labels.get(name, name) for name in lack.missing)
            kind = self.of(promotion_type_label(lack.promotion_type))
            self.say(words.STAGE_LACKS.format(type=kind, stage=self.of(lack.stage.label), missing=missing), "yellow")

    def joins(self, found: Diagnosis) -> None:
        """Tags, sheet and accounts."""
        if found.tagged is None or found.joins is None:
            return
        self.say(found.tagged.words, "" if found.tagged.tagged else "yellow")
        match, accounts = found.joins.match, found.joins.accounts
        if match.offered:
            self.say(
                words.SHEET.format(
                    ids=f"{match.sheet_ids:,}", matched=f"{match.ids_matched:,}",
                    creatives=f"{match.creatives:,}", listed=f"{match.creatives_matched:,}",
                )
            )  # fmt: skip
        else:
            self.say(words.NO_SHEET)
        if accounts.by_sheet or accounts.by_exports or accounts.unknown:
            counts = {name: f"{count:,}" for name, count in vars(accounts).items()}
            self.say(words.ACCOUNTS_FOUND.format(**counts), "yellow" if accounts.unknown else "")
        unclear = sorted({file for one in found.joins.unclear for file in one.files})
        table = self.table(words.FOLDERS, words.FILE, words.BELONGS)
        for name in unclear:
            self.add(table, _short(Path(name)), f"{found.joins.likely.get(name, '?')}/")
        if unclear:
            self.out.print(table)
        if found.copies:
            self.say(words.COPIES.format(count=found.copies))
        if found.days_replaced:
            self.say(words.DAYS_REPLACED.format(count=f"{found.days_replaced:,}"))
        if found.without_account:
            self.say(words.WITHOUT_ACCOUNT.format(count=f"{found.without_account:,}"), "yellow")
        for unknown in found.unknown:
            self.say(unknown.words, "yellow")
        self.out.print()

    def amounts(self, found: Amounts) -> None:
        """How much there is against how much is needed."""
        heads = (words.AMOUNT, words.THERE, words.FOR_FULL, words.FOR_SMALL)
        table = self.table(words.AMOUNTS, *heads, right=(1, 2, 3))
        self._amount(table, words.TRAINING, found.training, found.needed_creatives, found.small_creatives)
        if found.orders is not None:
            self._amount(table, words.ORDERS, found.orders, found.needed_orders, found.small_orders)
        self._amount(table, words.JUDGED, found.judged, MIN_GROUP_ROWS, MIN_GROUP_ROWS)
        if found.calibration.target and found.stage != "none":
            needed = found.calibration.needed
            self._amount(table, words.CALIBRATES, found.calibration.rows, needed, needed)
        rest = (
            (words.HOLDOUT, found.holdout), (words.BETWEEN, found.between), (words.WAITING, found.waiting),
            (words.UNDELIVERED, found.undelivered),
        )  # fmt: skip
        for label, count in rest:
            self.add(table, self.of(label), f"{count:,}", "", "")
        self.out.print(table)

    def _amount(self, table: Table, label: Words, found: int, full: int, small: int) -> None:
        style = "" if found >= full else "yellow" if found >= small else "red"
        self.add(table, self.of(label), f"{found:,}", f"{full:,}", f"{small:,}", style=style)

    def verdict(self, found: Diagnosis) -> None:
        """What stops training, or what can be trained and when."""
        for fault in found.faults:
            self.say(Words(f"✗ {fault.zh}", f"✗ {fault.en}"), "red")
        cut = sum(file.cut for file in found.files)
        if cut:
            self.say(words.CUT.format(count=cut), "yellow")
        unusable = sum(file.unusable for file in found.files)
        if unusable:
            self.say(words.LEFT_OUT.format(count=unusable), "yellow")
        if found.faults:
            self.say(words.CORRECT_FIRST, "bold red")
        elif found.amounts is None:
            self.say(words.NOTHING_DELIVERED, "bold red")
        else:
            style = {"full": "bold green", "small": "bold yellow", "none": "bold red"}
            self.say(words.ready(found.amounts), style[found.amounts.stage])
            if found.amounts.stage != "none" and found.amounts.calibration.target:
                self.say(found.amounts.calibration.words, "yellow" if found.amounts.calibration.state == "none" else "")
            if found.amounts.stage != "none" and found.amounts.judged < MIN_GROUP_ROWS:
                self.say(words.not_judged(found.amounts), "yellow")


def _layout_names(layout: ExportLayout) -> dict[str, str]:
    return {"zh": layout.zh or layout.name, "en": layout.name}


def _labels(files: Sequence[FileSurvey]) -> dict[str, str]:
    """Canonical name → header by which people know it: a Chinese one where a layout of the files has one."""
    labels: dict[str, str] = {}
    for file in sorted(files, key=lambda file: "".join(file.header).isascii()):
        for name, column in file.layout.columns.items() if file.layout and not file.is_sheet else ():
            labels.setdefault(name, column.headers[0])
    return labels


def _kinds(files: Sequence[FileSurvey], kind: Callable[[FileSurvey], Hashable]) -> list[list[FileSurvey]]:
    """Return the files in groups of one kind, in the order of the first of each."""
    found: dict[Hashable, list[FileSurvey]] = {}
    for file in files:
        found.setdefault(kind(file), []).append(file)
    return list(found.values())


def _kind(file: FileSurvey) -> tuple[Hashable, ...]:
    return (file.layout.name if file.layout else str(file.path), file.recognised, file.header)


def _graver_findings(file: FileSurvey) -> tuple[str, ...]:
    """Kinds of findings, with which a file stands on a line of its own."""
    return tuple(sorted({problem.expected for problem in file.problems if problem.severity != "note"}))


def _alike(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Return the problems in groups that differ in the file alone, in the order of the first of each."""
    found: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        found.setdefault((problem.found, problem.expected), []).append(problem)
    return list(found.values())


def _name(alike: Sequence[FileSurvey]) -> str:
    more = f" (+{len(alike) - 1})" if len(alike) > 1 else ""
    return _short(alike[0].path) + more


def _short(path: Path) -> str:
    """Return the last folder and the name of a file."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name

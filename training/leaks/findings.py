"""The result of one leak check (PASS, REVIEW, FAIL or SKIPPED), and the console table of all results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.sanitise import visible_text

Verdict = Literal["PASS", "REVIEW", "FAIL", "SKIPPED"]

MAX_NAMES = 6
"""Columns named in a sentence; the rest are counted."""

NOTHING = "Nothing needs to be done."


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: Its name, as in docs/leaks.md.
        verdict: `FAIL`: a leak, do not train; `REVIEW`: possible leak, a person decides; `SKIPPED`: the data cannot
            support the check.
        found: What was checked and found.
        cure: One sentence: what to do.
    """

    check: str
    verdict: Verdict
    found: str
    cure: str


def failed(findings: Sequence[Finding]) -> bool:
    """Return whether any check failed."""
    return any(finding.verdict == "FAIL" for finding in findings)


def listed(names: Sequence[str]) -> str:
    """Join the first MAX_NAMES names, and count the rest."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


STYLES = {"PASS": "green", "REVIEW": "yellow", "FAIL": "bold red", "SKIPPED": "dim"}


def show_findings(findings: Sequence[Finding], out: Console) -> None:
    """Print the table of all checks, and a last line with the number of each verdict."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what was found, and what to do", overflow="fold")
    for finding in findings:
        text = Text(visible_text(finding.found))
        if finding.verdict != "PASS":
            text.append(f"\n→ {visible_text(finding.cure)}", style="bold")
        table.add_row(Text(finding.check), Text(finding.verdict, style=STYLES[finding.verdict]), text)
    out.print(table)
    counts = {name: sum(finding.verdict == name for finding in findings) for name in STYLES}
    out.print(", ".join(f"{count} {name}" for name, count in counts.items() if count), highlight=False)

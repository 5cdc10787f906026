"""What a person sees of the leak suite: a row per check, then what to do."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.console import plain
from training.leaks.finding import Finding

STYLES = {"PASS": "green", "REVIEW": "yellow", "FAIL": "bold red", "SKIPPED": "dim"}


def show_findings(findings: Sequence[Finding], out: Console) -> None:
    """The table of all checks, and a last line that counts the verdicts."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what was seen, and what to do", overflow="fold")
    for finding in findings:
        said = Text(plain(finding.found))
        if finding.verdict != "PASS":
            said.append(f"\n→ {plain(finding.cure)}", style="bold")
        table.add_row(Text(finding.check), Text(finding.verdict, style=STYLES[finding.verdict]), said)
    out.print(table)
    counts = {name: sum(finding.verdict == name for finding in findings) for name in STYLES}
    out.print(", ".join(f"{count} {name}" for name, count in counts.items() if count), highlight=False)

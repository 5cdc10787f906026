"""What one check says: PASS, REVIEW, FAIL or SKIPPED, what was seen, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["PASS", "REVIEW", "FAIL", "SKIPPED"]

NAMED = 6
"""Columns named in a sentence; the rest are counted."""

NOTHING = "Nothing needs to be done."


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: Its name, as in docs/leaks.md.
        verdict: `FAIL`: a leak, do not train; `REVIEW`: may be one, a person has to look; `SKIPPED`: the data cannot
            support the check, so it says nothing.
        found: What was looked at and seen.
        cure: One sentence: what to do.
    """

    check: str
    verdict: Verdict
    found: str
    cure: str


def failed(findings: Sequence[Finding]) -> bool:
    """Whether any check found a leak."""
    return any(finding.verdict == "FAIL" for finding in findings)


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

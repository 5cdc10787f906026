"""What the names of files and folders state: the range of days, and the account."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

_NAMED_DAY = (
    r"(20\d{2})(?:[-_.年](\d{1,2})[-_.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[ _T-]?\d{2}[-_:]?\d{2}[-_:]?\d{2}(?!\d))?"
)
_NAMED_SPAN = re.compile(rf"(?<!\d){_NAMED_DAY}\s*(?:-|_|~|～|—|至|到|\.\.|--)\s*{_NAMED_DAY}(?!\d)")
_ACCOUNT_FOLDER = re.compile(r"(\d{6,})|(?:账户|account)[-_=](.+)", re.IGNORECASE)


def span_in_name(path: Path) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the first and the last day in a file's name; None if it states none."""
    if found := _NAMED_SPAN.search(path.name):
        parts = [part for part in found.groups() if part]
        try:
            first, last = (dt.datetime(int(y), int(m), int(d)) for y, m, d in (parts[:3], parts[3:]))
        except ValueError:
            return None
        return (first, last) if first <= last else None
    return None


def account_in_folder(path: Path) -> str:
    """Return the account that the name of a file's folder states; empty if it states none."""
    found = _ACCOUNT_FOLDER.fullmatch(path.absolute().parent.name)
    return (found[1] or found[2]) if found else ""

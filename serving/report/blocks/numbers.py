"""Numbers of the page: short ones for the embedded JSON, and texts as its script writes them (`core.js`)."""

SIGNIFICANT = 5
WHOLE_FROM = 10_000.0
"""Numbers from here on are shown, and stored, without decimals."""


def short(value: float | None, digits: int = SIGNIFICANT) -> float | int | None:
    """A number with so many digits, never fewer than its whole part has."""
    if value is None:
        return None
    if abs(value) >= min(WHOLE_FROM, 10.0**digits):
        return round(value)
    found = float(f"{value:.{digits}g}")
    return int(found) if found.is_integer() else found


def whole(value: float | None) -> str:
    """A whole number with separators; – where it is missing."""
    return "–" if value is None else f"{value:,.0f}"


def number(value: float | None) -> str:
    """Three digits or more; – where it is missing."""
    if value is None:
        return "–"
    size = abs(value)
    if size >= 1000:
        return whole(value)
    return "0" if value == 0 else f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2}f}"


def signed(value: float | None) -> str:
    """A whole number with its sign."""
    if value is None:
        return "–"
    return "0" if round(value) == 0 else f"{'−' if value < 0 else '+'}{whole(abs(value))}"


def change(now: float, before: float) -> str:
    """Change in percent with its sign; as a factor where it is fivefold or more."""
    if now >= 5.0 * before:
        return f"×{now / before:.0f}"
    percent = round(100.0 * (now / before - 1.0))
    return f"{'−' if percent < 0 else '+'}{abs(percent)}%"

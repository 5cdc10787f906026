"""Numbers in the embedded JSON: as many digits as the page shows."""

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

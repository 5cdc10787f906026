"""What the caller gives about an uploaded file. Apart from its reader, which loads DuckDB and pandera."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileContext:
    """What the caller gives about a file.

    Attributes:
        name: Of the file; a label, no path is opened by it.
        account_id: Account of rows without one; empty: not known.
        promotion_type: Promotion type of rows without one; empty: not known.
    """

    name: str
    account_id: str = ""
    promotion_type: str = ""

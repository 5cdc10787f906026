"""Accounts of creatives whose exports name none: views of the store that give them the account known elsewhere.

An export from one account often has no account column. A creative id names one asset, so its rows take the account that
the team's sheet gives for that id, and where the sheet has no account for it, the one that other exports give. Where
several are given the account stays unknown (`unclear_accounts`). The tables keep what the files say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.readers.keys import UNNAMED
from features.schema import ANY, VALUES
from features.store.connection import ATTRIBUTE_KEY, NATURAL_KEY

if TYPE_CHECKING:
    from features.store.duckdb_store import Store

MOSTLY = 0.8
"""Share of a file's creatives with a known account that must be of one account, for the file to be called its."""

_NEWEST = ", ".join(f"arg_max({name}, file_id) AS {name}" for name in VALUES)
_SAME_PERIOD = " AND ".join(f"m.{name} = o.{name}" for name in NATURAL_KEY)
_SAME_ATTRIBUTE = " AND ".join(f"m.{name} = o.{name}" for name in ATTRIBUTE_KEY)

# A sheet that was saved anew states each creative's account and promotion type: what the version before it said about a
# creative under another key holds no longer.
# Sheets come first: `given_by` is the table from which the accounts of a creative are taken.
CREATE_VIEWS = f"""
CREATE TEMP VIEW sheet_rows_withdrawn AS
SELECT DISTINCT a.promotion_type, a.account_id, a.creative_id, a.file_id
FROM attributes a JOIN files f ON f.file_id = a.file_id
JOIN files n ON n.path = f.path AND n.file_id > f.file_id
JOIN attributes b ON b.file_id = n.file_id AND b.creative_id = a.creative_id AND b.origin = 'sheet'
WHERE a.origin = 'sheet' AND (b.promotion_type <> a.promotion_type OR b.account_id <> a.account_id);

CREATE TEMP VIEW attributes_held AS
SELECT a.* FROM attributes a ANTI JOIN sheet_rows_withdrawn w
ON a.origin = 'sheet' AND w.file_id = a.file_id AND w.creative_id = a.creative_id
AND w.promotion_type = a.promotion_type AND w.account_id = a.account_id;

CREATE TEMP VIEW accounts_given AS
WITH lacking AS (
    SELECT promotion_type, creative_id FROM metrics WHERE account_id = '{UNNAMED}'
    UNION SELECT promotion_type, creative_id FROM attributes_held WHERE account_id = '{UNNAMED}'
), stated AS (
    SELECT DISTINCT 'sheet' AS given_by, promotion_type, account_id, creative_id FROM attributes_held
    WHERE origin = 'sheet' AND account_id NOT IN ('{ANY}', '{UNNAMED}')
    UNION ALL SELECT DISTINCT 'exports', promotion_type, account_id, creative_id FROM metrics
    WHERE account_id <> '{UNNAMED}'
), given AS (
    SELECT l.promotion_type, l.creative_id, s.given_by, list_sort(list(DISTINCT s.account_id)) AS accounts
    FROM lacking l JOIN stated s
    ON s.creative_id = l.creative_id AND s.promotion_type IN ('{ANY}', l.promotion_type)
    GROUP BY ALL
)
SELECT promotion_type, creative_id, max(given_by) AS given_by, arg_max(accounts, given_by) AS accounts
FROM given GROUP BY ALL;

CREATE TEMP VIEW accounts_found AS
SELECT promotion_type, creative_id, given_by, accounts[1] AS account_id FROM accounts_given WHERE len(accounts) = 1;

CREATE TEMP VIEW named_metrics AS
WITH moved AS MATERIALIZED (
    SELECT m.* REPLACE (f.account_id AS account_id) FROM metrics m
    JOIN accounts_found f ON f.promotion_type = m.promotion_type AND f.creative_id = m.creative_id
    WHERE m.account_id = '{UNNAMED}'
)
SELECT {", ".join([*NATURAL_KEY, *VALUES])} FROM metrics m
ANTI JOIN accounts_found f
ON m.account_id = '{UNNAMED}' AND f.promotion_type = m.promotion_type AND f.creative_id = m.creative_id
ANTI JOIN moved o ON {_SAME_PERIOD}
UNION ALL
SELECT {", ".join(NATURAL_KEY)}, {_NEWEST}
FROM (SELECT * FROM moved UNION ALL SELECT m.* FROM metrics m SEMI JOIN moved o ON {_SAME_PERIOD})
GROUP BY {", ".join(NATURAL_KEY)};

CREATE TEMP VIEW named_attributes AS
WITH moved AS MATERIALIZED (
    SELECT m.* REPLACE (f.account_id AS account_id) FROM attributes_held m
    JOIN accounts_found f ON f.promotion_type = m.promotion_type AND f.creative_id = m.creative_id
    WHERE m.account_id = '{UNNAMED}'
)
SELECT {", ".join([*ATTRIBUTE_KEY, "value"])} FROM attributes_held m
ANTI JOIN accounts_found f
ON m.account_id = '{UNNAMED}' AND f.promotion_type = m.promotion_type AND f.creative_id = m.creative_id
ANTI JOIN moved o ON {_SAME_ATTRIBUTE}
UNION ALL
SELECT {", ".join(ATTRIBUTE_KEY)}, arg_max(value, file_id) AS value
FROM (SELECT * FROM moved UNION ALL SELECT m.* FROM attributes_held m SEMI JOIN moved o ON {_SAME_ATTRIBUTE})
GROUP BY {", ".join(ATTRIBUTE_KEY)};
"""
"""`named_metrics` and `named_attributes` have the columns of `READABLE`. Where a row gets an account and so the key of
another row, the newer file wins value by value, as in an import."""

_COUNTS = f"""
SELECT count(DISTINCT (m.promotion_type, m.creative_id)) FILTER (f.given_by = 'sheet') AS by_sheet,
       count(DISTINCT (m.promotion_type, m.creative_id)) FILTER (f.given_by = 'exports') AS by_exports,
       count(DISTINCT (m.promotion_type, m.creative_id)) FILTER (f.given_by IS NULL) AS unknown
FROM metrics m LEFT JOIN accounts_found f ON f.promotion_type = m.promotion_type AND f.creative_id = m.creative_id
WHERE m.account_id = '{UNNAMED}'
"""
_UNCLEAR = f"""
SELECT g.creative_id, g.given_by, g.accounts, list_sort(list(DISTINCT f.path)) AS files FROM accounts_given g
JOIN metrics m ON m.account_id = '{UNNAMED}' AND m.promotion_type = g.promotion_type AND m.creative_id = g.creative_id
JOIN files f ON f.file_id = m.file_id
WHERE len(g.accounts) > 1 GROUP BY ALL ORDER BY g.creative_id
"""

_LIKELY = f"""
WITH found AS (
    SELECT f.path, a.account_id, count(DISTINCT a.creative_id) AS creatives FROM metrics m
    JOIN accounts_found a ON a.promotion_type = m.promotion_type AND a.creative_id = m.creative_id
    JOIN files f ON f.file_id = m.file_id WHERE m.account_id = '{UNNAMED}' GROUP BY ALL
)
SELECT path, arg_max(account_id, creatives) AS account FROM found
GROUP BY path HAVING max(creatives) >= {MOSTLY} * sum(creatives) ORDER BY path
"""


@dataclass(frozen=True)
class AccountsFound:
    """Creatives with metrics from exports that name no account, by where their account was found.

    Attributes:
        by_sheet: The team's sheet gives one account for the id.
        by_exports: The sheet gives none, other exports give one.
        unknown: No account, or several.
    """

    by_sheet: int
    by_exports: int
    unknown: int


@dataclass(frozen=True)
class UnclearAccount:
    """A creative whose exports name no account while the sheet (or other exports) give several for its id."""

    creative_id: str
    given_by: str
    accounts: tuple[str, ...]
    files: tuple[str, ...]


def accounts_found(store: Store) -> AccountsFound:
    """Count the creatives of exports without account by where their account was found."""
    row = store.select(_COUNTS).iloc[0]
    return AccountsFound(int(row["by_sheet"]), int(row["by_exports"]), int(row["unknown"]))


def unclear_accounts(store: Store) -> list[UnclearAccount]:
    """Return the creatives for whose metrics an account must be named, sorted by id."""
    rows = store.select(_UNCLEAR).to_dict("records")
    return [
        UnclearAccount(row["creative_id"], row["given_by"], tuple(row["accounts"]), tuple(row["files"])) for row in rows
    ]


def likely_accounts(store: Store) -> dict[str, str]:
    """Return, for files without account, the account of most of the creatives (MOSTLY) whose account is known."""
    return {str(row.path): str(row.account) for row in store.select(_LIKELY).itertuples(index=False)}

"""What `make bench-peers` found out about the same data, if it was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from training.evaluation.acceptance import Measured
from training.evaluation.metrics import ALL_AGES, OWN

FIGURES = ("spearman", "deviance", "log_error", "total", "mean")
NEEDED = {"figure", "target", "method", "against", "age_hours", "part", "rows", "value", "low", "high"}


@dataclass(frozen=True)
class Proof:
    """One comparison.

    Attributes:
        name: Of its file.
        figures: Of all rows together: `against`, `target`, `method`, `rows`, `figure`, `value`, `low`, `high`.
        not_run: Method → why.
    """

    name: str
    figures: pd.DataFrame
    not_run: Mapping[str, str]

    def slices(self) -> list[tuple[str, str]]:
        """Pairs of `against` and `target`, in their order."""
        pairs = self.figures[["against", "target"]].drop_duplicates()
        return [(str(against), str(target)) for against, target in pairs.itertuples(index=False)]

    def table(self, against: str, target: str) -> pd.DataFrame:
        """A row per method, the best ranked first: FIGURES, and the band of `spearman`."""
        rows = self.figures[(self.figures["against"] == against) & (self.figures["target"] == target)]
        table = rows.pivot_table(index="method", columns="figure", values="value", sort=False, dropna=False)
        bands = rows[rows["figure"] == "spearman"].set_index("method")[["low", "high", "rows"]]
        found = table.reindex(columns=list(FIGURES)).join(bands)
        return found.sort_values("spearman", ascending=False, kind="stable")

    def ranks(self, against: str, target: str) -> list[Measured]:
        """Rank correlation of each method, those that ranked."""
        table = self.table(against, target).dropna(subset=["spearman"])
        return [
            Measured((str(method),), row["spearman"], row["low"], row["high"], int(row["rows"]))
            for method, row in table.iterrows()
        ]


def read_proofs(folder: Path, fingerprint: str) -> list[Proof]:
    """The comparisons of a folder about the data of this fingerprint; files of another kind are passed over."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            if report["fingerprint"] != fingerprint:
                continue
            figures = pd.DataFrame(report["figures"])
            methods = {str(name): str(method["not_run"]) for name, method in report["methods"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if figures.empty or not set(figures) >= NEEDED:
            continue
        whole = figures[(figures["age_hours"] == ALL_AGES) & (figures["part"] == "all")]
        if OWN in set(whole["method"]):
            found.append(Proof(path.stem, whole, {name: why for name, why in methods.items() if why}))
    return found

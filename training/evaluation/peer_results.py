"""Read the results of `make bench-peers` on the same data, for the page of an evaluation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from training.evaluation.acceptance import Measured
from training.evaluation.metrics import ALL_AGES, OWN

PEER_METRICS = ("spearman", "deviance", "log_error", "total", "mean")
NEEDED_COLUMNS = {"figure", "target", "method", "against", "age_hours", "part", "rows", "value", "low", "high"}


@dataclass(frozen=True)
class PeerComparison:
    """One comparison with other methods.

    Attributes:
        name: File name without ending.
        figures: All ages and rows together, in long form: `against` (what the predictions are compared with),
            `target`, `method`, `rows`, `figure` (name of the metric), `value`, `low`, `high`.
        not_run: Method → why it was not run.
    """

    name: str
    figures: pd.DataFrame
    not_run: Mapping[str, str]

    def slices(self) -> list[tuple[str, str]]:
        """Return the pairs of `against` and `target`, in file order."""
        pairs = self.figures[["against", "target"]].drop_duplicates()
        return list(zip(pairs["against"].astype(str), pairs["target"].astype(str)))

    def table(self, against: str, target: str) -> pd.DataFrame:
        """Return one row per method, best rank correlation first: PEER_METRICS, and `low`, `high` of `spearman`."""
        rows = self.figures[(self.figures["against"] == against) & (self.figures["target"] == target)]
        table = rows.pivot_table(index="method", columns="figure", values="value", sort=False, dropna=False)
        bands = rows[rows["figure"] == "spearman"].set_index("method")[["low", "high", "rows"]]
        found = table.reindex(columns=list(PEER_METRICS)).join(bands)
        return found.sort_values("spearman", ascending=False, kind="stable")

    def ranks(self, against: str, target: str) -> list[Measured]:
        """Return the rank correlation of each method that has one."""
        table = self.table(against, target).dropna(subset=["spearman"])
        return [
            Measured((str(method),), row["spearman"], row["low"], row["high"], int(row["rows"]))
            for method, row in table.iterrows()
        ]


def read_peer_results(folder: Path, fingerprint: str) -> list[PeerComparison]:
    """Return the comparisons in a folder on the data with this fingerprint; other files are skipped."""
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
        if figures.empty or not set(figures) >= NEEDED_COLUMNS:
            continue
        whole = figures[(figures["age_hours"] == ALL_AGES) & (figures["part"] == "all")]
        if OWN in set(whole["method"]):
            found.append(PeerComparison(path.stem, whole, {name: why for name, why in methods.items() if why}))
    return found

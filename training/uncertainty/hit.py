"""How likely a creative becomes a hit: within the top share of what creatives of its promotion type do in a window."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from configs.settings import Interval
from features.funnel import NET_ROI, ROI, TARGETS, Funnel
from training.uncertainty.covariates import Predicted, Situation, log_of
from training.uncertainty.hurdle import column, shared_columns, tree_columns
from training.uncertainty.regressions import Floats, Head, Parting, fit_heads, probability

LEAST_HITS = 20
"""Hits under which nothing is said of them."""


class Hit(BaseModel):
    """What makes a hit, and its chance.

    Attributes:
        of: `net_gmv`, `gmv` or `volume`: what creatives are ranked by.
        at_least: Promotion type → what a hit reaches in its window.
        head: Logistic regression of its chance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    at_least: Mapping[str, float]
    head: Head

    def chance(self, predicted: Predicted, situation: pd.DataFrame | Situation, funnel: Funnel) -> Floats:
        """Of each row; NaN for a promotion type that taught nothing."""
        line = self.head.line(_columns(self.of, self.at_least, predicted, situation, funnel), len(situation))
        told = probability(line + self.head.correction(situation))
        return np.where(np.isnan(_needed(self.at_least, situation)), np.nan, told)

    def happened(self, outcome: pd.DataFrame, kind: pd.Series, funnel: Funnel) -> Floats:
        """1 where a row's outcome is a hit, 0 where not, NaN where that is not known."""
        reached = _came(self.of, outcome, funnel)
        needed = kind.map(dict(self.at_least)).to_numpy(np.float64)
        unknown = np.isnan(reached) | np.isnan(needed)
        return np.where(unknown, np.nan, (reached >= needed).astype(np.float64))


def fit_hit(
    predicted: pd.DataFrame,
    situation: pd.DataFrame,
    outcome: pd.DataFrame,
    funnel: Funnel,
    settings: Interval,
    parting: Parting,
) -> Hit | None:
    """What makes a hit among these rows, none of which the model had seen.

    Args:
        predicted: Of the model.
        situation: Of the same rows.
        outcome: What came.
        funnel: Their funnel.
        settings: The top share of the rows of a promotion type that are hits, and what they are ranked by: money falls
            back on gross, and on volume where none is counted.
        parting: Of the rows.

    Returns:
        None with fewer than LEAST_HITS hits.
    """
    of, wanted = "volume", settings.hit_of
    if wanted == "net_gmv" and any(TARGETS[name].net for name in funnel.rate_targets):
        of = "net_gmv"
    elif wanted == "net_gmv" and any(not TARGETS[name].net for name in funnel.rate_targets):
        of = "gmv"
    came = _came(of, outcome, funnel)
    at_least: dict[str, float] = {}
    for kind in sorted(situation["kind"].unique()):
        mine = came[(situation["kind"] == kind).to_numpy() & np.isfinite(came)]
        if len(mine) and mine.max() > 0:
            edge = float(np.quantile(mine, 1.0 - settings.hit_share, method="higher"))
            at_least[str(kind)] = edge if edge > 0 else float(mine[mine > 0].min())
    needed = situation["kind"].map(at_least).to_numpy(np.float64)
    known = np.isfinite(came) & np.isfinite(needed)
    hits: npt.NDArray[np.bool_] = came[known] >= needed[known]
    if hits.sum() < LEAST_HITS:
        return None
    columns = _columns(of, at_least, predicted, situation, funnel)
    given = {name: values[known] for name, values in columns.items()}
    table = tree_columns(situation)[known]
    heads = fit_heads("likely", given, table, hits.astype(np.float64), parting.of(known))
    return Hit(of=of, at_least=at_least, head=heads.whole)


def _came(of: str, outcome: pd.DataFrame, funnel: Funnel) -> Floats:
    """What the row did in a whole window."""
    name = {"net_gmv": "settled_net_cny", "gmv": "gmv_cny", "volume": funnel.volume_of}[of]
    return outcome[f"later:{name}"].to_numpy(np.float64) / outcome["covered_share"].to_numpy(np.float64)


def _needed(at_least: Mapping[str, float], situation: pd.DataFrame | Situation) -> Floats:
    """What a hit of each row's promotion type reaches; NaN of one that taught nothing."""
    return np.array([at_least.get(kind, np.nan) for kind in np.asarray(situation["kind"]).tolist()], dtype=np.float64)


def _columns(
    of: str, at_least: Mapping[str, float], predicted: Predicted, situation: pd.DataFrame | Situation, funnel: Funnel
) -> dict[str, Floats]:
    log_volume = column(situation, "log_volume")
    expected = log_volume
    if of != "volume":
        roi = NET_ROI if of == "net_gmv" else ROI
        has_impressions = funnel.volume_of == "impressions"
        per_volume = roi.per_impression if has_impressions and roi.per_impression.name in funnel.targets else roi
        if has_impressions and per_volume.is_roi:
            expected = expected + log_of(predicted["cost"])
        expected = expected + log_of(predicted[per_volume.name])
    short = expected - np.log(_needed(at_least, situation))
    return {name: column(situation, name) for name in shared_columns(situation)} | {
        "short": short,
        "short²": short**2,
        "log_volume": log_volume,
        "early": np.log1p(column(situation, "early")),
    }

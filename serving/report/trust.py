"""Is this to be believed? The model, its latest holdout in plain figures, and how many creatives are too young."""

import numpy as np
import pandas as pd

from serving.report.context import Seen
from serving.report.effects import Figure
from training.evaluation.acceptance import Check, acceptance_checks, interval_coverage, overall
from training.evaluation.files import Evaluation
from training.evaluation.metrics import ALL_AGES, CARRY, EMPIRICAL_BAYES, OWN

UNJUDGED = "REVIEW"


class Accuracy(Figure):
    """How well one target was foretold on rows that the model had not seen.

    Attributes:
        target: Which.
        rows: That were compared.
        pairs_right: Of two creatives, how often the better one was named: ½ + asin(ρ)/π of the rank correlation ρ.
        of_rules: The same of each rule to beat.
        total: Predicted over what came, by exposure; None where it was not measured.
        covered: Share of outcomes inside their intervals; with its band. None where no interval is told.
    """

    target: str
    rows: int
    pairs_right: float
    of_rules: dict[str, float]
    total: float | None
    covered: float | None
    covered_low: float | None
    covered_high: float | None


class Belief(Figure):
    """What a reader must know before anything else.

    Attributes:
        model, version: That predicted.
        trained_until, history_until, data_until: ISO times.
        outcome_days: Length of the window ahead.
        level: Of the intervals.
        basis: Which money counts.
        judged: Whether an evaluation of this very model was at hand.
        status: PASS, REVIEW or FAIL.
        checks: Question → its status.
        accuracy: By target.
        held_since: First day held out; empty where not judged.
        creatives: Chosen.
        accounts: Among them.
        not_launched: Of these, announced only.
        too_young: Launched, but their first outcome window is not over yet.
        thin: Whose evidence does not tell them from others like them (verdict `test`).
        stale_days: From the end of the data to the end of the history that the service has.
    """

    model: str
    version: str
    trained_until: str
    history_until: str
    data_until: str
    outcome_days: int
    level: float
    basis: str
    judged: bool
    status: str
    checks: dict[str, str]
    accuracy: list[Accuracy]
    held_since: str
    creatives: int
    accounts: int
    not_launched: int
    too_young: int
    thin: int
    stale_days: float


def belief(seen: Seen, evaluation: Evaluation | None) -> Belief:
    """Of the model and of the chosen creatives; an evaluation of other data is none."""
    manifest, standing = seen.served.manifest, seen.served.as_of
    mine = evaluation if evaluation and evaluation.facts.data_fingerprint == manifest.data_fingerprint else None
    checked = _checks(mine) if mine else []
    name, version = seen.served.name, seen.served.version
    return Belief(
        model=name,
        version=version,
        trained_until=manifest.trained_until,
        history_until=standing.moment.isoformat(),
        data_until=seen.now.isoformat(),
        outcome_days=seen.settings.outcome_days,
        level=seen.settings.interval.level,
        basis=seen.settings.basis,
        judged=mine is not None,
        status=overall(checked) if checked else UNJUDGED,
        checks={check.name: check.status for check in checked},
        accuracy=_accuracy(mine) if mine else _from_summary(manifest.summary),
        held_since=mine.facts.holdout_since if mine else "",
        creatives=len(seen.observed),
        accounts=int(seen.observed["account_id"].nunique()),
        not_launched=int((~seen.launched).sum()),
        too_young=int((seen.launched & ~seen.came["known"].to_numpy()).sum()),
        thin=int((seen.predicted["verdict"] == "test").sum()),
        stale_days=round((seen.now - standing.moment) / pd.Timedelta(days=1), 1),
    )


def _checks(found: Evaluation) -> list[Check]:
    about = found.facts
    return acceptance_checks(
        found.holdout, found.groups, found.bins, found.deciles, level=about.level, least_volume=about.min_impressions
    )


def _accuracy(found: Evaluation) -> list[Accuracy]:
    whole = found.figures[(found.figures["age_hours"] == ALL_AGES) & (found.figures["part"] == "all")]
    told = []
    for target, rows in whole.groupby("target", sort=False):
        by = rows.set_index("method")
        if OWN not in by.index or not np.isfinite(by.loc[OWN, "spearman"]):
            continue
        inside = interval_coverage(found.holdout, str(target), found.facts.min_impressions)
        rules = {name: right(by.loc[name, "spearman"]) for name in (CARRY, EMPIRICAL_BAYES) if name in by.index}
        told.append(
            Accuracy(
                target=str(target),
                rows=int(by.loc[OWN, "rows"]),
                pairs_right=right(by.loc[OWN, "spearman"]),
                of_rules=rules,
                total=float(by.loc[OWN, "total"]),
                covered=inside.value if inside else None,
                covered_low=inside.low if inside else None,
                covered_high=inside.high if inside else None,
            )
        )
    return told


def _from_summary(summary: dict[str, float | str | None]) -> list[Accuracy]:
    """What the bundle itself tells of its evaluation."""
    told = []
    for name, rank in summary.items():
        target, _, figure = name.partition("/")
        if figure == "spearman" and isinstance(rank, float):
            rows, total = summary.get(f"{target}/rows"), summary.get(f"{target}/total")
            told.append(
                Accuracy(
                    target=target,
                    rows=int(rows) if isinstance(rows, float) else 0,
                    pairs_right=right(rank),
                    of_rules={},
                    total=total if isinstance(total, float) else None,
                    covered=None,
                    covered_low=None,
                    covered_high=None,
                )
            )
    return told


def right(rank: float) -> float:
    """Share of pairs in the right order, of two figures that are jointly normal in ranks."""
    return float(0.5 + np.arcsin(np.clip(rank, -1.0, 1.0)) / np.pi)

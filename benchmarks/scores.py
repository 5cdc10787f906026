"""Compare methods on the same holdout rows: figures with bootstrap bands, and their differences from gpmcast.

A method's table has its expected value in the column of each target. It may add a column `typical_<target>`, what one
creative will most likely show: expm1 of E[log1p], for example. Outcomes are skewed, most are 0; the typical value ranks
them, the expected one gives their totals. Against outcomes, the rank correlation is therefore that of the typical value
where there is one, and every other figure that of the expected value. True rates are expected values themselves:
against them, all figures are those of the expected value.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks.truth import ON, TRUE
from features.arrays import Floats, Mask
from features.funnel import Funnel
from features.targets import TARGETS
from training.evaluation.metrics import (
    ALL_AGES,
    MIN_METRIC_ROWS,
    band,
    capped_exposure,
    drawn_spearman,
    poisson_losses,
    ratio,
    with_observed_sample,
)
from training.labels.outcomes import actual_targets, exposures

FIGURES = ("spearman", "deviance", "log_error", "total", "mean")
OURS = "gpmcast"
KNOWN_EFFECTS = "knows every effect"
OUTCOME, TRUTH = "what came", "the truth"


def compare_methods(
    methods: Mapping[str, pd.DataFrame],
    observed: pd.DataFrame,
    outcome: pd.DataFrame,
    cold: Mask,
    funnel: Funnel,
    *,
    least_volume: float,
    draws: int,
    truth: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compare methods with the outcomes and, on the sample world, with the true rates.

    Args:
        methods: Method → its predicted targets, a row per holdout row; `typical_<target>` as the module says.
        observed: Holdout rows with KEY and `age_hours`.
        outcome: Their outcomes, in the same order.
        cold: Per row: whether its creative is in no training row.
        funnel: Of the training data.
        least_volume: Later volume from which a rate is compared.
        draws: Draws of the bootstrap.
        truth: Of the sample world; KNOWN_EFFECTS is added as a method there.

    Returns:
        `compare` with the column `against`: OUTCOME or TRUTH.
    """
    keys = observed[ON].assign(cold=cold)
    actual, exposure = actual_targets(outcome, funnel), exposures(outcome, funnel)
    known = known_rows(actual, exposure, least_volume)
    figures = compare(methods, actual, exposure, keys, known, draws=draws).assign(against=OUTCOME)
    if truth is None:
        return figures
    true, oracle = true_targets(keys, truth, funnel)
    known = {str(target): known[str(target)] & (true[target] > 0).to_numpy(np.bool_) for target in true}
    expected = {name: table[[target for target in true if target in table]] for name, table in methods.items()}
    of_truth = compare({**expected, KNOWN_EFFECTS: oracle}, true, exposure, keys, known, draws=draws)
    return pd.concat([figures, of_truth.assign(against=TRUTH)], ignore_index=True)


def compare(
    methods: Mapping[str, pd.DataFrame],
    actual: pd.DataFrame,
    exposure: Mapping[str, Floats],
    keys: pd.DataFrame,
    known: Mapping[str, Mask],
    *,
    draws: int,
) -> pd.DataFrame:
    """Figures of every method, as `training.evaluation.metrics` defines them, with a bootstrap over creatives.

    Args:
        methods: Method → its targets in row order; a target it does not predict is absent. `spearman` is that of the
            column `typical_<target>` where there is one.
        actual: Actual targets, a row per holdout row.
        exposure: Target → denominator of its rate, one per row.
        keys: KEY, `age_hours` and `cold` of each row.
        known: Target → mask of the rows to compare on.
        draws: Draws of the bootstrap; every method gets the same ones.

    Returns:
        A row per target, part (`all`, `cold`, `warm`; by age `all` only), age, method and figure: `rows`, `value` with
        `low` and `high`, and `difference` (value less that of OURS on the same draws) with `difference_low` and
        `difference_high`.

    Raises:
        ValueError: A method has no number for a row that is compared.
    """
    cold, ages = keys["cold"].to_numpy(), keys["age_hours"].to_numpy()
    counts = with_observed_sample(keys, draws)
    slices: list[tuple[float, str, Mask]] = [(ALL_AGES, "all", np.ones(len(keys), dtype=bool))]
    slices += [(ALL_AGES, "cold", cold), (ALL_AGES, "warm", ~cold)] if cold.any() and not cold.all() else []
    slices += [(age, "all", ages == age) for age in sorted(set(ages))]
    lines = []
    for target in map(str, actual):
        for age, part, chosen in slices:
            rows = chosen & known[target]
            if rows.sum() < MIN_METRIC_ROWS:
                continue
            truth, weight = actual[target].to_numpy(np.float64)[rows], exposure[target][rows]
            drawn = {}
            for method, table in methods.items():
                if target in table:
                    expected = _predictions(method, table[target], rows)
                    typical = _predictions(method, table.get(f"typical_{target}", table[target]), rows)
                    drawn[method] = figures(expected, typical, truth, weight, counts[:, rows])
            for method, values in drawn.items():
                about = {"target": target, "age_hours": age, "part": part, "method": method, "rows": int(rows.sum())}
                lines += [about | _with_bands(name, values[name], drawn.get(OURS, {}).get(name)) for name in FIGURES]
    return pd.DataFrame(lines)


def figures(predicted: Floats, typical: Floats, truth: Floats, exposure: Floats, drawn: Floats) -> dict[str, Floats]:
    """Figure → its value in each bootstrap draw.

    Args:
        predicted: Expected value, one per row.
        typical: Value that ranks the rows, one per row.
        truth: One per row.
        exposure: One per row.
        drawn: How often each row is drawn; axis 0: draws, axis 1: rows.
    """
    weight = drawn * capped_exposure(exposure)
    total = weight.sum(axis=1)
    error = np.abs(np.log1p(predicted) - np.log1p(truth))
    return {
        "spearman": drawn_spearman(typical, truth, drawn),
        "deviance": ratio(2.0 * (weight @ poisson_losses(predicted, truth)), weight @ truth),
        "log_error": ratio(weight @ error, total),
        "total": ratio(drawn @ (predicted * exposure), drawn @ (truth * exposure)),
        "mean": ratio(drawn @ predicted, drawn @ truth),
    }


def known_rows(actual: pd.DataFrame, exposure: Mapping[str, Floats], least_volume: float) -> dict[str, Mask]:
    """Target → mask of the rows with a known outcome; of a rate, with at least this later volume."""
    enough = exposure["volume"] >= least_volume
    return {
        target: np.isfinite(actual[target].to_numpy(np.float64))
        & (exposure[target] > 0)
        & (enough | TARGETS[target].is_volume)
        for target in map(str, actual)
    }


def true_targets(keys: pd.DataFrame, truth: pd.DataFrame, funnel: Funnel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """True targets in row order, and the same from known effects alone; NaN where the truth has no such row."""
    joined = keys[ON].merge(truth.drop(columns="cutoff"), on=ON, how="left", validate="one_to_one")
    true = pd.DataFrame({target: joined[TRUE[target]] for target in funnel.targets if target in TRUE})
    oracle = {name: joined[f"{name}_known_effects"] for name in true if f"{name}_known_effects" in joined}
    return true, pd.DataFrame(oracle)


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as JSON objects; missing values are null."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


def _predictions(method: str, predicted: pd.Series, rows: Mask) -> Floats:
    values = predicted.to_numpy(np.float64)[rows]
    if not np.isfinite(values).all():
        raise ValueError(f"{method} has no number for {int((~np.isfinite(values)).sum())} rows of {predicted.name}")
    return values


def _with_bands(name: str, values: Floats, ours: Floats | None) -> dict[str, object]:
    """A figure's value (element 0) and band (the draws after it), and the same of its difference from ours."""
    low, high = band(values[1:])
    difference = values - ours if ours is not None else np.full_like(values, np.nan)
    difference_low, difference_high = band(difference[1:])
    return {
        "figure": name, "value": float(values[0]), "low": low, "high": high,
        "difference": float(difference[0]), "difference_low": difference_low, "difference_high": difference_high,
    }  # fmt: skip

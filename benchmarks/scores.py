"""How do the methods compare on the same rows? Figures with bands, and how far each lies from one of them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.truth import ON, TRUE
from features.funnel import Funnel
from training.evaluation.bootstrap import band, creative_draws, drawn_spearman
from training.evaluation.metrics import ALL_AGES, LEAST_ROWS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FIGURES = ("spearman", "deviance", "log_error", "total", "mean")
OURS = "gpmcast"


def compare(
    methods: Mapping[str, pd.DataFrame],
    actual: pd.DataFrame,
    exposure: Mapping[str, Floats],
    keys: pd.DataFrame,
    known: Mapping[str, Flags],
    *,
    draws: int,
    seed: int = 7,
) -> pd.DataFrame:
    """Figures of every method, as `training.evaluation.metrics` defines them, with a bootstrap over creatives.

    Args:
        methods: Method → its targets in row order; a target it does not predict is absent.
        actual: What came.
        exposure: Target → what its rate is out of.
        keys: KEY, `age_hours` and `cold` of each row.
        known: Target → rows to judge on.
        draws: Of the bootstrap; every method sees the same ones.
        seed: Of the bootstrap.

    Returns:
        A row per target, part (`all`, `cold`, `warm`; by age `all` only), age, method and figure: `rows`, `value` with
        `low` and `high`, and `apart` (value less that of OURS on the same draws) with its own `low` and `high`.

    Raises:
        ValueError: A method has no number for a row that is judged.
    """
    cold, ages = keys["cold"].to_numpy(), keys["age_hours"].to_numpy()
    counts = np.vstack([np.ones((1, len(keys))), creative_draws(keys, draws, seed)])
    slices: list[tuple[float, str, Flags]] = [(ALL_AGES, "all", np.ones(len(keys), dtype=bool))]
    slices += [(ALL_AGES, "cold", cold), (ALL_AGES, "warm", ~cold)] if cold.any() and not cold.all() else []
    slices += [(age, "all", ages == age) for age in sorted(set(ages))]
    lines = []
    for target in actual:
        for age, part, chosen in slices:
            rows = chosen & known[target]
            if rows.sum() < LEAST_ROWS:
                continue
            truth, weight = actual[target].to_numpy(np.float64)[rows], exposure[target][rows]
            drawn = {
                method: figures(_guess(method, table[target], rows), truth, weight, counts[:, rows])
                for method, table in methods.items()
                if target in table
            }
            for method, values in drawn.items():
                about = {"target": target, "age_hours": age, "part": part, "method": method, "rows": int(rows.sum())}
                lines += [about | _told(name, values[name], drawn.get(OURS, {}).get(name)) for name in FIGURES]
    return pd.DataFrame(lines)


def figures(guess: Floats, truth: Floats, exposure: Floats, drawn: Floats) -> dict[str, Floats]:
    """Every figure of each draw; exposure is held at the median's tenfold where it weighs errors."""
    capped = np.minimum(exposure, 10.0 * np.median(exposure))
    weight = drawn * capped
    total = weight.sum(axis=1)
    safe = np.maximum(guess, 1e-9)
    gain = truth * np.log(np.where(truth > 0, truth, 1.0) / safe) - (truth - safe)
    error = np.abs(np.log1p(guess) - np.log1p(truth))
    return {
        "spearman": drawn_spearman(guess, truth, drawn),
        "deviance": _part(2.0 * (weight @ gain), weight @ truth),
        "log_error": _part(weight @ error, total),
        "total": _part(drawn @ (guess * exposure), drawn @ (truth * exposure)),
        "mean": _part(drawn @ guess, drawn @ truth),
    }


def exposures(outcome: pd.DataFrame, funnel: Funnel) -> dict[str, Floats]:
    """Target → what its rate is out of (ones for volume), and `volume`: as `training.evaluation.holdout.judge` takes
    them."""
    volume = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    spend = outcome["later:spend_cny"].to_numpy(np.float64) if "later:spend_cny" in outcome else volume
    return {"volume": volume} | {
        target: np.ones_like(volume) if target.startswith("later_") else spend if target.endswith("roi") else volume
        for target in funnel.targets
    }


def known_rows(actual: pd.DataFrame, exposure: Mapping[str, Floats], least_volume: float) -> dict[str, Flags]:
    """Target → rows to judge on: their outcome is known; of a rate, on at least so much later volume."""
    enough = exposure["volume"] >= least_volume
    return {
        target: np.isfinite(actual[target].to_numpy(np.float64))
        & (exposure[target] > 0)
        & (enough | target.startswith("later_"))
        for target in actual
    }


def true_targets(keys: pd.DataFrame, truth: pd.DataFrame, funnel: Funnel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """True targets in row order, and those of someone who knows every effect but no luck; NaN where unknown."""
    joined = keys[ON].merge(truth.drop(columns="cutoff"), on=ON, how="left", validate="one_to_one")
    true = pd.DataFrame({target: joined[TRUE[target]] for target in funnel.targets if target in TRUE})
    best = {name: joined[f"{name}_without_luck"] for name in true if f"{name}_without_luck" in joined}
    return true, pd.DataFrame(best)


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as plain values: what is not known is null."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


def _guess(method: str, predicted: pd.Series, rows: Flags) -> Floats:
    guess = predicted.to_numpy(np.float64)[rows]
    if not np.isfinite(guess).all():
        raise ValueError(f"{method} has no number for {int((~np.isfinite(guess)).sum())} rows of {predicted.name}")
    return guess


def _told(name: str, values: Floats, ours: Floats | None) -> dict[str, object]:
    low, high = band(values[1:])
    apart = values - ours if ours is not None else np.full_like(values, np.nan)
    apart_low, apart_high = band(apart[1:])
    return {
        "figure": name, "value": float(values[0]), "low": low, "high": high,
        "apart": float(apart[0]), "apart_low": apart_low, "apart_high": apart_high,
    }  # fmt: skip


def _part(top: Floats, below: Floats) -> Floats:
    return np.divide(top, below, out=np.full_like(top, np.nan), where=below > 0)

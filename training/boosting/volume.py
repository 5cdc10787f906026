"""Head of later volume: a pace regression with LightGBM trees, once for the typical and once for the expected volume.

Typical: E[log1p(volume)], L2 trees on the pace regression; it ranks. Expected: log E[volume], Tweedie trees (Jørgensen
1987) on a calibration of the pace regression, which is log-linear by promotion type and age; its sums are right.

Explanation: typical = terms of the pace regression (`VolumeHead.offset_terms`) + SHAP values of its trees. Expected =
the same terms + `calibration` + SHAP values of its trees; the calibration's term is its prediction less the pace
regression. Both are held below the largest volume of the training rows, or a week at the creative's own fastest pace
where that is more: of a few hundred creatives the next hit is often larger than any before.

Fewer than twice `min_data_in_leaf` training rows, or 0 rounds: no trees; the pace regression and its calibration are
the volumes. A row of age 0 has no pace: it has the level of its promotion type at that age, and the trees read the
volume of others of its account, product and creator (`hist_…_volume`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

import lightgbm as lgb
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from configs.settings import Trees
from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from features.stages import VOLUME
from training.boosting.lightgbm_parameters import training_parameters
from training.boosting.pooled_line import Groups, PooledLine, fit_pooled_line, flat_line
from training.boosting.volume_rows import Paces, VolumeRows, fastest, paces_of

Labelled = tuple[Features, pd.DataFrame]
"""Features of rows and their outcomes (`training.labels.outcomes`); a partly covered window counts as its share."""
Figure = Literal["typical", "expected"]
FIGURES: tuple[Figure, ...] = get_args(Figure)
CHOICES: Mapping[Figure, str] = {"typical": "typical_volume", "expected": VOLUME}
"""Figure → the name of its trees among those of the heads."""

OFFSET_RIDGE = 5.0
"""Penalty of the pace regression (`fit_pooled_line`)."""
CALIBRATION_POWER, CALIBRATION_RIDGE = 1.2, 60.0
"""Tweedie power and penalty of the calibration (`fit_pooled_line`): near Poisson, because sums decide."""
TWEEDIE_POWER = 1.5
"""Tweedie power of the trees of the expected volume."""
LEAST_VOLUME = 0.1
"""Least expected volume, in impressions (or CNY of spend)."""
PATIENCE = 100
"""Rounds without a lower validation loss after which training on a fold stops."""
STANDARD_ERRORS: Mapping[Figure, float] = {"typical": 0.0, "expected": 2.0}
"""How far from the least loss the number of trees may stay, in standard errors: trees that chase hits spoil sums."""


@dataclass(frozen=True)
class VolumeHead:
    """The fitted head.

    Attributes:
        offset: Pace regression of log1p(volume).
        calibration: Log expected volume from the pace regression.
        ceiling: Largest volume of the training rows, over a whole outcome window.
        boosters: Figure → its trees over all columns of the feature matrix, where it has any.
    """

    offset: PooledLine
    calibration: PooledLine
    ceiling: float
    boosters: Mapping[Figure, lgb.Booster]

    def volumes(self, features: Features) -> tuple[Floats, Floats]:
        """(rows,) log of the volume expected over a whole outcome window, and (rows,) E[log1p(volume)]."""
        paces = paces_of(features)
        scores, ceiling = self._scores(features, paces, FIGURES), self._log1p_ceiling(paces)
        return _clipped_expected(scores["expected"], ceiling), _clipped_typical(scores["typical"], ceiling)

    def log1p_typical(self, features: Features) -> Floats:
        """(rows,) E[log1p(volume)] over a whole outcome window."""
        return self.volumes(features)[1]

    def log_expected(self, features: Features) -> Floats:
        """(rows,) Log of the volume expected over a whole outcome window."""
        return self.volumes(features)[0]

    def clipped_expected(self, score: Floats, features: Features) -> Floats:
        """(rows,) Log of the expected volume, held between LEAST_VOLUME and the largest that a row may have."""
        return _clipped_expected(score, self._log1p_ceiling(paces_of(features)))

    def _log1p_ceiling(self, paces: Paces) -> Floats:
        """(rows,) log1p of the largest volume that each row may have."""
        return np.maximum(fastest(paces), np.log1p(self.ceiling))

    def offset_terms(self, features: Features, figure: Figure) -> dict[str, Floats]:
        """`level`, pace, or `calibration` → (rows,) what it adds before the trees."""
        rows = VolumeRows.of(features)
        terms = self.offset.terms(rows.groups, rows.paces)
        if figure == "expected":
            score = sum(terms.values(), np.zeros(len(rows.volume)))
            terms["calibration"] = self.calibration.predict(rows.groups, {"score": score}) - score
        return terms

    def scores(self, features: Features, figures: Sequence[Figure] = FIGURES) -> dict[Figure, Floats]:
        """(rows,) log1p of the typical, and log of the expected volume, before they are clipped."""
        return self._scores(features, paces_of(features), figures)

    def _scores(self, features: Features, paces: Paces, figures: Sequence[Figure]) -> dict[Figure, Floats]:
        starts = _starts(self.offset, self.calibration, Groups.of(features), paces)
        matrix = features.values.matrix
        found = {figure: starts[figure] for figure in figures}
        for figure in found.keys() & self.boosters.keys() if len(matrix) else ():
            found[figure] = found[figure] + self.boosters[figure].predict(matrix, raw_score=True, num_threads=1)
        return found

    def document(self) -> dict[str, object]:
        """Everything but the boosters, as plain JSON."""
        saved = _Document.model_validate({name: getattr(self, name) for name in _Document.model_fields})
        return saved.model_dump(mode="json")

    @classmethod
    def from_document(cls, document: Mapping[str, object], boosters: Mapping[Figure, lgb.Booster]) -> Self:
        """The head of `document`.

        Raises:
            pydantic.ValidationError: The document is not one of `document`.
        """
        return cls(**dict(_Document.model_validate(document)), boosters=boosters)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    offset: PooledLine
    calibration: PooledLine
    ceiling: float


def fit_volume_head(
    train: Labelled, funnel: Funnel, trees: Mapping[Figure, Trees], rounds: Mapping[Figure, int], seed: int = 0
) -> VolumeHead:
    """Fit the head.

    Args:
        train: Training rows, all mature.
        funnel: Its volume is predicted.
        trees: Figure → hyperparameters.
        rounds: Figure → number of trees (`best_volume_rounds`); none where it is not named.
        seed: Of LightGBM.
    """
    rows = VolumeRows.of(*train, funnel.volume_of)
    offset, calibration = _fit_lines(rows)
    boosters = {}
    for figure in FIGURES:
        if rounds.get(figure) and _can_train(rows, trees[figure]):
            data = _lgb_set(rows, _starts(offset, calibration, rows.groups, rows.paces)[figure], figure)
            boosters[figure] = lgb.train(_parameters(trees[figure], figure, seed), data, num_boost_round=rounds[figure])
    ceiling = float(rows.volume.max(initial=0.0))
    return VolumeHead(offset, calibration, ceiling, boosters)


@dataclass(frozen=True)
class VolumeCurve:
    """Loss on a fold's validation rows.

    Attributes:
        figure: Typical: squared error of log1p; expected: Tweedie loss.
        loss: (rounds + 1,) By the first 0, 1, 2, … trees, summed over the rows by weight.
        weight: Sum of the weights of the rows.
    """

    figure: Figure
    loss: Floats
    weight: float


def volume_curve(
    fit: Labelled, validate: Labelled, funnel: Funnel, trees: Trees, figure: Figure, seed: int = 0
) -> VolumeCurve:
    """Train on a fold's past and measure on its validation rows; `trees.rounds` is the largest number of trees."""
    past, rows = (VolumeRows.of(*part, funnel.volume_of) for part in (fit, validate))
    lines = _fit_lines(past)
    start, weight = _starts(*lines, rows.groups, rows.paces)[figure], float(rows.weight.sum())
    losses = np.full(trees.rounds + 1, rows.weight @ _loss(start, rows.volume, figure))
    if weight > 0 and trees.rounds and _can_train(past, trees):
        record: dict[str, dict[str, list[float]]] = {}
        train = _lgb_set(past, _starts(*lines, past.groups, past.paces)[figure], figure)
        lgb.train(
            _parameters(trees, figure, seed),
            train,
            num_boost_round=trees.rounds,
            valid_sets=[_lgb_set(rows, start, figure, train)],
            valid_names=["validate"],
            callbacks=[lgb.record_evaluation(record), lgb.early_stopping(PATIENCE, verbose=False)],
        )
        found = np.array(next(iter(record["validate"].values()))) * weight
        losses[1:] = np.pad(found, (0, trees.rounds - len(found)), mode="edge")
    return VolumeCurve(figure, losses, weight)


def volume_deviance(head: VolumeHead, rows: Labelled, funnel: Funnel, figure: Figure) -> tuple[Floats, Floats]:
    """Deviance of each row by a head that was not trained on it, and its weight.

    Returns:
        (rows,) weighted squared error of log1p (typical) or weighted Tweedie deviance (expected), and (rows,) weight.
    """
    known = VolumeRows.of(*rows, funnel.volume_of)
    losses = _loss(head.scores(rows[0], (figure,))[figure], known.volume, figure)
    if figure == "expected":  # less the loss of a perfect prediction
        low, high = 1 - TWEEDIE_POWER, 2 - TWEEDIE_POWER
        losses = 2 * (losses - known.volume**high * (1 / high - 1 / low))
    return known.weight * losses, known.weight


def best_volume_rounds(curves: Sequence[VolumeCurve]) -> tuple[int, float]:
    """The number of trees by the loss pooled over the folds, and that loss per unit of weight.

    The fewest within STANDARD_ERRORS of the least loss (Breiman et al. 1984); the error is taken over folds: what
    happens to a market at one time happens to many creatives at once, so that they are no independent evidence.
    """
    losses = np.array([curve.loss for curve in curves])
    pooled = losses.sum(axis=0)
    excess = losses - losses[:, [pooled.argmin()]]
    allowed = STANDARD_ERRORS[curves[0].figure] * excess.std(axis=0) * np.sqrt(len(curves))
    rounds = int(np.argmax(excess.sum(axis=0) <= allowed))
    return rounds, float(pooled[rounds] / sum(curve.weight for curve in curves))


def _clipped_typical(score: Floats, log1p_ceiling: Floats) -> Floats:
    return np.minimum(np.maximum(score, 0.0), log1p_ceiling)


def _clipped_expected(score: Floats, log1p_ceiling: Floats) -> Floats:
    return np.minimum(
        np.maximum(score, np.log(LEAST_VOLUME)), np.log(np.maximum(np.expm1(log1p_ceiling), LEAST_VOLUME))
    )


def _fit_lines(rows: VolumeRows) -> tuple[PooledLine, PooledLine]:
    """Pace regression and its calibration; flat where no volume is known, or all of it is 0."""
    offset, calibration = flat_line(0.0), flat_line(float(np.log(LEAST_VOLUME)))
    if rows.volume.any():
        label = np.log1p(rows.volume)
        offset = fit_pooled_line(rows.groups, rows.paces, label, rows.weight, power=0.0, ridge=OFFSET_RIDGE)
        score = {"score": offset.predict(rows.groups, rows.paces)}
        how = {"power": CALIBRATION_POWER, "ridge": CALIBRATION_RIDGE}
        calibration = fit_pooled_line(rows.groups, score, rows.volume, rows.weight, **how)
    return offset, calibration


def _starts(
    offset: PooledLine, calibration: PooledLine, groups: Groups, paces: Mapping[str, Floats]
) -> dict[Figure, Floats]:
    """Figure → (rows,) before its trees."""
    score = offset.predict(groups, paces)
    return {"typical": score, "expected": calibration.predict(groups, {"score": score})}


def _can_train(rows: VolumeRows, trees: Trees) -> bool:
    """Whether there are enough rows, and not all labels 0, which LightGBM refuses."""
    return bool(np.count_nonzero(rows.weight) >= 2 * trees.min_data_in_leaf and rows.volume.any())


def _lgb_set(rows: VolumeRows, start: Floats, figure: Figure, reference: lgb.Dataset | None = None) -> lgb.Dataset:
    return rows.lgb_set(np.log1p(rows.volume) if figure == "typical" else rows.volume, start, reference)


def _loss(score: Floats, volume: Floats, figure: Figure) -> Floats:
    """(rows,) As LightGBM's metric."""
    if figure == "typical":
        return np.asarray((score - np.log1p(volume)) ** 2)
    low, high = 1 - TWEEDIE_POWER, 2 - TWEEDIE_POWER
    return np.asarray(-volume * np.exp(low * score) / low + np.exp(high * score) / high)


def _parameters(trees: Trees, figure: Figure, seed: int) -> dict[str, object]:
    objective: dict[str, object] = {"objective": "l2", "metric": "l2"}
    if figure == "expected":
        objective = {"objective": "tweedie", "metric": "tweedie", "tweedie_variance_power": TWEEDIE_POWER}
    return {**objective, **training_parameters(trees, seed)}

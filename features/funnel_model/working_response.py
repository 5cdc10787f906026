"""What each creative's counts say to a log-linear model whose every creative has an effect of its own.

The effect is taken at its mode and integrated out (Breslow & Clayton 1993, with an effect per observation). A ratio of
counts to what was expected would do where traffic is dealt out blindly; here a winner gets more of it than a loser, and
weighing ratios by traffic overstates what creatives do.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NEWTON_STEPS = 6
LONGEST_STEP = 1.0
"""Of an effect in one Newton step."""


@dataclass(frozen=True)
class Counts:
    """Creatives of which a stage knows something.

    Attributes:
        count: What was counted (or earned).
        exposure: Over what.
        events: That make a ratio of the two sure; None where these are the counts expected.
        intercept: Log rate around which log rates are told.
    """

    count: Floats
    exposure: Floats
    events: Floats | None
    intercept: float


def weigh(counts: Counts, log_rate: Floats, own: float, dispersion: float) -> tuple[Floats, Floats, Floats]:
    """How far each creative is off on the log scale, one over the variance of that, φ/u + s², and u.

    Taken at the creative's own effect e, where (u/φ) · (ratio · exp(−e) − 1) = e/s²; u are the events that make the
    ratio sure, of counts those expected under e.

    Args:
        counts: Of the creatives.
        log_rate: Log rate of each without its own effect, less the intercept.
        own: s², variance of the effects.
        dispersion: φ.
    """
    expected = counts.exposure * np.exp(np.clip(counts.intercept + log_rate, -40.0, 40.0))
    ratio = counts.count / expected
    events = expected if counts.events is None else counts.events
    prior = dispersion / own
    effect = np.log((ratio * events + prior) / (events + prior))
    for _ in range(NEWTON_STEPS):
        grown = np.exp(effect)
        if counts.events is None:
            told, slope = events * (ratio - grown), events * grown
        else:
            told, slope = events * (ratio / grown - 1.0), events * ratio / grown
        effect = effect + np.clip((told - prior * effect) / (slope + prior), -LONGEST_STEP, LONGEST_STEP)
    sure = events * np.exp(effect) if counts.events is None else events
    return effect * (1.0 + prior / sure), 1.0 / (dispersion / sure + own), sure

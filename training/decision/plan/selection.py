"""Which candidates to launch: expected gain first, then the chance of hits, at most one creative of each idea.

Two integer programmes (HiGHS by `scipy.optimize.milp`): the greatest expected gain G; then, with gain of at least
G − share · |G|, the greatest chance of hits. The chance of at least one of independent hits is 1 − exp(−Σ w) with
w = −log(1 − p), so for one hit the second programme is exact. For k hits Σ w is still maximised: the number of hits is
at most Poisson(Σ w) in stochastic order, because each hit is at most Poisson(w); so P(Poisson(max Σ w) ≥ k) bounds the
chance of every choice, and the distance to it is stated.

Beyond `exact_candidates` the choice is the better of greedy by gain and greedy by gain per cost. Gain is additive, and
"at most one of each idea, at most N" is a matroid, so greedy by gain is exact there while money does not bind (Edmonds
1971); where it does, the distance to the linear relaxation is stated. The bound 1 − 1/e of greedy (Nemhauser, Wolsey
and Fisher 1978) is for P(at least one hit) alone, which is monotone and submodular; for two hits or more it is not
submodular, and no such bound is claimed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp
from scipy.sparse import csr_array, vstack
from scipy.stats import poisson

from configs.decision_settings import PlanSettings
from features.arrays import Floats, Mask


@dataclass(frozen=True)
class Selection:
    """The choice.

    Attributes:
        chosen: (candidates,) Whether each is launched.
        method: `exact` or `greedy`.
        gain: Expected gain of the choice in CNY.
        most_gain: Bound on that of every choice.
        hit_chance: Chance of at least `settings.hits` hits.
        most_hit_chance: Bound on that of every choice with as much gain; None for a greedy choice.
    """

    chosen: Mask
    method: str
    gain: float
    most_gain: float
    hit_chance: float
    most_hit_chance: float | None

    @property
    def gain_gap(self) -> float:
        """Share of the greatest possible gain that may be missing; what was given up for hits included."""
        return max(self.most_gain - self.gain, 0.0) / abs(self.most_gain) if self.most_gain else 0.0


def choose(
    gain: Floats, hit_chance: Floats, cost: Floats, family: npt.NDArray[np.int64], money: float, launch: int | None,
    settings: PlanSettings,
) -> Selection:  # fmt: skip
    """Choose launches.

    Args:
        gain: (candidates,) Expected gain in CNY.
        hit_chance: (candidates,) Probability that it is a hit; hits of different ideas are independent.
        cost: (candidates,) Test money that each needs at least.
        family: (candidates,) Code of its idea.
        money: Test money in all.
        launch: How many; None: as many as add expected gain.
        settings: Of the plan.
    """
    start = _by_gain(gain, cost, family, money, launch)
    if len(gain) > settings.exact_candidates:
        return _greedy(start, gain, hit_chance, cost, family, money, launch, settings)
    limits = _limits(cost, family, money, launch)
    first, most_gain = _solve(gain, limits, settings.solver_seconds, start.astype(np.float64))
    weight = -np.log1p(-np.minimum(hit_chance, 1.0 - 1e-9))
    least = float(gain @ first) - settings.gain_given_up * abs(float(gain @ first))
    kept = LinearConstraint(csr_array(gain[None, :]), least, np.inf)
    useful = gain > 0 if launch is None else np.ones(len(gain), dtype=bool)
    best, most_weight = _solve(weight, [*limits, kept], settings.solver_seconds, first, useful)
    chosen = best > 0.5
    return Selection(
        chosen,
        "exact",
        float(gain[chosen].sum()),
        most_gain,
        chance_of_hits(hit_chance[chosen], settings.hits),
        float(poisson.sf(settings.hits - 1, most_weight)),
    )


def chance_of_hits(chances: Floats, hits: int) -> float:
    """P(at least `hits` of independent events); exact, by adding one event at a time."""
    counts = np.zeros(hits + 1)
    counts[0] = 1.0
    for chance in chances.tolist():
        moved = counts * chance
        counts -= moved
        counts[1:] += moved[:-1]
        counts[-1] += moved[-1]
    return float(counts[-1])


def _limits(cost: Floats, family: npt.NDArray[np.int64], money: float, launch: int | None) -> list[LinearConstraint]:
    """At most one of each idea, no more test money than there is, and as many as asked for."""
    count = len(cost)
    ideas = csr_array((np.ones(count), (family, np.arange(count))), shape=(int(family.max()) + 1, count))
    limits = [
        LinearConstraint(ideas, -np.inf, 1.0),
        LinearConstraint(csr_array(cost[None, :] / money), -np.inf, 1.0),
    ]
    if launch is not None:
        limits.append(LinearConstraint(csr_array(np.ones((1, count))), launch, launch))
    return limits


def _solve(
    value: Floats,
    limits: list[LinearConstraint],
    seconds: float,
    start: Floats,
    useful: Mask | float = 1.0,
) -> tuple[Floats, float]:
    """The best choice found among `useful` ones, at least `start`, and a bound on the best."""
    scale = max(float(np.abs(value).max()), 1e-12)
    found = milp(
        -value / scale,
        integrality=np.ones(len(value)),
        bounds=Bounds(0.0, np.ones(len(value)) * useful),
        constraints=limits,
        options={"time_limit": seconds, "mip_rel_gap": 1e-6},
    )
    choice = start if found.x is None or value @ np.round(found.x) < value @ start else np.round(found.x)
    return choice, max(_bound(found, value, scale), float(value @ choice))


def _bound(found: OptimizeResult, value: Floats, scale: float) -> float:
    """The solver's bound; where it ended before it had one, all that is positive."""
    if found.mip_dual_bound is not None and np.isfinite(found.mip_dual_bound):
        return -float(found.mip_dual_bound) * scale
    return float(value[value > 0].sum())


def _by_gain(gain: Floats, cost: Floats, family: npt.NDArray[np.int64], money: float, launch: int | None) -> Mask:
    """(candidates,) The better of two greedy choices, by gain and by gain per cost; by cost where both give too few."""
    tried = [_taken(np.argsort(-by, kind="stable"), gain, cost, family, money, launch) for by in (gain, gain / cost)]
    enough = [chosen for chosen in tried if launch is None or chosen.sum() == launch]
    if not enough:
        return _taken(np.argsort(cost, kind="stable"), gain, cost, family, money, launch)
    return max(enough, key=lambda chosen: float(gain[chosen].sum()))


def _greedy(
    chosen: Mask, gain: Floats, hit_chance: Floats, cost: Floats, family: npt.NDArray[np.int64], money: float,
    launch: int | None, settings: PlanSettings,
) -> Selection:  # fmt: skip
    """The greedy choice with the bound of the linear relaxation."""
    limits = _limits(cost, family, money, None)
    most = linprog(
        -gain,
        A_ub=vstack([limits[0].A, limits[1].A, csr_array(np.ones((1, len(gain))))]),
        b_ub=[*np.ones(limits[0].A.shape[0] + 1), len(gain) if launch is None else launch],
        bounds=(0.0, 1.0),
    )
    return Selection(
        chosen,
        "greedy",
        float(gain[chosen].sum()),
        -float(most.fun),
        chance_of_hits(hit_chance[chosen], settings.hits),
        None,
    )


def _taken(
    order: npt.NDArray[np.int64], gain: Floats, cost: Floats, family: npt.NDArray[np.int64], money: float,
    launch: int | None,
) -> Mask:  # fmt: skip
    """(candidates,) In this order, one of each idea, while money lasts."""
    chosen, used = np.zeros(len(gain), dtype=bool), set[int]()
    left, wanted = money, len(gain) if launch is None else launch
    for place in order.tolist():
        if wanted == 0 or (launch is None and gain[place] <= 0):
            break
        idea = int(family[place])
        if idea not in used and cost[place] <= left:
            chosen[place], left, wanted = True, left - float(cost[place]), wanted - 1
            used.add(idea)
    return chosen

"""Settings of decisions: the thresholds of verdicts, and those of `make plan`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from configs.decision_rules import Rule, check_table, default_rules
from configs.yaml_file import Section


class VerdictSettings(Section):
    """When a running creative is scaled, held, bid less for, watched or stopped; when a waiting one goes first, waits
    or is skipped.

    A chance is the probability of reaching the ROI target. The rules compare figures with these thresholds.
    """

    roi_target: Annotated[float, Field(gt=0)] = 1.0
    """ROI target of creatives without a `roi_target` of their own."""
    scale_chance: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Running: scale at this chance or more, where the true ROI is likely enough to reach its target too."""
    scale_rate_chance: Annotated[float, Field(ge=0, le=1)] = 0.85
    """Running: scale where the true ROI reaches its target with this probability or more."""
    hold_rate_chance: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Running: hold where the true ROI reaches its target with this probability or more."""
    likely_hit: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Probability from which a hit counts as likely; hits are rare (`interval.hit_share`)."""
    hit_needs_chance: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Running: scale a likely hit at this chance or more; below it bid less for one whose true ROI is unlikely to reach
    its target."""
    least_volume: Annotated[float, Field(ge=0)] = 200
    """Running: scale where the interval of later volume (impressions; CNY of spend where there are none) reaches this:
    below it chances are not calibrated (`evaluate.min_impressions`), and there is nothing to scale."""
    stop_chance: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Running: stop at this chance or less, where the true ROI is as unlikely to reach its target."""
    stop_rate_chance: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Running: stop where the true ROI reaches its target with this probability or less. This and `scale_rate_chance`
    decide as many creatives as they can with at most one in ten wrong in the sample's worlds `additive` and `shift`;
    what came in others: docs/intervals.md."""
    stop_spend_cny: Annotated[float, Field(ge=0)] = 0
    """Spend in CNY below which a creative is never stopped: teams that want to see some of it set 50 or 100."""
    first_chance: Annotated[float, Field(ge=0, le=1)] = 0.4
    """Waiting: goes first at this chance or more, if its place is high enough."""
    first_place: Annotated[float, Field(ge=0, le=1)] = 0.67
    """Waiting: share of launch predictions of its promotion type that lie below one that goes first."""
    skip_chance: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Waiting: not tried at this chance or less."""
    skip_place: Annotated[float, Field(ge=0, le=1)] = 0.33
    """Waiting: not tried at this place or a lower one, if it is predicted below its target."""
    distinguish_probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    """Evidence is enough when two such creatives would be ranked correctly with this probability."""
    min_creatives: Annotated[int, Field(ge=1)] = 30
    """Creatives of similar age, evidence and promotion type with known outcomes; with fewer, the reason says so."""
    rules: tuple[Rule, ...] = Field(default_factory=default_rules)
    """The table; by default that of `decision_rules.yaml`."""

    @model_validator(mode="after")
    def _in_order(self) -> VerdictSettings:
        for low, high in (
            ("stop_chance", "scale_chance"),
            ("stop_chance", "hit_needs_chance"),
            ("stop_rate_chance", "hold_rate_chance"),
            ("stop_rate_chance", "scale_rate_chance"),
            ("skip_chance", "first_chance"),
            ("skip_place", "first_place"),
        ):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} must lie below {high}")
        check_table(self.rules, vars(self))
        return self


class PlanSettings(Section):
    """`make plan`: which creatives to launch, test money, today's split, when to stop or scale."""

    false_stop: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """α: bound on the probability that a creative at its ROI target or above is ever called below it, however often
    one looks; the same bound holds for a creative below its target and the call to scale."""
    order_value_ratio: Annotated[float, Field(ge=1, le=10)] = 1.5
    """How uneven the values of orders may be for the bound on false stops to hold: 1 + their squared coefficient of
    variation, 1 for orders all alike. Used where an account's own past is too short to learn it from."""
    largest_order_ratio: Annotated[float, Field(ge=1, le=100)] = 3.0
    """How large the largest order may be for the bound on false calls to scale to hold, in multiples of the mean."""
    hits: Annotated[int, Field(ge=1, le=20)] = 1
    """Launches are chosen for the chance of at least so many hits."""
    gain_given_up: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the greatest expected gain that may be given up for a greater chance of hits."""
    test_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the budget for new creatives where others are running; without any, all of it is."""
    test_days: Annotated[float, Field(gt=0)] = 3
    """Days over which the test money of a creative is asked for."""
    floor_cny: Annotated[float, Field(ge=0)] = 10
    """Least money a day of a running creative that is not stopped."""
    cap_share: Annotated[float, Field(gt=0, le=1)] = 0.4
    """Largest share of a day's money for one running creative."""
    capacity: Annotated[float, Field(ge=1)] = 2
    """Most money a day of a running creative, in multiples of its predicted daily spend."""
    change: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Most by which the money of a running creative changes from one day to the next, as a share of yesterday's."""
    pause_below: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of draws that fund a creative, below which it may be paused where a day of it is expected to cost more than
    what is learned gains: funded in a share p, it runs today with probability p / `pause_below`."""
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Draws from the predictive distributions for today's split."""
    seed: int = 7
    elasticities: tuple[Annotated[float, Field(ge=0, le=1)], ...] = (0.0, 0.5, 1.0)
    """How far delivery follows the money asked for: 0 not at all, the platform decides; 1 fully. Bands go over them."""
    exact_candidates: Annotated[int, Field(ge=1)] = 2000
    """Candidates up to which launches are chosen by an integer programme; beyond, greedily with a bound."""
    solver_seconds: Annotated[float, Field(gt=0)] = 10
    """Time limit of each integer programme; what is left of the optimality gap is stated."""

    @field_validator("elasticities")
    @classmethod
    def _rising(cls, elasticities: tuple[float, ...]) -> tuple[float, ...]:
        if not elasticities or list(elasticities) != sorted(set(elasticities)):
            raise ValueError("name one elasticity at least, rising, each once")
        return elasticities

"""One rule of the decision table: which status, which conditions on figures, which verdict, what its reason names.

The table that runs use where they name none of their own is `decision_rules.yaml`. `training/decision/rules.py`
evaluates it: the first rule of a creative's status whose conditions all hold decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.yaml_file import Section, read_yaml

DEFAULT_RULES = Path(__file__).parent / "decision_rules.yaml"

Status = Literal["waiting", "running"]
VerdictCode = Literal["scale", "hold", "bid_less", "watch", "stop", "first", "reserve", "skip"]
VERDICTS: Mapping[Status, tuple[VerdictCode, ...]] = {
    "running": ("scale", "hold", "bid_less", "watch", "stop"),
    "waiting": ("first", "reserve", "skip"),
}
"""Status → verdicts it can have, the most favourable first. A creative that has stopped has none."""
Figure = Literal[
    "chance",
    "rate_chance",
    "hit_chance",
    "roi_to_target",
    "spend_cny",
    "more_events",
    "decide_cny",
    "later_high",
    "place",
]
"""What conditions are about: P(ROI of the outcome window ≥ its target); P(true ROI ≥ its target), whatever the
traffic; P(hit); predicted ROI (mean) over its target; spend so far in CNY; events that are missing until the creative
can be told from another like it; spend in CNY until the true ROI can be told from its target; upper end of the interval
of later volume (impressions, or CNY where there are none); share of launch predictions of its promotion type that lie
below its own."""
Condition = Annotated[str, Field(pattern=r"^(<=|>=|<|>) ([a-z][a-z_]*|\d+(\.\d+)?)$")]
"""A comparison with a number or with a threshold of the section `verdict`, such as `>= scale_chance`."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class Rule(Section):
    """A verdict and when it is given."""

    status: Status
    """Of the creatives that it is about."""
    verdict: VerdictCode
    """What to do with them."""
    when: dict[Figure, Condition] = Field(default_factory=dict)
    """Figure → condition; all must hold. One on a figure that is not known does not."""
    reason: tuple[Figure, ...] = ()
    """Figures that the reason names after the chance."""
    conflict: bool = False
    """Whether the figures of the reason point in different directions: the reason then says so."""

    @model_validator(mode="after")
    def _verdict_of_the_status(self) -> Rule:
        if self.verdict not in VERDICTS[self.status]:
            raise ValueError(f"{self.status} creatives are {', '.join(VERDICTS[self.status])}, not {self.verdict}")
        if self.conflict and not self.reason:
            raise ValueError("a rule about a conflict names the other figure in its reason")
        return self


def parsed(condition: str) -> tuple[Callable[[float, float], bool], float | str]:
    """A condition as its comparison and its bound: a number, or the name of a threshold."""
    sign, bound = condition.split(" ")
    return COMPARISONS[sign], bound if bound[0].isalpha() else float(bound)


@cache
def default_rules() -> tuple[Rule, ...]:
    """The rules of `decision_rules.yaml`, in their order."""
    content = read_yaml(DEFAULT_RULES)
    assert isinstance(content, list)
    return tuple(Rule.model_validate(rule) for rule in content)


def check_table(rules: tuple[Rule, ...], thresholds: Mapping[str, object]) -> None:
    """Check what no single rule shows.

    Args:
        rules: The table.
        thresholds: Names that conditions may use.

    Raises:
        ValueError: A threshold has no such name, or a status has no last rule that always holds.
    """
    for rule in rules:
        for condition in rule.when.values():
            bound = parsed(condition)[1]
            if isinstance(bound, str) and not isinstance(thresholds.get(bound), float | int):
                raise ValueError(f"rules: no threshold is called {bound!r}")
    for status in VERDICTS:
        own = [rule for rule in rules if rule.status == status]
        if not own or own[-1].when:
            raise ValueError(f"rules: the last one for {status} creatives must have no conditions")

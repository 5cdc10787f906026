"""Creative cards: everything that is known and predicted of each creative, in the order of the report."""

from features.schema import KEY, MULTI
from serving.report.cards.actuals import actual_values
from serving.report.cards.life import Life, lives
from serving.report.cards.low_volume import LowVolume, LowVolumes
from serving.report.cards.neighbours import Neighbour, is_known, name_of, nearest_past_creatives
from serving.report.cards.steps import AccountGroups, FunnelSteps, Step, StepBenchmark, finite
from serving.report.cards.waterfall import AccountWaterfalls, Waterfall
from serving.report.context import ReportContext
from serving.report.effects import ReportPart
from training.decision.similar import SameIdeas, same_ideas, shared_tags
from training.decision.status import STOPPED

COUNTED = ("impressions", "clicks", "orders", "spend_cny", "gmv_cny")
CARD_ATTRIBUTES = ("category", "price_cny", "duration_s", "roi_target", "copy_text")
"""Attributes shown beside the tags, each under its own name; product and KOC are named in the creative's row."""


class Idea(ReportPart):
    """What a creative has in common with others of its account, promotion type and product (`decision.similar`).

    Attributes:
        first: Index of the creative that showed the idea first; its own index if it is that one.
        members: Indices of all creatives of the group, that one first; empty if no other shows the idea.
        shared: Tags that it shares with the first one.
        copy_similarity: Jaccard index of its copy and that of the first one; None where either has none.
        near_copy: Index of the creative with the most similar copy, if they are near-duplicates; else −1.
        near_copy_similarity: Their Jaccard index; None where there is none.
    """

    first: int
    members: list[int]
    shared: list[str]
    copy_similarity: float | None
    near_copy: int
    near_copy_similarity: float | None


class Card(ReportPart):
    """One creative.

    Attributes:
        creative_id, promotion_type, account_id, name: Which.
        tags: Feature group of a tag, or name of an attribute → value.
        age_hours: 0 before launch.
        verdict: A code of `training.decision.rules.VERDICT_LABELS`; with its reason in both languages.
        stake_cny, test_cny: Of running and of waiting creatives (`training.decision.advice.Advice`).
        decide_cny, decide_days: Of running creatives, until a decision; None where no amount of data brings one.
        roi_target, chance, rate_chance, hit_chance: Required ROI, P(ROI ≥ it), P(true ROI ≥ it), P(hit).
        targets: Target → prediction, lower and upper end of its interval.
        typical: Target → its typical value, by which it is ranked (`training.decision.advice.Advice.typical`).
        at_launch: Target → prediction at age 0.
        actual: ROI and GPM target → what it really made so far (`actuals`); None where nothing was exposed.
        evidence: Column of metrics → sum so far.
        steps: Stage → its rate beside the account's.
        leak: The step that is clearly worse than the account's by most; empty where none is.
        life: Its days.
        waterfalls: Target → from the account to the prediction: of ROI and GPM; of stopped creatives the first alone.
        low_volume: Why it gets little traffic; None where it does not.
        neighbours: Nearest past creatives, the most similar first.
        idea: What it has in common with others.
    """

    creative_id: str
    promotion_type: str
    account_id: str
    name: str
    tags: dict[str, str]
    age_hours: float
    verdict: str
    reason_zh: str
    reason_en: str
    stake_cny: float | None
    test_cny: float | None
    decide_cny: float | None
    decide_days: float | None
    roi_target: float | None
    chance: float | None
    rate_chance: float | None
    hit_chance: float | None
    targets: dict[str, tuple[float, float | None, float | None]]
    typical: dict[str, float | None]
    at_launch: dict[str, float]
    actual: dict[str, float | None]
    evidence: dict[str, float | None]
    steps: dict[str, Step]
    leak: str
    life: Life
    waterfalls: dict[str, Waterfall]
    low_volume: LowVolume | None
    neighbours: list[Neighbour]
    idea: Idea


def creative_cards(context: ReportContext) -> tuple[list[Card], list[StepBenchmark]]:
    """Cards of all chosen creatives, in `context.order`, and the benchmarks of their steps."""
    rows = context.order.tolist()
    targets = context.funnel.targets
    predicted = context.predicted.iloc[rows].to_dict("records")
    at_launch = context.at_launch[targets].iloc[rows].to_dict("records")
    observed = context.observed.iloc[rows].to_dict("records")
    accounts = AccountGroups(context)
    steps = FunnelSteps(context, accounts)
    all_lives = lives(context)
    groups = same_ideas(context.observed)
    ideas = _ideas(context, groups)
    status = context.status
    low = LowVolumes(context, accounts, all_lives, groups)
    explained = [name for name in (context.roi, context.gpm) if name] or targets[:1]
    made = {name: list(map(finite, actual_values(name, context.counts))) for name in (context.roi, context.gpm) if name}
    falls = {name: AccountWaterfalls(context, name, accounts) for name in explained}
    nearest = nearest_past_creatives(context, rows)
    chance = f"{context.roi or 'roi'}_chance"
    attributes = {
        name: column
        for name, column in {**context.all_tags, **{name: name for name in CARD_ATTRIBUTES}}.items()
        if column in context.observed
    }
    cards = [
        Card(
            **{name: str(creative[name]) for name in KEY},
            name=name_of(creative),
            tags={name: _shown(creative[column]) for name, column in attributes.items() if is_known(creative[column])},
            age_hours=round(float(creative["age_hours"]), 1),
            verdict=figures["verdict"],
            reason_zh=figures["verdict_reason_zh"],
            reason_en=figures["verdict_reason_en"],
            stake_cny=finite(figures["stake_cny"]),
            test_cny=finite(figures["test_cny"]),
            decide_cny=finite(figures["decide_cny"]),
            decide_days=finite(figures["decide_days"]),
            roi_target=finite(figures["asked_roi"]),
            chance=finite(figures[chance]),
            rate_chance=finite(figures["rate_chance"]),
            hit_chance=finite(figures["hit_chance"]),
            targets={
                name: (float(figures[name]), finite(figures[f"{name}_low"]), finite(figures[f"{name}_high"]))
                for name in targets
            },
            typical={name: finite(figures[f"typical_{name}"]) for name in targets},
            at_launch={name: float(launch[name]) for name in targets},
            actual={name: made[name][row] for name in made},
            evidence={name: finite(creative[f"early:{name}"]) for name in COUNTED if f"early:{name}" in creative},
            steps=steps.of_row(row),
            leak=steps.leak(row),
            life=all_lives[row],
            waterfalls={
                name: fall.of_row(row) for name, fall in falls.items() if name == explained[0] or status[row] != STOPPED
            },
            low_volume=low.of_row(row),
            neighbours=nearest[place],
            idea=ideas[place],
        )
        for place, (row, figures, launch, creative) in enumerate(zip(rows, predicted, at_launch, observed))
    ]
    return cards, steps.benchmarks()


def _shown(value: object) -> str:
    """A tag or attribute as text: several values one after the other, numbers without needless decimals."""
    return f"{value:g}" if isinstance(value, float) else str(value).replace(MULTI, "、")


def _ideas(context: ReportContext, groups: SameIdeas) -> list[Idea]:
    """What each creative has in common with others, in `context.order`."""
    rows = context.order.tolist()
    index = {row: place for place, row in enumerate(rows)}
    members = {group[0]: [index[row] for row in group] for group in groups.groups}
    shared = shared_tags(context.observed, groups.first)
    found = []
    for row in rows:
        first, near = int(groups.first[row]), int(groups.near_copy[row])
        found.append(
            Idea(
                first=index[first],
                members=members.get(first, []),
                shared=shared[row] if first != row else [],
                copy_similarity=finite(groups.copy_similarity[row]),
                near_copy=index[near] if near >= 0 else -1,
                near_copy_similarity=finite(groups.near_copy_similarity[row]),
            )
        )
    return found

"""Make a plan from figures of creatives and a budget: a pure function of both."""

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.decision_settings import PlanSettings
from features.bilingual import Words
from training.decision.plan import refusals
from training.decision.plan.evidence import STOP, belief, calls, log_e_above, log_e_below
from training.decision.plan.refusals import PlanRefused, checked_budget, refused
from training.decision.plan.selection import Selection, choose
from training.decision.plan.split import split
from training.decision.plan.testing import launch_gain, shared_out, test_days, test_of
from training.decision.status import RUNNING, WAITING

LAUNCH, RESERVE, RUN = "launch", "reserve", "run"


@dataclass(frozen=True)
class Summary:
    """Figures of a whole plan; money in CNY.

    Attributes:
        budget: Given, for `days` days.
        days: Length of the outcome window.
        roi: Name of the ROI that it is about: `net_roi` or `roi`.
        candidates, ideas, launched: How many candidates, different ideas among them, and launches.
        test_money: For the launches.
        running: How many creatives run; `stopped`: of these, called below target; `scaled`: called above it.
        today: Money of the running creatives for one day; `unspent`: of it, left by floors, caps and targets.
        method: `exact`, `greedy`, or empty where none are chosen.
        gain, gain_low, gain_high: Expected gain of the launches, for the middle elasticity, and over all.
        gain_gap: Share of the greatest possible gain that may be missing, what was given up for hits included.
        hits: The number of hits that the chance is about; `hit_chance`: of at least so many; `most_hit_chance`: bound
            on that of every choice with as much gain, None where there is none.
        error: α of stopping and of scaling.
        seed: Of the draws.
        elasticities: That bands go over.
    """

    budget: float
    days: int
    roi: str
    candidates: int
    ideas: int
    launched: int
    test_money: float
    running: int
    stopped: int
    scaled: int
    today: float
    unspent: float
    method: str
    gain: float
    gain_low: float
    gain_high: float
    gain_gap: float
    hits: int
    hit_chance: float
    most_hit_chance: float | None
    error: float
    seed: int
    elasticities: tuple[float, ...]


@dataclass(frozen=True)
class Plan:
    """A plan.

    Attributes:
        summary: Of all.
        candidates: One row per candidate, launches first, then by falling gain: figures
            (`training.decision.plan.figures`), `part` (LAUNCH or RESERVE), `minimum`, `test` (CNY; 0 of a reserve),
            `gain`, `gain_low`, `gain_high`, `days`, `days_low`, `days_high`.
        running: One row per running creative, most money first: figures, `part` (RUN), `call` (stop, scale or watch),
            `evidence_below` and `evidence_above` (e-values), `today` (CNY), `change` (against yesterday) and
            `propensity`.
        launches_refused: Why launches cannot be chosen, so that running creatives share the whole budget and the table
            of candidates is empty; None where they were.
    """

    summary: Summary
    candidates: pd.DataFrame
    running: pd.DataFrame
    launches_refused: PlanRefused | None = None

    def document(self) -> dict[str, object]:
        """Every figure as plain data: `summary`, `candidates`, `running`, and in both languages `launches_refused`;
        None where a figure is not known, and where launches were chosen."""
        frames = {"candidates": self.candidates, "running": self.running}
        lists = {
            name: frame.astype(object).where(frame.notna(), None).to_dict("records") for name, frame in frames.items()
        }
        why = self.launches_refused
        return {
            "summary": asdict(self.summary),
            **lists,
            "launches_refused": {"zh": why.zh, "en": str(why)} if why else None,
        }


def make_plan(
    figures: pd.DataFrame, budget: float | None, launch: int | None, settings: PlanSettings, *, days: int, roi: str
) -> Plan:
    """Plan a budget.

    Launches that the budget or the candidates do not allow do not hold back the money of running creatives: the plan
    says why there are none. It is refused where a number of launches was asked for, or nothing runs.

    Args:
        figures: Of `training.decision.plan.figures.plan_figures`; candidates are those that wait.
        budget: CNY for the next `days` days; None is refused in words.
        launch: How many candidates; None: as many as add expected gain.
        settings: Of the plan.
        days: Length of the outcome window.
        roi: Name of the funnel's main ROI.

    Raises:
        PlanRefused: The budget or the candidates do not allow a plan; the message has the cure.
    """
    budget = checked_budget(budget, days)
    waiting = figures[figures["status"] == WAITING].reset_index(drop=True)
    running = figures[figures["status"] == RUNNING].reset_index(drop=True)
    if not len(waiting) and not len(running):
        raise refused(refusals.NOTHING)
    share = settings.test_share if len(running) else 1.0
    why = None
    try:
        candidates, chosen = _launches(waiting, budget, share, launch, settings, days)
    except PlanRefused as refusal:
        if launch is not None or not len(running):
            raise
        why = refusal
        candidates, chosen = _launches(waiting.iloc[:0], budget, share, None, settings, days)
    tested = float(candidates["test"].sum())
    today = (budget - tested) / days if len(running) else 0.0
    running, unspent = _running(running, today, settings, days)
    gain = candidates.loc[candidates["part"] == LAUNCH, ["gain", "gain_low", "gain_high"]].sum()
    summary = Summary(
        budget=float(budget),
        days=days,
        roi=roi,
        candidates=len(waiting),
        ideas=int(waiting["family"].nunique()),
        launched=int((candidates["part"] == LAUNCH).sum()),
        test_money=tested,
        running=len(running),
        stopped=int((running["call"] == STOP).sum()),
        scaled=int((running["call"] == "scale").sum()),
        today=today,
        unspent=unspent,
        method=chosen.method if chosen else "",
        gain=float(gain["gain"]),
        gain_low=float(gain["gain_low"]),
        gain_high=float(gain["gain_high"]),
        gain_gap=chosen.gain_gap if chosen else 0.0,
        hits=settings.hits,
        hit_chance=chosen.hit_chance if chosen else 0.0,
        most_hit_chance=chosen.most_hit_chance if chosen else 0.0,
        error=settings.false_stop,
        seed=settings.seed,
        elasticities=settings.elasticities,
    )
    return Plan(summary, candidates, running, why)


def _launches(
    waiting: pd.DataFrame, budget: float, share: float, launch: int | None, settings: PlanSettings, days: int
) -> tuple[pd.DataFrame, Selection | None]:
    """The candidates with their tests, paid by a share of the budget, and the choice; None without candidates."""
    money = budget * share
    if launch is not None and not len(waiting):
        raise refused(refusals.NONE_TO_CHOOSE, asked=launch)
    if launch is not None and launch > len(waiting):
        raise refused(refusals.TOO_FEW, asked=launch, found=len(waiting))
    new = ["part", "minimum", "test", "gain", "gain_low", "gain_high", "days", "days_low", "days_high"]
    if not len(waiting):
        return waiting.reindex(columns=[*waiting, *new]).astype(dict.fromkeys(new[1:], float)), None
    if not waiting["known"].max() > 0:
        raise refused(refusals.ALL_UNKNOWN, count=len(waiting))
    column = {name: waiting[name].to_numpy(np.float64) for name in waiting.select_dtypes("number")}
    roi, variance, target, natural = (column[name] for name in ("roi", "log_variance", "target", "natural"))
    unit = _unit(column, settings)
    tests = test_of(roi, variance, target, natural, unit, np.nan_to_num(column["told_apart"]), settings)
    family = pd.factorize(waiting["family"])[0].astype(np.int64)
    _refuse_small_budget(tests.minimum, family, budget, share, launch, settings)
    middle = len(settings.elasticities) // 2
    chosen = choose(
        tests.gain[middle], np.nan_to_num(column["hit_chance"]), tests.minimum, family, money, launch, settings
    )
    take = chosen.chosen
    test = np.zeros(len(waiting))
    test[take] = shared_out(tests.minimum[take], tests.wanted[take], money)
    asked = np.where(take, test, tests.minimum)
    gains, spans = [], []
    for elasticity in settings.elasticities:
        gains.append(launch_gain(roi, variance, target, natural, unit, asked, elasticity))
        spans.append(test_days(asked, natural / days, elasticity, settings))
    table = waiting.assign(
        part=np.where(take, LAUNCH, RESERVE),
        minimum=tests.minimum,
        test=test,
        gain=gains[middle],
        gain_low=np.min(gains, axis=0),
        gain_high=np.max(gains, axis=0),
        days=spans[middle],
        days_low=np.min(spans, axis=0),
        days_high=np.max(spans, axis=0),
    )
    order = np.lexsort((-table["gain"].to_numpy(), table["part"] != LAUNCH))
    return table.iloc[order].reset_index(drop=True), chosen


def _refuse_small_budget(
    minimum: np.ndarray, family: np.ndarray, budget: float, share: float, launch: int | None, settings: PlanSettings
) -> None:
    """Raise InputError where the cheapest tests of different ideas cost more than there is."""
    cheapest = np.sort(pd.Series(minimum).groupby(family).min().to_numpy())
    if launch is not None and launch > len(cheapest):
        raise refused(refusals.TOO_ALIKE, asked=launch, candidates=len(minimum), ideas=len(cheapest))
    total, money = np.cumsum(cheapest), budget * share
    wanted = launch or 1
    if total[wanted - 1] > money:
        affordable = int((total <= money).sum())
        reason = refusals.SMALL_BUDGET_FOR_SO_MANY if affordable else refusals.SMALL_BUDGET
        raise refused(
            reason,
            wanted=wanted,
            needed=float(total[wanted - 1]),
            money=money,
            part=Words("", "") if share == 1 else Words(f"（预算的 {share:.0%}）", f" ({share:.0%} of the budget)"),
            affordable=affordable,
            error=settings.false_stop,
        )


def _unit(column: Mapping[Hashable, npt.NDArray[np.float64]], settings: PlanSettings) -> npt.NDArray[np.float64]:
    """(creatives,) Order value by which evidence counts, CNY: the predicted one times the index of its account."""
    learnt = column["dispersion"]
    return column["order_value"] * np.where(np.isnan(learnt), settings.order_value_ratio, learnt)


def _running(running: pd.DataFrame, today: float, settings: PlanSettings, days: int) -> tuple[pd.DataFrame, float]:
    """The running creatives with their calls and their money of one day, and what is left of it."""
    column = {name: running[name].to_numpy(np.float64) for name in running.select_dtypes("number")}
    target, unit, largest = column["target"], _unit(column, settings), settings.largest_order_ratio
    below = log_e_below(column["most_money"] / unit, target * column["spent"] / unit)
    largest_value = np.maximum(column["order_value"] * largest, unit)
    above = log_e_above(column["money"] / largest_value, target * column["spent"] / largest_value)
    call = calls(below, above, settings.false_stop)
    shape, rate = belief(column["roi"], column["log_variance"])
    chance = np.random.default_rng(settings.seed)
    money = split(
        shape, rate, target, column["natural"] / days, unit, column["yesterday"], call != STOP, np.array([today]),
        chance, days=days, draws=settings.draws, capacity=settings.capacity, floor=settings.floor_cny,
        cap_share=settings.cap_share, change=settings.change, pause_below=settings.pause_below,
    )  # fmt: skip
    before = column["yesterday"]
    table = running.assign(
        part=RUN,
        call=call.astype(str),
        evidence_below=np.exp(np.minimum(below, 700.0)),
        evidence_above=np.exp(np.minimum(above, 700.0)),
        today=money.money,
        change=np.divide(money.money, before, out=np.full(len(before), np.nan), where=before > 0) - 1.0,
        propensity=money.propensity,
    )
    order = np.argsort(-table["today"].to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True), float(money.unspent) if len(running) else 0.0

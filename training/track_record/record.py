"""The track record of past answers: the steps in their order, and the result as JSON and as figures to log."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson
import pandas as pd

from configs.settings import Settings
from features.atomic_write import write_table, write_text
from features.point_in_time.counts import data_funnel
from features.schema import KEY, Loaded
from features.targets import RATE_TARGETS
from training.labels.outcomes import MATURE
from training.track_record.answers import VERSION, targets_of
from training.track_record.daily import daily
from training.track_record.decisions import decisions
from training.track_record.drift import drifts
from training.track_record.matured import Matured, matured
from training.track_record.quality import HIT, SCORES, TARGET, age_groups, chances, quality
from training.track_record.rankings import RANKING, rankings
from training.track_record.refresh import RefreshAdvice, refresh_advice
from training.track_record.resampling import Resampling
from training.track_record.top_lists import top_lists

PERIODS = {"week": (14, 7), "month": (35, 28)}
"""Told so many days to so many days before the end of the data: a week ago, and a month ago."""
LIVE_ANSWERS = "live_answers.parquet"
"""Settled answers of the service, in the workspace, for the champion gate (`training.registry.live_evidence`)."""


@dataclass(frozen=True)
class TrackRecord:
    """Everything that is said of past answers.

    Attributes:
        source: Where they come from, for people.
        of_backtest: They were made afterwards by models of their time, not given to anyone.
        roi: Main ROI target; empty where the data have none.
        until: End of the data.
        outcome_days: Length of the outcome window of the settings.
        matured: Answers with outcomes.
        settled: Answers whose outcome is final; of the others net money is an estimate.
        unsettled: Share of the net money of all that is an estimate.
        quality, chances, decisions, top_lists: Of the modules so called.
        rankings: Of that module; `lists_given`: rankings that were answered.
        periods: Period of PERIODS → decisions told in it.
        daily: Series by cause.
        alarms: Drift found in them.
        refresh: What that means for a refit.
    """

    source: str
    of_backtest: bool
    roi: str
    until: pd.Timestamp
    outcome_days: int
    matured: Matured
    settled: int
    unsettled: float
    quality: pd.DataFrame
    chances: pd.DataFrame
    decisions: pd.DataFrame
    periods: dict[str, pd.DataFrame]
    top_lists: pd.DataFrame
    rankings: pd.DataFrame
    lists_given: int
    daily: pd.DataFrame
    alarms: pd.DataFrame
    refresh: list[RefreshAdvice]

    def document(self) -> dict[str, object]:
        """As plain values, for JSON; numbers that are not known are null."""
        found = self.matured
        about: dict[str, object] = {
            "source": self.source,
            "of_backtest": self.of_backtest,
            "roi": self.roi,
            "until": self.until.isoformat(),
            "answers_given": found.given,
            "answers_counted": found.counted,
            "answers_scored": len(found.table),
            "answers_settled": self.settled,
            "unsettled_share": self.unsettled,
            "rankings_given": self.lists_given,
            "left_out": dict(found.left_out),
            "next_outcome_at": found.next_at and found.next_at.isoformat(),
        }
        names = ("quality", "chances", "decisions", "top_lists", "rankings", "alarms")
        frames = {name: getattr(self, name) for name in names}
        tables = {name: _plain(frame) for name, frame in frames.items()}
        told = {name: _plain(frame) for name, frame in self.periods.items()}
        refresh = [
            asdict(one) | {"moved_cny": one.moved_cny._asdict(), "again_on": one.again_on.isoformat()}
            for one in self.refresh
        ]
        return {**about, **tables, "periods": told, "refresh": refresh}

    def metrics(self) -> dict[str, float]:
        """Figures to log, by name; those that are known."""
        found = {"answers": float(len(self.matured.table)), "unsettled_share": self.unsettled}
        shown = self.quality[self.quality["by"].isin(["all", "version"])]
        where = shown["group"].where(shown["by"] == "all", "version " + shown["group"])
        of_all = self.chances[self.chances["bin"] == 0]
        of_all = of_all.assign(figure=of_all["of"].map({TARGET: "chance", HIT: "hit_chance"}), name="true")
        for frame, name in (
            (shown, where + "/" + shown["target"]),
            (self.decisions, self.decisions["decision"]),
            (self.top_lists, "top/" + self.top_lists["by"]),
            (self.rankings, "ranked/" + self.rankings["by"]),
            (of_all, of_all["name"]),
        ):
            for kind, part, figure, value in zip(
                frame["promotion_type"], name, frame["figure"], frame["value"].tolist()
            ):
                found[f"{kind}/{part}/{figure}"] = value
        for row in of_all.to_dict("records"):
            found |= {f"{row['promotion_type']}/{score}/{row['figure']}": row[score] for score in ("stated", *SCORES)}
        found["alarms_standing"] = float(self.alarms["standing"].sum())
        return {name: value for name, value in found.items() if np.isfinite(value)}


def track_record(
    answers: pd.DataFrame,
    loaded: Loaded,
    settings: Settings,
    source: str,
    *,
    ranked: pd.DataFrame | None = None,
    of_backtest: bool = False,
) -> TrackRecord:
    """Join past answers with what came, and compute everything that is said of them.

    Args:
        answers: Columns of `training.track_record.answers`; may be empty.
        loaded: Metrics and creatives, newer than the answers.
        settings: Of the run.
        source: Where the answers come from, for people.
        ranked: Columns `RANKING` of `training.track_record.rankings`: rankings that were answered; None: none.
        of_backtest: Whether they were made afterwards.
    """
    funnel = data_funnel(loaded, settings)
    roi, least = funnel.main_roi, settings.evaluate.min_impressions
    found = matured(answers, loaded, funnel, settings)
    table, until = found.table, loaded.metrics["period_end"].max()
    table = table.assign(ages=age_groups(table["age_hours"]))
    draws = Resampling.of(table)
    series = daily(found.live, loaded, funnel, settings, roi)
    alarms = drifts(series)
    periods = {}
    for name, (first, last) in PERIODS.items():
        told = until - table["opens"] if len(table) else pd.Series(dtype="timedelta64[us]")
        rows = table[(told <= pd.Timedelta(days=first)) & (told > pd.Timedelta(days=last))].reset_index(drop=True)
        periods[name] = decisions(rows, Resampling.of(rows), roi, least)
    open_net = _unsettled(table, roi)
    nothing = pd.DataFrame(columns=RANKING)
    lists, given = rankings(nothing if ranked is None else ranked, loaded, funnel, settings, least)
    return TrackRecord(
        source=source,
        of_backtest=of_backtest,
        roi=roi,
        until=until,
        outcome_days=settings.outcome_days,
        matured=found,
        settled=int((table["state"] == MATURE).sum()) if len(table) else 0,
        unsettled=open_net,
        quality=quality(table, draws, roi, least),
        chances=chances(table, draws, roi, least),
        decisions=decisions(table, draws, roi, least),
        periods=periods,
        top_lists=top_lists(table, draws, roi),
        rankings=lists,
        lists_given=given,
        daily=series,
        alarms=alarms,
        refresh=refresh_advice(table, alarms, draws, funnel, settings, until),
    )


def write_record(record: TrackRecord, path: Path) -> None:
    """Write the document of a track record as JSON."""
    text = orjson.dumps(_without_nan(record.document()), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
    write_text(text.decode(), path)


def write_live_answers(record: TrackRecord, folder: Path) -> None:
    """Write the settled answers of a service for the champion gate; of a backtest nothing: it is no live evidence."""
    if record.of_backtest or record.matured.table.empty:
        return
    table = record.matured.table
    rates = [name for name in targets_of(table) if name in RATE_TARGETS and f"actual_{name}" in table]
    columns = [f"{part}_{name}" for name in rates for part in ("predicted", "actual", "exposure")]
    kept = [*VERSION, *KEY, "age_hours", "cutoff", "opens", "closed_at", "share", "later_volume", *columns]
    write_table(table.loc[table["state"] == MATURE, kept], folder / LIVE_ANSWERS)


def _unsettled(table: pd.DataFrame, roi: str) -> float:
    if table.empty or f"actual_{roi}" not in table:
        return 0.0
    money = np.nan_to_num(table["share"] * table["spend_cny"] * table[f"actual_{roi}"])
    return float((money * table["unsettled"]).sum() / money.sum()) if money.sum() > 0 else 0.0


def _plain(frame: pd.DataFrame) -> list[dict[str, object]]:
    times = {str(name): frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    return [{str(name): value for name, value in row.items()} for row in frame.assign(**times).to_dict("records")]


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value

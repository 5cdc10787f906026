"""Planted drifts: are they found, how soon, under which cause; and how many alarms come where nothing changes.

    python -m benchmarks.score_drift [--seeds 20] [--calibrate]

Worlds with one planted change each (`benchmarks.score_world`), and clean ones. The delay is in days from the first day
of the change to the day on whose figures the alarm is raised; that day is reported on the next morning, net money two
days later. `--calibrate` prints the false alarms per year where nothing changes, by limit: of simulated series with
more or less dependence from day to day, and of clean worlds other than those that the tables are made of. From it
`training.track_record.drift.LIMIT` was chosen.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.score_world import CAUSES, SIZES, Kind, past_world
from configs.settings import Settings
from features.point_in_time.counts import data_funnel
from training.track_record.daily import daily
from training.track_record.drift import FALSE_ALARMS_PER_YEAR, LIMIT, START_DAYS, drifts, monitor
from training.track_record.matured import matured

LIMITS = (8.0, 10.0, LIMIT, 14.0)
DEPENDENCES = (0.0, 0.3, 0.6, 0.8)
YEARS = 100
CLEAN_DAYS = 26 * 7
CLEAN_SEEDS, CALIBRATION_SEEDS = 1000, 2000
"""First seeds of the worlds without change: those that are reported, and those that the limit was chosen on."""
CALIBRATION_WORLDS = 20
SERIES = 7
"""Series of one promotion type: five stages, the mix, new values."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="worlds of each kind")
    parser.add_argument("--calibrate", action="store_true", help="false alarms of simulated series")
    options = parser.parse_args()
    if options.calibrate:
        calibrate()
        return
    table = pd.DataFrame(rows(options.seeds))
    print(table.to_string(index=False))
    clean(options.seeds)


def rows(seeds: int) -> Iterator[dict[str, object]]:
    """One row per kind of change."""
    for kind, cause in CAUSES.items():
        delays, others, early, weeks = [], 0, 0, 0.0
        for seed in range(seeds):
            alarms, changed_on, first = alarms_of(seed, kind)
            own = alarms[(alarms["cause"] == cause) & (alarms["alarm_on"] >= changed_on)]
            if len(own):
                delays.append((own["alarm_on"].iloc[0] - changed_on).days)
            others += int(((alarms["cause"] != cause) & (alarms["alarm_on"] >= changed_on)).sum())
            early += int((alarms["alarm_on"] < changed_on).sum())
            weeks += (changed_on - first).days / 7
        spread = np.quantile(delays, [0.5, 0.9]) if delays else (np.nan, np.nan)
        yield {
            "change": kind,
            "size": SIZES[kind],
            "found as": cause,
            "found": f"{len(delays)}/{seeds}",
            "delay, days (median)": spread[0],
            "(90 %)": spread[1],
            "other causes": others,
            "false before": early,
            "clean weeks before": round(weeks),
        }


def alarms_of(seed: int, kind: Kind, days: int = 98) -> tuple[pd.DataFrame, pd.Timestamp, pd.Timestamp]:
    """Alarms in one world, the day of its change (or its end), and the first day that can raise one."""
    series, changed_on = series_of(seed, kind, days)
    return drifts(series), changed_on, series["day"].min() + pd.Timedelta(days=START_DAYS)


def series_of(seed: int, kind: Kind, days: int) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Daily series of one world by cause, and the day of its change."""
    world, settings = past_world(seed, kind, days=days), Settings()
    funnel = data_funnel(world.loaded, settings)
    found = matured(world.answers, world.loaded, funnel, settings)
    return daily(found.live, world.loaded, funnel, settings, funnel.main_roi), world.changed_on


def clean(seeds: int) -> None:
    """False alarms in worlds without change."""
    count, weeks, causes = 0, 0.0, []
    for seed in range(seeds):
        alarms, end, first = alarms_of(CLEAN_SEEDS + seed, "none", days=CLEAN_DAYS)
        count += len(alarms)
        causes += alarms["cause"].tolist()
        weeks += (end - first).days / 7
    per_year = count / weeks * 52
    named = ", ".join(f"{name} {causes.count(name)}" for name in sorted(set(causes))) or "none"
    print(
        f"clean worlds: {count} false alarms in {weeks:.0f} weeks of all {SERIES} series together, {per_year:.2f} a "
        f"year ({named}); stated: at most {FALSE_ALARMS_PER_YEAR:g} a year"
    )


def calibrate() -> None:
    """False alarms per year, of SERIES independent series together."""
    lines = []
    for dependence in DEPENDENCES:
        draw = np.random.default_rng([7, int(100 * dependence)])
        noise = draw.standard_normal((YEARS, 365))
        series = np.empty_like(noise)
        series[:, 0] = noise[:, 0] / np.sqrt(1 - dependence**2)
        for day in range(1, noise.shape[1]):
            series[:, day] = dependence * series[:, day - 1] + noise[:, day]
        counts = {limit: sum(len(monitor(0.1 * one, limit)) for one in series) for limit in LIMITS}
        lines.append({"dependence": dependence, **{f"limit {k:g}": SERIES * n / YEARS for k, n in counts.items()}})
    print(f"false alarms a year of {SERIES} series together, {YEARS} simulated years each")
    print(pd.DataFrame(lines).to_string(index=False, float_format="{:.2f}".format))
    counts, weeks = dict.fromkeys(LIMITS, 0), 0.0
    for seed in range(CALIBRATION_WORLDS):
        table, end = series_of(CALIBRATION_SEEDS + seed, "none", CLEAN_DAYS)
        weeks += (end - table["day"].min()).days / 7 - START_DAYS / 7
        for _, part in table.groupby("cause"):
            values = part.sort_values("day")["value"].to_numpy(np.float64)
            counts = {limit: count + len(monitor(values, limit)) for limit, count in counts.items()}
    print(f"the same in clean worlds, {weeks:.0f} weeks")
    print(pd.DataFrame([{f"limit {k:g}": 52 * n / weeks for k, n in counts.items()}]).to_string(index=False))


if __name__ == "__main__":
    main()

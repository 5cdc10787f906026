"""Compare the effects that the report states of levers with the true ones of the sample world.

    python -m benchmarks.lever_truth [--data var/sample-exports] [--world interplay] [--seed 7]

The true effect of a value is the mean over its creatives of everything in the world that depends on the lever (effects
of its values, of its combinations with others, curves and steps), less that mean over the creatives of the slice. One
line per kind of slice and stage, for net ROI and for all stages: how many effects, how many true ones lie inside the
stated intervals, rank correlation, and of those called certain or likely, how many and how often the sign is right.
Then what the briefs say that shooting them gains, against the true effects of the values that they change.
`--model` names a bundle folder; without it the champion of these data is used.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm, spearmanr

from benchmarks.sample_report import report_and_world
from features.arrays import Floats
from features.targets import TARGETS
from sample.effects import latents
from sample.world import PRODUCTS, World
from sample.worlds import STAGES, WorldSpec
from serving.report.context import ReportContext
from serving.report.effects import TagGrouping, grade
from serving.report.levers.section import levers
from serving.report.levers.slice_effects import KOC, LEAST_CREATIVES, Slice, lever_effects, lever_groups, lever_slices
from serving.report.what_to_shoot import Brief, what_to_shoot

CURVES = {KOC: "log_followers", "price": "log_price", "duration": "log_duration"}
STEPS = {"price": "price", "duration": "duration_s"}


def main() -> None:
    """Print the table."""
    context, world, seed = report_and_world(__doc__.splitlines()[0])
    found, level = effects(context, world, seed), context.settings.interval.level
    print(table(found, level).to_string(index=False))
    print(briefs_line(context, found, level))


def effects(context: ReportContext, world: World, seed: int) -> pd.DataFrame:
    """One row per slice, value and stage (or net ROI): stated log effect and its deviation, and the true one."""
    groups, slices = lever_groups(context), lever_slices(context)
    stated = lever_effects(context, groups, slices)
    signs = context.funnel.compositions[context.roi].signs
    starts = np.cumsum([0, *(len(group.values) for group in groups)])
    rows = []
    for group, start in zip(groups, starts.tolist()):
        terms = true_terms(world, seed, group.tag)
        if terms is None:
            continue
        keys = context.observed[["promotion_type", "account_id", "creative_id"]]
        true = keys.merge(terms, how="left").drop(columns=keys.columns)
        for number, one in enumerate(slices):
            means = {str(name): _mean_of_values(true[name].to_numpy(), group, one) for name in true}
            means[context.roi] = np.sum([sign * means[name] for name, sign in signs.items()], axis=0)
            for place, value in enumerate(group.values):
                count = int((one.rows & (group.shares[:, place] > 0)).sum())
                at = number, start + place
                for name, known in means.items():
                    parts = signs if name == context.roi else {name: 1.0}
                    log = sum(sign * stated[part].logs[at] for part, sign in parts.items())
                    sd = float(np.sqrt(sum(stated[part].sds[at] ** 2 for part in parts)))
                    if count >= LEAST_CREATIVES and np.isfinite(known[place]) and sd > 0:
                        place_of = one.promotion_type, one.by or "all", one.of
                        rows.append((*place_of, name, group.tag, value, count, log, sd, known[place]))
    columns = ["promotion_type", "by", "slice", "of", "tag", "value", "creatives", "log", "sd", "true"]
    return pd.DataFrame(rows, columns=columns)


def briefs_line(context: ReportContext, found: pd.DataFrame, level: float) -> str:
    """How far the stated gains of briefs are from the true ones.

    The true effect of a value that the slice has too few creatives of is that of the promotion type.
    """
    of_roi = found[found["of"] == context.roi]
    true = of_roi.set_index(["promotion_type", "by", "slice", "tag", "value"])["true"]

    def effect(one: Brief, tag: str, value: str) -> float:
        everywhere = true.get((one.promotion_type, "all", "", tag, value), np.nan)
        return float(true.get((one.promotion_type, one.by, one.of, tag, value), everywhere)) if value else 0.0

    rows = []
    for one in what_to_shoot(context, levers(context), norm.ppf(0.5 + level / 2)):
        known = [effect(one, change.tag, change.new) - effect(one, change.tag, change.old) for change in one.changes]
        rows.append((one.gain, one.gain_low, one.gain_high, np.exp(np.sum(known))))
    gains = pd.DataFrame(rows, columns=["stated", "low", "high", "true"])
    known_gains = gains.dropna()
    inside = known_gains["true"].between(known_gains["low"], known_gains["high"])
    stated, came = (np.exp(np.log(known_gains[name]).mean()) for name in ("stated", "true"))
    return (
        f"briefs: {len(gains)}, true effects known of {len(known_gains)}: stated gain × {stated:.2f}, true gain × "
        f"{came:.2f} (geometric means), inside {level:.0%}: {inside.mean():.0%}"
    )


def true_terms(world: World, seed: int, tag: str) -> pd.DataFrame | None:
    """What depends on a lever in each creative's log rates; None for a lever that the world does not have."""
    spec = _without(world.spec, tag)
    if spec is None:
        return None
    whole = latents(seed, world.spec, world.creatives, PRODUCTS, world.days).known
    rest = latents(seed, spec, world.creatives, PRODUCTS, world.days).known
    terms = pd.DataFrame(whole - rest, columns=list(STAGES))
    refund = np.array([world.spec.bases[name]["refund"] for name in world.creatives["promotion_type"]])
    kept = [np.log1p(-np.minimum(refund * np.exp(logs[:, STAGES.index("refund")]), 0.85)) for logs in (whole, rest)]
    terms = terms.assign(keep=kept[0] - kept[1]).drop(columns="refund")
    return pd.concat([world.creatives[["promotion_type", "account_id", "creative_id"]], terms], axis=1)


def _without(spec: WorldSpec, tag: str) -> WorldSpec | None:
    name = "creator" if tag == KOC else tag
    nothing = (0.0,) * len(STAGES)
    if tag not in CURVES and name not in spec.tag_sds:
        return None
    curve, step = CURVES.get(tag), STEPS.get(tag)
    return replace(
        spec,
        tag_sds={key: nothing if key == name else sds for key, sds in spec.tag_sds.items()},
        entity_sds={key: nothing if key == name else sds for key, sds in spec.entity_sds.items()},
        cross_sds={key: nothing if name in key else sds for key, sds in spec.cross_sds.items()},
        pattern_sds={key: nothing if name in key else sds for key, sds in spec.pattern_sds.items()},
        curves={key: nothing if curve and key.startswith(curve) else sds for key, sds in spec.curves.items()},
        thresholds=tuple(one for one in spec.thresholds if not step or not one.attribute.startswith(step)),
    )


def _mean_of_values(terms: Floats, group: TagGrouping, one: Slice) -> Floats:
    """(values,) Mean over the creatives of the slice with each value, less the mean of all with a value."""
    known = one.rows & np.isfinite(terms)
    shares = group.shares * known[:, None]
    if group.shares.max(axis=1, initial=0.0).min() < 1.0 and (group.has_value.sum(axis=1) > 1).any():
        found = np.linalg.lstsq(shares, np.where(known, terms, 0.0), rcond=None)[0]
    else:
        found = np.divide(np.where(known, terms, 0.0) @ shares, shares.sum(axis=0), where=shares.sum(axis=0) > 0,
                          out=np.full(shares.shape[1], np.nan))  # fmt: skip
    weights = shares.sum(axis=0)
    return np.asarray(found - np.nansum(weights * found) / max(weights.sum(), 1e-12))


def table(found: pd.DataFrame, level: float) -> pd.DataFrame:
    """One line per kind of slice and stage."""
    z = norm.ppf(0.5 + level / 2)
    found = found.assign(
        inside=(found["log"] - found["true"]).abs() <= z * found["sd"],
        right=np.sign(found["log"]) == np.sign(found["true"]),
        grade=[grade(log, sd, level) for log, sd in zip(found["log"], found["sd"])],
    )
    stages = found[~found["of"].isin(TARGETS)].assign(of="all stages")
    lines = []
    for (by, of), rows in pd.concat([found, stages]).groupby(["by", "of"], sort=False):
        line: dict[str, object] = {
            "slice": by,
            "of": of,
            "effects": len(rows),
            f"inside {level:.0%}": f"{rows['inside'].mean():.0%}",
        }
        line["rank"] = f"{spearmanr(rows['log'], rows['true']).statistic:.2f}"
        for name in ("certain", "likely", "unclear"):
            graded = rows[rows["grade"] == name]
            right = f"{graded['right'].mean():.0%}" if len(graded) else "·"
            line[name] = f"{len(graded)}, sign right {right}"
        lines.append(line)
    return pd.DataFrame(lines)


if __name__ == "__main__":
    main()

"""What was tried, and what did it give? Every variant of the model on time-ordered folds of the training rows.

    python -m benchmarks.variants [--data FOLDER] [--sample PATH] [--set NAME …] [--only NAME …] [--every N]

FOLDER holds display_ads_daily.csv.gz and youtube_*.parquet; of it and of the sample world's exports (`make sample`)
what is at hand is looked at, and nothing of a holdout. Prints a table in Markdown. A cell tells how the deviance of the
rates (or of volume) changed in every fold against the default, in %, in how many folds it fell, and the change of the
rank correlation at age 0 and at all ages; `0` is no change. Better than the default is what lets the deviance fall in
every fold of two sets.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmarks.challengers import Ground, narrowed, rate_stages
from benchmarks.changes import Change, against, figures
from benchmarks.load_files import read, read_frames, some_videos
from benchmarks.pages import Sheet, sheet_lines
from benchmarks.variant_list import Variant, variants
from configs.errors import GpmcastError
from configs.settings import Settings, load_settings
from features.funnel import VOLUME
from features.funnel_model.posterior import MIXED
from features.schema import Loaded
from training.boosting.out_of_fold import out_of_fold
from training.boosting.recipe import Recipe, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.tune import by_hand, make_folds
from training.boosting.unseen import Unseen
from training.data.dataset import prepare
from training.labels.splits import holdout_split

CONFIGS = {"sample": "default", "display": "display_ads", "youtube": "youtube"}
FILES = {"display": "display_ads_daily.csv.gz", "youtube": "youtube_snapshots.parquet"}
ENOUGH_SETS = 2


def main() -> None:
    """Print the table; what a person can put right is said on stderr, with exit code 2."""
    known = variants()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the public data")
    parser.add_argument("--sample", type=Path, default=Path("var/sample-exports"), help="exports of the sample world")
    parser.add_argument("--set", action="append", choices=list(CONFIGS), help="may be repeated; default: all at hand")
    parser.add_argument("--only", action="append", choices=list(known), metavar="NAME", help="may be repeated")
    parser.add_argument("--every", type=int, default=16, help="each Nth public video")
    given = parser.parse_args()
    sources = {"sample": given.sample}
    if given.data:
        sources |= {name: given.data / file for name, file in FILES.items()}
    wanted = given.set or [name for name, source in sources.items() if source.exists()]
    chosen, err = [known[name] for name in given.only or known], Console(stderr=True)
    try:
        if not wanted or any(name not in sources for name in wanted):
            raise FileNotFoundError("No data: write the sample world (make sample), or give --data FOLDER.")
        found = {}
        for name in wanted:
            settings = load_settings(f"configs/{CONFIGS[name]}.yaml")
            loaded = load_set(name, sources[name], settings, given.every)
            found[name] = run(loaded, settings, chosen, partial(_tell, err, name))
    except (GpmcastError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print("\n".join(sheet_lines(table(found, chosen))))


def load_set(name: str, source: Path, settings: Settings, every: int = 1) -> Loaded:
    """A data set; of YouTube each Nth video."""
    if not source.exists():
        raise FileNotFoundError(f"{source}: there is no such file or folder.")
    if name == "youtube":
        return read_frames(some_videos(source.parent, every), settings)
    return read([source], settings)


def run(
    loaded: Loaded,
    settings: Settings,
    chosen: Sequence[Variant],
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Change]:
    """How each variant changes the figures of the validation rows of the training period.

    Args:
        loaded: Of the store.
        settings: Of the run.
        chosen: Variants.
        tell: Called with a line for people.
    """
    ground = default_on(loaded, settings)
    plan, least = ground.dataset.plan, settings.evaluate.min_impressions
    default = {of_volume: figures(ground.parts, plan, least, of_volume) for of_volume in (False, True)}
    judged = sum(len(part.outcome) for part in ground.parts)
    tell(f"{int(ground.rows.sum()):,} training rows, {judged:,} of them judged in {len(ground.parts)} folds")
    found = {}
    for variant in chosen:
        own = figures(predicted(variant, ground), plan, least, variant.of_volume)
        found[variant.name] = against(own, default[variant.of_volume])
        tell(f"{variant.name}: {found[variant.name]}")
    return found


def default_on(loaded: Loaded, settings: Settings) -> Ground:
    """The default by the hand setting, fitted on the past of every fold."""
    dataset = prepare(loaded, settings)
    train, _, starts = holdout_split(dataset.rows, settings.split.holdout_days)
    ((rows, until),), moments = plan_refits(dataset, [(train, starts)])
    dataset = with_refits(dataset, moments)
    recipe = recipe_by_hand(dataset, rows)
    return Ground(dataset, rows, until, recipe, out_of_fold(dataset, rows, recipe))


def predicted(variant: Variant, ground: Ground) -> list[Unseen]:
    """What a variant says of the same validation rows; its folds choose anew how many trees follow.

    Each stage starts from what it does by default, unless the variant says otherwise: one thing changes at a time. Only
    stages that are judged have trees.
    """
    if variant.challenge:
        return variant.challenge(ground)
    rows, kinds = ground.rows, ground.recipe.kinds
    with variant.in_place():
        dataset = replace(ground.dataset, settings=variant.set_in(ground.dataset.settings))
        if variant.refits and MIXED in kinds.values():
            _, moments = plan_refits(dataset, [(rows, ground.until)])
            dataset = with_refits(dataset, moments)
        if variant.kind:
            kinds = {stage.name: variant.kind for stage in dataset.plan.stages}
        judged = {VOLUME} if variant.of_volume else rate_stages(dataset.plan)
        made = [narrowed(fold, judged) for fold in make_folds(dataset, rows, kinds)]
        return out_of_fold(dataset, rows, Recipe(kinds, by_hand(made, dataset.settings)))


def better(changes: Sequence[Change]) -> bool:
    """Whether it wins on every fold of two data sets."""
    return sum(change.wins for change in changes) >= ENOUGH_SETS


def table(found: Mapping[str, Mapping[str, Change]], chosen: Sequence[Variant]) -> Sheet:
    """A line per variant, a cell per data set."""
    lines = []
    for variant in chosen:
        changes = [of_set[variant.name] for of_set in found.values()]
        verdict = "–" if len(changes) < ENOUGH_SETS else "yes" if better(changes) else "no"
        lines.append((f"{variant.name}: {variant.sentence}", *map(str, changes), verdict))
    return Sheet("What was tried, against the default", ("tried", *found, "better"), lines)


def _tell(err: Console, name: str, line: str) -> None:
    err.print(f"{name}: {line}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()

"""Effect of every value of every lever at every stage, in any slice of the chosen creatives from that slice alone.

A lever is what a team can choose: a tag, the KOC, the price, the duration. The estimate of a value in a slice (all
creatives of a promotion type, one account, product or KOC among them) is its mean partial residual there: the model's
effect plus the weighted mean of what the model leaves unexplained, less the mean of the slice. It is shrunk towards the
mean creative by the variance between the values, so that little evidence gives a small effect with a wide interval.
With all creatives as the slice this is the model's own effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from features.arrays import Floats, Mask
from features.attributes import ATTRIBUTE_OF
from features.matrix.feature_matrix import PRICE_BANDS_CNY
from features.stages import Stage
from serving.report.context import ReportContext
from serving.report.effects import TagGrouping, group_by_tag, model_variance

KOC, PRODUCT = "creator_id", "product_id"
DURATION_BANDS_S = (0, 10, 15, 20, 30, 45, 60, 90)
BANDS = {"price_cny": tuple(map(int, PRICE_BANDS_CNY)), "duration_s": DURATION_BANDS_S}
"""Number of a creative → lower ends of the bands that are compared."""
SLICED_BY = ("account_id", PRODUCT, KOC)
LEAST_CREATIVES = 10
"""With fewer creatives of a value a slice says nothing of its own about it."""


def lever_groups(context: ReportContext) -> list[TagGrouping]:
    """The levers that these data have, in reading order: tags, KOC, bands of price and duration."""
    groups = [group_by_tag(context, tag, column) for tag, column in context.all_tags.items()]
    if KOC in context.observed:
        groups.append(group_by_tag(context, KOC, KOC))
    groups += [_bands(context, name, edges) for name, edges in BANDS.items() if name in context.observed]
    return [group for group in groups if group.values]


def _bands(context: ReportContext, name: str, edges: Sequence[float]) -> TagGrouping:
    """Grouping by the bands of a number; bands without a creative are left out."""
    number = context.observed[name].to_numpy(np.float64)
    codes = np.where(number > 0, np.searchsorted(edges, number, side="right") - 1, -1)
    found = [code for code in range(len(edges)) if (codes == code).any()]
    texts = [f"{low}–{high}" for low, high in pairwise(edges)] + [f"{edges[-1]}+"]
    shares = (codes[:, None] == np.array(found, dtype=np.int64)).astype(np.float64)
    return TagGrouping(ATTRIBUTE_OF[name].report_group, tuple(texts[code] for code in found), shares)


@dataclass(frozen=True)
class Slice:
    """Some of the creatives of one promotion type.

    Attributes:
        promotion_type: Which.
        by: Column of `SLICED_BY`; empty: all creatives of the type.
        of: Its value.
        rows: (creatives,) Which are in it.
    """

    promotion_type: str
    by: str
    of: str
    rows: Mask


def lever_slices(context: ReportContext) -> list[Slice]:
    """Each promotion type, then each account, product and KOC of it with at least `verdict.min_creatives` creatives."""
    least = context.settings.verdict.min_creatives
    observed, types = context.observed, context.observed["promotion_type"]
    found = []
    for promotion_type in types.value_counts(sort=True).index.tolist():
        of_type = (types == promotion_type).to_numpy()
        found.append(Slice(str(promotion_type), "", "", of_type))
        for by in SLICED_BY:
            if by not in observed:
                continue
            sizes = observed.loc[of_type, by].dropna().value_counts()
            for value in sizes.index[sizes >= least].tolist():
                found.append(Slice(str(promotion_type), by, str(value), of_type & (observed[by] == value).to_numpy()))
    return found


@dataclass(frozen=True)
class StageEffects:
    """Log factors of values on the rate of one stage; axis 0: slices, axis 1: values of all groups.

    Attributes:
        logs: Against the mean creative of the slice that has a value of the lever.
        sds: Their posterior standard deviations.
    """

    logs: Floats
    sds: Floats


def lever_effects(
    context: ReportContext, groups: Sequence[TagGrouping], slices: Sequence[Slice]
) -> dict[str, StageEffects]:
    """Stage → effects.

    The error of a cell is the robust variance of its weighted mean residual (with n/(n − 1) for its n creatives), and
    never less than that of the model: the inverse of the weight, and what its posterior variance of the effect implies
    for this share of the weight.

    Args:
        context: The chosen creatives.
        groups: Of `lever_groups`.
        slices: Of `lever_slices`; the first slice of a promotion type is all of it.
    """
    by_value = sparse.csr_array(np.concatenate([group.has_value for group in groups], axis=1)).T
    inside = np.array([one.rows for one in slices], dtype=np.float64)
    types = [one.promotion_type for one in slices]
    whole = np.array([types.index(name) for name in types])
    return {stage.name: _effects(context, stage, groups, by_value, inside, whole) for stage in context.funnel.stages}


def _effects(
    context: ReportContext, stage: Stage, groups: Sequence[TagGrouping], by_value: sparse.csc_array, inside: Floats,
    whole: npt.NDArray[np.int64],
) -> StageEffects:  # fmt: skip
    """Effects at one stage.

    Args:
        context: The chosen creatives.
        stage: The stage.
        groups: Of `lever_groups`.
        by_value: (values, creatives) 1 where a creative has the value.
        inside: (slices, creatives) 1 where a creative is in the slice.
        whole: (slices,) Index of the slice that is all of the promotion type.
    """
    residual = context.residuals[stage.name]
    deviation, weight = residual.deviation, residual.weight

    def total(numbers: Floats) -> Floats:
        return np.asarray(by_value @ (inside * numbers).T).T

    counts, weights = total((weight > 0).astype(np.float64)), total(weight)
    known = weights > 0
    mean = _ratio(total(weight * deviation), weights)
    squares = total((weight * deviation) ** 2) - 2 * mean * total(weight**2 * deviation) + mean**2 * total(weight**2)
    several = known & (counts > 1)
    robust = _ratio(squares, weights**2) * _ratio(counts, counts - 1)
    error = np.where(several, np.maximum(robust, _ratio(np.ones_like(weights), weights)), np.inf)
    level = _ratio(inside @ (weight * deviation), inside @ weight)
    unshrunk = np.where(known, mean - level[:, None], 0.0)
    logs, sds = np.zeros_like(mean), np.zeros_like(mean)
    start = 0
    for group in groups:
        part = slice(start, start + len(group.values))
        start = part.stop
        of_model, between = model_variance(context, stage.name, group)
        found = unshrunk[:, part] + _model_effects(context, stage, group)
        share = _ratio(weights[:, part], (weight @ group.has_value)[None, :])
        implied = _ratio(of_model * between, between - of_model, np.inf) / np.maximum(share, 1e-12)
        if group.tag in NUMBERS:
            variance = error[:, part] + _of_products(context, stage, group, inside)
            spread = np.array([_between(one, its) for one, its in zip(found, variance)])[whole][:, None]
        else:
            variance = np.maximum(error[:, part], implied if between > 0 else 0.0)
            spread = np.full((len(inside), 1), between)
        kept = np.where(np.isfinite(variance), _ratio(spread, spread + np.where(np.isfinite(variance), variance, 0)), 0)
        sizes = inside @ group.shares
        shrunk = kept * found
        logs[:, part] = shrunk - _ratio((sizes * shrunk).sum(axis=1), sizes.sum(axis=1))[:, None]
        sds[:, part] = np.sqrt(spread * (1.0 - kept))
    return StageEffects(logs, sds)


NUMBERS = {ATTRIBUTE_OF[name].report_group: name for name in BANDS}
"""Feature group of a number → the number."""


def _model_effects(context: ReportContext, stage: Stage, group: TagGrouping) -> Floats:
    """(values,) The model's effect of each value. The price also sets what an order is worth (`Stage.priced`)."""
    logs = context.stages[stage.name].of_group(group.tag)
    if stage.priced and NUMBERS.get(group.tag) == "price_cny":
        logs = logs + np.log(context.features.reference_price)
    effects = group.contribution_by_value(logs)
    if group.tag in NUMBERS:  # slopes are centred on the training data, random effects on 0
        effects = effects - float(np.average(effects, weights=np.maximum(group.sizes, 1e-12)))
    return effects


def _of_products(context: ReportContext, stage: Stage, group: TagGrouping, inside: Floats) -> Floats:
    """(slices, values) Variance of a price band's mean by the products in it, whose own effects it cannot be told from.

    It is the variance between products times the sum of their squared shares of the band's creatives; 0 for durations,
    which do not come with the product.
    """
    if NUMBERS[group.tag] != "price_cny" or PRODUCT not in context.observed:
        return np.zeros((len(inside), len(group.values)))
    fitted = context.loaded_model.model.fitted
    components = fitted.funnel_models[-1].stages[stage.name].variance_components if fitted.funnel_models else {}
    codes, names = pd.factorize(context.observed[PRODUCT])
    by_product = sparse.csr_array(codes == np.arange(len(names))[:, None], dtype=np.float64)
    variance = np.zeros((len(inside), len(group.values)))
    for place in range(len(group.values)):
        sizes = by_product @ (inside * group.has_value[:, place]).T
        variance[:, place] = _ratio((sizes**2).sum(axis=0), sizes.sum(axis=0) ** 2)
    return components.get(PRODUCT, 0.0) * variance


def _between(effects: Floats, variance: Floats) -> float:
    """Variance between values by moments (DerSimonian and Laird 1986)."""
    known = np.isfinite(variance) & (variance > 0)
    if known.sum() < 2:
        return 0.0
    precision, found = 1.0 / variance[known], effects[known]
    apart = float((precision * (found - np.average(found, weights=precision)) ** 2).sum())
    scale = float(precision.sum() - (precision**2).sum() / precision.sum())
    return max(0.0, (apart - (known.sum() - 1)) / scale) if scale > 0 else 0.0


def _ratio(top: Floats, bottom: Floats, otherwise: float = 0.0) -> Floats:
    """Quotient; `otherwise` where the divisor is not above 0."""
    top, bottom = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    return np.divide(top, bottom, out=np.full(bottom.shape, otherwise), where=bottom > 0)

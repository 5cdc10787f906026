"""KOC × product × price, by promotion type: whom to give a product, and which price a KOC can carry.

The effect of a KOC and of a price band is that of the levers (`serving.report.levers`) over all creatives of the
promotion type. A KOC with a product, or in a price band, adds the mean partial residual of these creatives beyond
that effect, shrunk by the variance between such pairs: with little evidence a pair is what its KOC is.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from features.arrays import Codes, Floats
from features.attributes import NAMED_BY
from serving.report.context import ReportContext
from serving.report.contribution_groups import StageResidual, shrunk_cells
from serving.report.creative_rows import known_text
from serving.report.effects import Grade, ReportPart, TagGrouping, grade
from serving.report.levers.slice_effects import (
    KOC,
    LEAST_CREATIVES,
    PRODUCT,
    Slice,
    StageEffects,
    lever_effects,
    lever_groups,
    lever_slices,
)

PRICE = "price"
MOST_PRODUCTS = 60
"""Products with most creatives that are compared."""
LEAST_OF_PAIR = 3
"""With fewer creatives of a KOC with a product, or in a price band, nobody is told to act on them."""
PAIRS = (f"{KOC}*{PRODUCT}", f"{PRODUCT}*{KOC}")
"""Feature groups of a KOC with a product."""


class Named(ReportPart):
    """A KOC or a product: its id, and the name that people read in its place (the id, where there is none)."""

    id: str
    name: str


class Effect(ReportPart):
    """A log factor on the target against the mean creative of the promotion type, with its standard deviation.

    Attributes:
        of: Index of the KOC, the product or the price band.
        creatives: Creatives with counts that it is from.
        log, sd: Log factor and standard deviation.
        grade: How sure its direction is; never `certain` from fewer than `verdict.min_creatives`, and of a pair
            `unclear` from fewer than LEAST_OF_PAIR.
    """

    of: int
    creatives: int
    log: float
    sd: float
    grade: Grade


class PairEffect(Effect):
    """Effect of a KOC (`koc`) with the product or in the price band `of`."""

    koc: int


class ProductOfType(ReportPart):
    """A product: index, creatives, and creatives by price band (index of the band → creatives)."""

    of: int
    creatives: int
    bands: dict[int, int]


class KocsOfType(ReportPart):
    """What one promotion type says.

    Attributes:
        promotion_type: Which.
        creatives: Creatives with a known KOC.
        kocs: The largest effect first.
        products: Most creatives first.
        bands: In order of price.
        pairs: A KOC with a product, where they have creatives.
        prices: A KOC in a price band, where they have creatives, against the mean KOC of that band.
    """

    promotion_type: str
    creatives: int
    kocs: list[Effect]
    products: list[ProductOfType]
    bands: list[Effect]
    pairs: list[PairEffect]
    prices: list[PairEffect]


class KocTable(ReportPart):
    """The section.

    Attributes:
        target: Of all effects; empty where neither ROI nor GPM is predicted.
        kocs, products: Those with most creatives; indices refer to these lists.
        bands: Price bands, CNY: "50–100".
        types: The promotion type with most creatives first.
        missing: Columns that would answer what is not answered.
    """

    target: str
    kocs: list[Named]
    products: list[Named]
    bands: list[str]
    types: list[KocsOfType]
    missing: list[str]


def koc_table(context: ReportContext) -> KocTable:
    """Effects of KOCs, of KOCs with products and in price bands, over the chosen creatives."""
    observed, target = context.observed, context.roi or context.gpm
    missing = [name for name in (KOC, PRODUCT, "price_cny") if name not in observed or not observed[name].notna().any()]
    groups = {group.tag: group for group in lever_groups(context) if group.tag in (KOC, PRICE)}
    if not target:
        missing.append("value")
    if KOC not in groups or not target:
        return KocTable(target=target, kocs=[], products=[], bands=[], types=[], missing=missing)
    koc = groups[KOC]
    price = groups.get(PRICE, TagGrouping(PRICE, (), np.zeros((len(observed), 0))))
    product_codes, products = _most_frequent(context, PRODUCT, MOST_PRODUCTS)
    slices = [one for one in lever_slices(context) if not one.by]
    stated = lever_effects(context, [koc, price], slices)
    types = [
        _of_type(context, one, place, koc, price, product_codes, products, stated, target)
        for place, one in enumerate(slices)
    ]
    return KocTable(
        target=target,
        kocs=_named(context, KOC, koc.values),
        products=_named(context, PRODUCT, products),
        bands=list(price.values),
        types=[one for one in types if one.kocs],
        missing=missing,
    )


def _of_type(
    context: ReportContext, one: Slice, place: int, koc: TagGrouping, price: TagGrouping, product_codes: Codes,
    products: Sequence[str], stated: Mapping[str, StageEffects], target: str,
) -> KocsOfType:  # fmt: skip
    """Effects in one promotion type; `place`: its index in the slices of `stated`."""
    signs = context.funnel.compositions[target].signs
    inside, kocs, bands = one.rows.astype(np.float64), koc.codes, price.codes
    own, of_price = slice(0, len(koc.values)), slice(len(koc.values), len(koc.values) + len(price.values))
    log = sum((sign * stated[stage].logs[place] for stage, sign in signs.items()), np.zeros(of_price.stop))
    variance = sum((stated[stage].sds[place] ** 2 for stage in signs), np.zeros(of_price.stop))
    of_kocs, of_bands = (
        _effects(context, inside @ group.has_value, log[part], variance[part])
        for group, part in ((koc, own), (price, of_price))
    )
    beyond = {
        stage: _beyond(context, stage, one, kocs, stated[stage].logs[place][own], (KOC, *PAIRS)) for stage in signs
    }
    with_products = _pairs(beyond, signs, one, kocs, product_codes, len(products))
    beyond_price = {
        stage: _beyond(context, stage, one, bands, stated[stage].logs[place][of_price], (PRICE,), beyond[stage])
        for stage in signs
    }
    in_bands = _pairs(beyond_price, signs, one, kocs, bands, len(price.values))
    return KocsOfType(
        promotion_type=one.promotion_type,
        creatives=int((one.rows & (kocs >= 0)).sum()),
        kocs=sorted(of_kocs, key=lambda effect: -effect.log),
        products=_products(one, product_codes, bands, len(products)),
        bands=of_bands,
        pairs=[_pair(context, cell, log[own][cell[0]], variance[own][cell[0]]) for cell in with_products],
        prices=[_pair(context, cell, log[own][cell[0]], variance[own][cell[0]]) for cell in in_bands],
    )


def _effects(context: ReportContext, sizes: Floats, logs: Floats, variances: Floats) -> list[Effect]:
    """Effects of the values that occur; from too few creatives nothing is told, as in the levers."""
    found = [
        _effect(context, of, int(sizes[of]), float(logs[of]), float(variances[of]))
        for of in np.flatnonzero(sizes > 0).tolist()
    ]
    return [one if one.creatives >= LEAST_CREATIVES else one.model_copy(update={"grade": "unclear"}) for one in found]


def _effect(context: ReportContext, of: int, creatives: int, log: float, variance: float) -> Effect:
    sd = float(np.sqrt(variance))
    given = grade(log, sd, context.settings.interval.level)
    if given == "certain" and creatives < context.settings.verdict.min_creatives:
        given = "likely"
    return Effect(of=of, creatives=creatives, log=round(log, 4), sd=round(sd, 4), grade=given)


def _beyond(
    context: ReportContext, stage: str, one: Slice, codes: Codes, logs: Floats, groups: Sequence[str],
    start: StageResidual | None = None,
) -> StageResidual:  # fmt: skip
    """What a stage's residuals say beyond the effects of the values of one lever, centred on the slice.

    Args:
        context: The chosen creatives.
        stage: The stage.
        one: The slice.
        codes: (creatives,) Value of each creative; −1 for none.
        logs: (values,) Effects of the values.
        groups: Feature groups in which the model counts them; they are part of what is explained here.
        start: Residuals to begin with; default: those of the stage.
    """
    residual = start or context.residuals[stage]
    known = one.rows & (codes >= 0) & (residual.weight > 0)
    explained = sum((context.stages[stage].of_group(group) for group in groups), np.zeros(len(codes)))
    if PRICE in groups and any(one.priced for one in context.funnel.stages if one.name == stage):
        explained = explained + np.log(context.features.reference_price)  # a price also sets what an order is worth
    stated = np.append(logs, 0.0)[codes]
    deviation = np.where(known, residual.deviation + explained - stated, 0.0)
    weight = np.where(known, residual.weight, 0.0)
    mean = float((weight * deviation).sum() / weight.sum()) if weight.sum() > 0 else 0.0
    return StageResidual(np.where(known, deviation - mean, 0.0), weight)


def _pairs(
    residuals: Mapping[str, StageResidual], signs: Mapping[str, float], one: Slice,
    kocs: Codes, others: Codes, count: int,
) -> list[tuple[int, int, int, float, float]]:  # fmt: skip
    """KOC, other, creatives, log factor and variance of each pair that has creatives with counts."""
    if not count:
        return []
    codes = np.where(one.rows & (kocs >= 0) & (others >= 0), kocs * count + others, -1).astype(np.int64)
    signed = [StageResidual(sign * residuals[s].deviation, residuals[s].weight) for s, sign in signs.items()]
    cells = shrunk_cells(signed, codes, (int(kocs.max(initial=0)) + 1) * count)
    return [(*divmod(cell.code, count), cell.creatives, cell.log, cell.sd**2) for cell in cells]


def _pair(context: ReportContext, cell: tuple[int, int, int, float, float], log: float, variance: float) -> PairEffect:
    koc, of, creatives, more, more_variance = cell
    effect = _effect(context, of, creatives, log + more, variance + more_variance).model_dump()
    return PairEffect(koc=koc, **effect | ({"grade": "unclear"} if creatives < LEAST_OF_PAIR else {}))


def _products(one: Slice, products: Codes, bands: Codes, count: int) -> list[ProductOfType]:
    found = []
    for of in range(count):
        mine = one.rows & (products == of)
        if mine.any():
            band, sizes = np.unique(bands[mine & (bands >= 0)], return_counts=True)
            found.append(
                ProductOfType(of=of, creatives=int(mine.sum()), bands=dict(zip(band.tolist(), sizes.tolist())))
            )
    return sorted(found, key=lambda product: -product.creatives)


def _most_frequent(context: ReportContext, column: str, most: int) -> tuple[Codes, list[str]]:
    if column not in context.observed:
        return np.full(len(context.observed), -1), []
    names = [str(name) for name in context.observed[column].value_counts().index[:most]]
    places = {name: place for place, name in enumerate(names)}
    codes = np.asarray(context.observed[column].map(places).fillna(-1).to_numpy(), dtype=np.int64)
    return codes, names


def _named(context: ReportContext, column: str, ids: Sequence[str]) -> list[Named]:
    """Ids with their names; names that stand for several ids end with the last digits of the id."""
    creatives, name = context.loaded.creatives, NAMED_BY[column]
    names: dict[str, str] = {}
    if name in creatives:
        named = creatives[[column, name]].dropna().drop_duplicates(column)
        names = dict(zip(named[column].astype("str"), named[name].map(known_text)))
    shown = [names.get(one) or one for one in ids]
    return [
        Named(id=one, name=f"{called} {one[-4:]}" if called != one and shown.count(called) > 1 else called)
        for one, called in zip(ids, shown)
    ]

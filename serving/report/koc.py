"""KOCs: factors at each stage, on products and on price bands, shrunk towards the KOC's own mean."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, signs_of
from features.matrix.feature_matrix import PRICE_BANDS_CNY
from serving.report.context import ReportContext
from serving.report.contribution_groups import Codes, StageResidual, shrunk_cells
from serving.report.effects import Baseline, Floats, ReportPart, TagEffect, effect_variance, group_by_tag, tag_effects

MOST_KOCS, MOST_PRODUCTS = 14, 10


class KocCell(ReportPart):
    """A KOC with one product or in one price band.

    Attributes:
        creatives: Creatives with counts.
        factor: On ROI (GPM without spend), shrunk; with its interval.
    """

    creatives: int
    factor: float
    low: float
    high: float


class Koc(ReportPart):
    """One KOC.

    Attributes:
        creator_id: Which.
        creatives: Creatives of the KOC.
        stages: Stage or target → effect.
        products: One cell per `KocTable.products`; None where there is no creative.
        bands: One cell per `KocTable.bands`; None where there is no creative.
    """

    creator_id: str
    creatives: int
    stages: dict[str, TagEffect]
    products: list[KocCell | None]
    bands: list[KocCell | None]


class KocTable(ReportPart):
    """The KOCs with most creatives.

    Attributes:
        columns: Stages and targets of `Koc.stages`.
        target: Target of the factors by product and by price band.
        products: Products with most creatives.
        bands: Lower ends of the price bands, CNY.
        kocs: The largest factor on the target first.
        all_kocs: Number of KOCs among the chosen creatives.
        missing: Columns that would answer what is not answered.
    """

    columns: list[str]
    target: str
    products: list[str]
    bands: list[float]
    kocs: list[Koc]
    all_kocs: int
    missing: list[str]


def koc_columns(context: ReportContext) -> dict[str, list[str]]:
    """Columns of the table (stages, then GPM and ROI) → stages whose factors multiply in each."""
    found = {stage.name: [stage.name] for stage in context.funnel.stages}
    return found | {
        name: list(TARGETS[name].composition(context.funnel).signs) for name in (context.gpm, context.roi) if name
    }


def koc_table(context: ReportContext, base: Baseline, bootstrap_weights: Floats, z: float) -> KocTable:
    """KOC effects of the chosen creatives.

    Args:
        context: The chosen creatives.
        base: Their baseline.
        bootstrap_weights: (draws, creatives) From `effects.bootstrap`.
        z: Half width of an interval in standard deviations.
    """
    observed = context.observed
    missing = [name for name in ("creator_id", "product_id", "price_cny") if name not in observed]
    columns = koc_columns(context)
    target = next(reversed(columns), "")
    if "creator_id" in missing or not observed["creator_id"].notna().any():
        return KocTable(columns=[], target=target, products=[], bands=[], kocs=[], all_kocs=0, missing=missing)
    group = group_by_tag(context, "creator_id", "creator_id", MOST_KOCS)
    effects = {
        name: {effect.value: effect for effect in tag_effects(context, base, group, stages, bootstrap_weights)}
        for name, stages in columns.items()
    }
    most = np.argsort(-group.sizes, kind="stable")[:MOST_KOCS].tolist()
    most.sort(key=lambda place: -effects[target][group.values[place]].factor)
    product_codes, products = _most_frequent(context, "product_id", MOST_PRODUCTS)
    bands = [] if "price_cny" in missing else [float(edge) for edge in PRICE_BANDS_CNY]
    stages = columns[target]
    logs = _contributions(context, stages, ("creator_id", "creator_id*product_id", "product_id*creator_id"))
    variance = sum((effect_variance(context, stage, group) for stage in stages), np.zeros(len(group.values)))
    by_product = _cells(context, group.codes, product_codes, len(products), stages, logs, variance, z)
    by_band = _cells(context, group.codes, _price_bands(context), len(bands), stages, logs, variance, z)
    return KocTable(
        columns=list(columns),
        target=target,
        products=products,
        bands=bands,
        kocs=[
            Koc(
                creator_id=group.values[place],
                creatives=int(group.sizes[place]),
                stages={name: values[group.values[place]] for name, values in effects.items()},
                products=[by_product.get((place, number)) for number in range(len(products))],
                bands=[by_band.get((place, number)) for number in range(len(bands))],
            )
            for place in most
        ],
        all_kocs=int(observed["creator_id"].nunique()),
        missing=missing,
    )


def _contributions(context: ReportContext, stages: Sequence[str], groups: Sequence[str]) -> Floats:
    """(creatives,) Summed contributions of several groups, over stages whose factors multiply."""
    total = np.zeros(len(context.observed))
    for stage, sign in signs_of(stages).items():
        for group in groups:
            total = total + sign * context.stages[stage].of_group(group)
    return total


def _cells(
    context: ReportContext, kocs: Codes, others: Codes, count: int, stages: Sequence[str], logs: Floats,
    koc_variance: Floats, z: float,
) -> dict[tuple[int, int], KocCell]:  # fmt: skip
    """(KOC, other) → mean contribution of the KOC (and the pair) plus the shrunk mean residual of the cell.

    Args:
        context: The chosen creatives.
        kocs: (creatives,) Index of the KOC; −1 for none.
        others: (creatives,) Index of the product or price band; −1 for none.
        count: Number of products or bands.
        stages: Stages whose factors multiply.
        logs: (creatives,) Contributions of KOC and pair.
        koc_variance: (KOCs,) Variance of each KOC's log effect.
        z: Half width of an interval in standard deviations.
    """
    if not count:
        return {}
    codes = np.where((kocs >= 0) & (others >= 0), kocs * count + others, -1)
    signed = [
        StageResidual(sign * context.residuals[stage].deviation, context.residuals[stage].weight)
        for stage, sign in signs_of(stages).items()
    ]
    means = pd.Series(logs).groupby(codes).mean()
    found = {}
    for cell in shrunk_cells(signed, codes.astype(np.int64), (int(kocs.max(initial=0)) + 1) * count):
        koc, other = divmod(cell.code, count)
        log, sd = cell.log + float(means[cell.code]), float(np.sqrt(cell.sd**2 + koc_variance[koc]))
        found[koc, other] = KocCell(
            creatives=cell.creatives,
            factor=float(np.exp(log)),
            low=float(np.exp(log - z * sd)),
            high=float(np.exp(log + z * sd)),
        )
    return found


def _most_frequent(context: ReportContext, column: str, most: int) -> tuple[Codes, list[str]]:
    if column not in context.observed:
        return np.full(len(context.observed), -1), []
    names = context.observed[column].value_counts().index[:most].tolist()
    places = {name: place for place, name in enumerate(names)}
    return context.observed[column].map(places).fillna(-1).to_numpy(np.int64), [str(name) for name in names]


def _price_bands(context: ReportContext) -> npt.NDArray[np.int64]:
    if "price_cny" not in context.observed:
        return np.full(len(context.observed), -1)
    price = context.observed["price_cny"].to_numpy(np.float64)
    return np.where(price > 0, np.searchsorted(PRICE_BANDS_CNY, price, side="right") - 1, -1)

"""KOC and product: who sells what, shrunk for evidence; which prices a KOC can carry; who lifts which stage."""

import numpy as np
import pandas as pd

from features.funnel import signs_of
from features.matrix.feature_matrix import PRICE_BANDS_CNY
from serving.report.context import Residual, Seen
from serving.report.effects import Baseline, Effect, Figure, Floats, effects, grouping, unsure
from serving.report.residuals import cells

MOST_KOCS, MOST_PRODUCTS = 14, 10


class KocCell(Figure):
    """A KOC beside a product or a band of prices.

    Attributes:
        creatives: Launched ones that say something.
        factor: On ROI (GPM), shrunk for evidence; with its interval.
    """

    creatives: int
    factor: float
    low: float
    high: float


class Koc(Figure):
    """One KOC.

    Attributes:
        creator_id: Which.
        creatives: Of the KOC.
        stages: Stage or target → effect.
        products: In the order of `KocTable.products`; None where the KOC has not shot for it.
        bands: In the order of `KocTable.bands`; the same.
    """

    creator_id: str
    creatives: int
    stages: dict[str, Effect]
    products: list[KocCell | None]
    bands: list[KocCell | None]


class KocTable(Figure):
    """The KOCs with most creatives.

    Attributes:
        target: Whose factors products and bands tell.
        products: Those with most creatives.
        bands: Lower ends of the price bands, CNY.
        kocs: The best net ROI (GPM) first.
        all_kocs: How many there are.
        missing: Columns that would answer what is not answered.
    """

    target: str
    products: list[str]
    bands: list[float]
    kocs: list[Koc]
    all_kocs: int
    missing: list[str]


def koc_table(seen: Seen, base: Baseline, columns: dict[str, list[str]], draws: Floats, z: float) -> KocTable:
    """Of the chosen creatives.

    Args:
        seen: The creatives.
        base: Their baseline.
        columns: Stages and targets to be told, and the stages whose factors multiply in each.
        draws: Of the bootstrap.
        z: Standard deviations to either end of an interval.
    """
    missing = [name for name in ("creator_id", "product_id", "price_cny") if name not in seen.observed]
    target = next(reversed(columns), "")
    if "creator_id" in missing or not seen.observed["creator_id"].notna().any():
        return KocTable(target=target, products=[], bands=[], kocs=[], all_kocs=0, missing=missing)
    group = grouping(seen, "creator_id", "creator_id", MOST_KOCS)
    told = {name: {e.value: e for e in effects(seen, base, group, stages, draws)} for name, stages in columns.items()}
    most = np.argsort(-group.sizes, kind="stable")[:MOST_KOCS].tolist()
    most.sort(key=lambda place: -told[target][group.values[place]].factor)
    product_codes, products = _top(seen, "product_id", MOST_PRODUCTS)
    bands = [] if "price_cny" in missing else [float(edge) for edge in PRICE_BANDS_CNY]
    stages = columns[target]
    log = _served(seen, stages, ("creator_id", "creator_id*product_id", "product_id*creator_id"))
    alone = sum((unsure(seen, stage, group) for stage in stages), np.zeros(len(group.values)))
    by_product = _cells(group.codes, product_codes, len(products), seen, stages, log, alone, z)
    by_band = _cells(group.codes, _bands(seen), len(bands), seen, stages, log, alone, z)
    return KocTable(
        target=target,
        products=products,
        bands=bands,
        kocs=[
            Koc(
                creator_id=group.values[place],
                creatives=int(group.sizes[place]),
                stages={name: values[group.values[place]] for name, values in told.items()},
                products=[by_product.get((place, number)) for number in range(len(products))],
                bands=[by_band.get((place, number)) for number in range(len(bands))],
            )
            for place in most
        ],
        all_kocs=int(seen.observed["creator_id"].nunique()),
        missing=missing,
    )


def _served(seen: Seen, stages: list[str], families: tuple[str, ...]) -> Floats:
    total = np.zeros(len(seen.observed))
    for stage, sign in signs_of(stages).items():
        for family in families:
            total = total + sign * seen.stages[stage].of(family)
    return total


def _cells(
    kocs: np.ndarray, others: np.ndarray, count: int, seen: Seen, stages: list[str], log: Floats,
    alone: Floats, z: float,
) -> dict[tuple[int, int], KocCell]:  # fmt: skip
    """The served contribution of KOC (and pair), and what the data say beyond it, of each pair that occurs."""
    if not count:
        return {}
    codes = np.where((kocs >= 0) & (others >= 0), kocs * count + others, -1)
    signed = [
        Residual(-seen.residuals[s].off, seen.residuals[s].weight) if sign < 0 else seen.residuals[s]
        for s, sign in signs_of(stages).items()
    ]
    means = pd.Series(log).groupby(codes).mean()
    found = {}
    for cell in cells(signed, codes.astype(np.int64), (int(kocs.max(initial=0)) + 1) * count):
        koc, other = divmod(cell.code, count)
        value, sd = cell.log + float(means[cell.code]), float(np.sqrt(cell.sd**2 + alone[koc]))
        found[koc, other] = KocCell(
            creatives=cell.creatives,
            factor=float(np.exp(value)),
            low=float(np.exp(value - z * sd)),
            high=float(np.exp(value + z * sd)),
        )
    return found


def _top(seen: Seen, column: str, most: int) -> tuple[np.ndarray, list[str]]:
    if column not in seen.observed:
        return np.full(len(seen.observed), -1), []
    names = seen.observed[column].value_counts().index[:most].tolist()
    places = {name: place for place, name in enumerate(names)}
    return seen.observed[column].map(places).fillna(-1).to_numpy(np.int64), [str(name) for name in names]


def _bands(seen: Seen) -> np.ndarray:
    if "price_cny" not in seen.observed:
        return np.full(len(seen.observed), -1)
    price = seen.observed["price_cny"].to_numpy(np.float64)
    return np.where(price > 0, np.searchsorted(PRICE_BANDS_CNY, price, side="right") - 1, -1)

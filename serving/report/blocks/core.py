"""What all scripts of the report share: the creatives by index, what they are filtered by, and texts."""

from features.attributes import NAMED_BY
from serving.report import wording
from serving.report.data import ReportData
from serving.report.wording.common import promotion_type


def embedded(data: ReportData) -> dict[str, object]:
    """Columns of `ReportData.creatives`: names and ids as texts, accounts and the like as indices into `values`."""
    found: dict[str, object] = {
        "words": wording.SCRIPT_TEXTS,
        "ids": [one.creative_id for one in data.creatives],
        "names": [one.name for one in data.creatives],
    }
    values: dict[str, list[str]] = {}
    indices: dict[str, list[int]] = {}
    for name in ("account_id", "promotion_type", "product_id", "creator_id", "status"):
        texts = [getattr(one, name) for one in data.creatives]
        values[name] = list(dict.fromkeys(text for text in texts if text))
        place = {text: index for index, text in enumerate(values[name])}
        indices[name] = [place.get(text, -1) for text in texts]
    types = [promotion_type(name) for name in values["promotion_type"]]
    named = {name: _names(data, name, values[name]) for name in NAMED_BY}
    found["known"] = [int(one.known) for one in data.creatives]
    found["address"] = [one.address for one in data.creatives]
    return found | {"values": values, "of": indices, "promotionTypes": types, "named": named}


def _names(data: ReportData, name: str, ids: list[str]) -> list[str]:
    """What people call each of these products or KOCs; empty where no column says it."""
    called = {getattr(one, name): getattr(one, NAMED_BY[name]) for one in data.creatives}
    names = [called[one] for one in ids]
    # A name of several ids ends with the last digits of the id, as in the section of KOCs and products.
    return [f"{name} {one[-4:]}" if name and names.count(name) > 1 else name for one, name in zip(ids, names)]

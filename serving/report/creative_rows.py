"""Which creatives the report lists, in one order for all sections: a creative's place in it is its index."""

from features.sanitise import web_address
from features.schema import KEY
from serving.report.context import ReportContext
from serving.report.effects import ReportPart

NAMES = ("creative_name", "product_name", "creator_name")
IDS = ("product_id", "creator_id")
ADDRESSES = ("video_url", "cover_url")
"""Attributes that may hold the address of a creative, the better one first."""


class CreativeRow(ReportPart):
    """What a creative is.

    Attributes:
        creative_id, promotion_type, account_id: Its key.
        name: Its name, or its id.
        product_id, creator_id: Empty where they are not known.
        product_name, creator_name: What people call them; empty where no column says it.
        address: http(s) address of its video, else of its cover; empty without one.
        known: Whether its first outcome window is mature.
        status: `waiting`, `running` or `stopped` (`training.decision.status`).
    """

    creative_id: str
    promotion_type: str
    account_id: str
    name: str
    product_id: str
    creator_id: str
    product_name: str
    creator_name: str
    address: str
    known: bool
    status: str


def creative_rows(context: ReportContext) -> list[CreativeRow]:
    """Every chosen creative, in `context.order`."""
    creatives = context.loaded.creatives
    names = [name for name in (*NAMES, *ADDRESSES) if name in creatives]
    rows = context.observed[[*KEY, *(name for name in IDS if name in context.observed)]].iloc[context.order]
    rows = rows.merge(creatives[[*KEY, *names]], on=KEY, how="left")
    known = context.outcomes["known"].to_numpy(bool)[context.order].tolist()
    status = [context.status[row] for row in context.order.tolist()]
    return [
        CreativeRow(
            creative_id=str(row["creative_id"]),
            promotion_type=str(row["promotion_type"]),
            account_id=str(row["account_id"]),
            name=known_text(row.get("creative_name")) or str(row["creative_id"]),
            product_id=known_text(row.get("product_id")),
            creator_id=known_text(row.get("creator_id")),
            product_name=known_text(row.get("product_name")),
            creator_name=known_text(row.get("creator_name")),
            address=next(filter(None, (web_address(known_text(row.get(name))) for name in ADDRESSES)), ""),
            known=is_known,
            status=now,
        )
        for row, is_known, now in zip(rows.to_dict("records"), known, status)
    ]


def known_text(value: object) -> str:
    """A text of the data; empty where it is missing."""
    return "" if value is None or value != value else str(value)

"""Which creatives the report lists, in one order for all sections: a creative's place in it is its index."""

from serving.report.context import ReportContext
from serving.report.effects import ReportPart


class CreativeRow(ReportPart):
    """What a creative is.

    Attributes:
        creative_id, promotion_type, account_id: Its key.
        name: Its name, or its id.
        product_id, creator_id: Empty where they are not known.
        status: `waiting`, `running` or `stopped` (`training.decision.status`).
    """

    creative_id: str
    promotion_type: str
    account_id: str
    name: str
    product_id: str
    creator_id: str
    status: str


def creative_rows(context: ReportContext) -> list[CreativeRow]:
    """Every chosen creative, in `context.order`."""
    rows = context.observed.iloc[context.order].to_dict("records")
    status = [context.status[row] for row in context.order.tolist()]
    return [
        CreativeRow(
            creative_id=str(row["creative_id"]),
            promotion_type=str(row["promotion_type"]),
            account_id=str(row["account_id"]),
            name=known_text(row.get("creative_name")) or str(row["creative_id"]),
            product_id=known_text(row.get("product_id")),
            creator_id=known_text(row.get("creator_id")),
            status=now,
        )
        for row, now in zip(rows, status)
    ]


def known_text(value: object) -> str:
    """A text of the data; empty where it is missing."""
    return "" if value is None or value != value else str(value)

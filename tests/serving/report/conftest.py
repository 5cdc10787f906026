"""A report on the small world."""

import pytest

from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.data import ReportData, sections
from serving.report.render import render

HOSTILE = "<script>alert(1)</script>\"'{{ 7*7 }}\u202e=cmd|'/c calc'!A1"


@pytest.fixture(scope="session")
def context(loaded: LoadedModel, small_world: Loaded) -> ReportContext:
    return build_context(loaded, small_world, CreativeFilter())


@pytest.fixture(scope="session")
def data(context: ReportContext) -> ReportData:
    return sections(context, None)


@pytest.fixture(scope="session")
def page(data: ReportData) -> str:
    return render(data)


@pytest.fixture(scope="session")
def hostile(data: ReportData) -> ReportData:
    """The report on creatives whose names, tags and ids are an attack."""
    card = data.cards[0].model_copy(
        update={"name": HOSTILE, "account_id": HOSTILE, "creative_id": HOSTILE, "tags": {"hook": HOSTILE, HOSTILE: "x"}}
    )
    row = data.creatives[0].model_copy(
        update={"name": HOSTILE, "creative_id": HOSTILE, "product_id": HOSTILE, "product_name": HOSTILE}
    )
    levers = [
        lever.model_copy(update={"name": HOSTILE}) if lever.value == "痛点直击" else lever
        for lever in data.levers.levers
    ]
    koc = data.kocs.kocs[0].model_copy(update={"name": HOSTILE})
    briefs = [one.model_copy(update={"tags": {"hook": HOSTILE}, "of": HOSTILE}) for one in data.briefs[:1]]
    return data.model_copy(
        update={
            "account": HOSTILE,
            "creatives": [row, *data.creatives[1:]],
            "briefs": briefs,
            "cards": [card, *data.cards[1:]],
            "levers": data.levers.model_copy(update={"levers": levers}),
            "kocs": data.kocs.model_copy(update={"kocs": [koc, *data.kocs.kocs[1:]]}),
        }
    )

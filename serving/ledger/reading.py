"""Reading the ledger: recorded answers with their features by name, for exports and for scoring."""

from collections.abc import Iterator

import orjson
import sqlalchemy as sa

from configs.errors import GpmcastError
from serving.ledger.record import unpack_features
from serving.ledger.tables import ANSWERS, MODELS, connect, sqlite_file

ROWS_AT_ONCE = 500


def opened(url: str) -> sa.Engine:
    """An engine for a ledger that exists.

    Raises:
        GpmcastError: There is none, or it cannot be read.
    """
    engine = connect(url)
    if (file := sqlite_file(engine)) is not None and not file.is_file():
        raise GpmcastError(
            f"{file}: there is no ledger. The service makes it when it starts.",
            zh=f"{file}：没有这个预测台账。处理：检查路径；还没有台账时先 make serve，服务启动时会建好。",
        )
    try:
        with engine.connect() as connection:
            connection.execute(sa.select(ANSWERS).limit(0))
            connection.execute(sa.select(MODELS).limit(0))
    except sa.exc.DBAPIError as error:
        cause = str(error.orig).splitlines()[0]
        cure = "The service of this version makes and completes its tables when it starts."
        raise GpmcastError(
            f"{engine.url}: cannot be read: {cause}. {cure}",
            zh=f"{engine.url}：读不了这个预测台账（{cause}）。处理：检查路径；"
            "旧版的台账，用这一版的 make serve 启动一次就会补齐。",
        ) from None
    return engine


def read(
    engine: sa.Engine,
    *,
    since: str = "",
    until: str = "",
    creative_id: str = "",
    endpoint: str = "",
    request_id: str = "",
    features: bool = True,
    limit: int | None = None,
) -> Iterator[dict[str, object]]:
    """Recorded answers, newest first: the columns of `gpmcast_answers` with `answer` parsed, and `about` of the model.

    Args:
        engine: Of the ledger.
        since: ISO time, UTC: only answers from then on; empty: all.
        until: ISO time, UTC: only answers before; empty: all.
        creative_id: Only this creative; empty: all.
        endpoint: Only answers of this one, `predict`, `rank` or `plan`; empty: all.
        request_id: Only this request; empty: all.
        features: Whether to read the features, by name; else rows have none.
        limit: Most rows; None: all.
    """
    names = [str(column.name) for column in ANSWERS.columns if features or column.name != "features"]
    query = sa.select(*[ANSWERS.c[name] for name in names])
    if since:
        query = query.where(ANSWERS.c.at >= since)
    if until:
        query = query.where(ANSWERS.c.at < until)
    if creative_id:
        query = query.where(ANSWERS.c.creative_id == creative_id)
    if endpoint:
        query = query.where(ANSWERS.c.endpoint == endpoint)
    if request_id:
        query = query.where(ANSWERS.c.request_id == request_id)
    query = query.order_by(ANSWERS.c.at.desc(), ANSWERS.c.request_id, ANSWERS.c.place).limit(limit)
    with engine.connect() as connection:
        rows = connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
        # After the answers, so that every model of theirs is among them.
        models = {(row.model, row.version): row for row in connection.execute(sa.select(MODELS))}
        feature_names = {key: orjson.loads(row.features) for key, row in models.items()}
        about = {key: orjson.loads(row.about) if row.about else {} for key, row in models.items()}
        for row in rows:
            found = dict(zip(names, row))
            model = found["model"], found["version"]
            if features:
                found["features"] = dict(zip(feature_names[model], unpack_features(found["features"])))
            found["answer"] = orjson.loads(found["answer"])
            found["about"] = about[model]
            yield found

"""The query parameters of an uploaded file, and the media types that it may have."""

import re
from urllib.parse import parse_qsl

from serving.api.errors import Refused, RequestProblem
from serving.api.requests import ID, promotion_type_of

FILE_MEDIA_TYPES = (
    "application/octet-stream",
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
"""What clients call a CSV or XLSX file; the content alone decides how it is read."""
FILE_QUERY = {
    "name": "Name of the file; a promotion type or a day in it is used.",
    "account_id": "Account of rows without one.",
    "promotion_type": "Promotion type of rows without one.",
}
MOST_TEXT = 200
"""Characters of each of these."""


def file_query(query: bytes) -> dict[str, str]:
    """What the query string gives about an uploaded file: values by a key of FILE_QUERY; `name` without folders.

    Raises:
        Refused: 400 for an unknown or repeated parameter, a value that is too long, or bytes that are no UTF-8.
    """
    refusal = Refused(400, "The query is not understood.", zh="查询参数无法理解。")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        refusal.problems = [
            RequestProblem("not understood", "percent-encoded UTF-8", "无法理解；应为百分号编码的UTF-8。")
        ]
        raise refusal from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in FILE_QUERY or name in values or len(value) > MOST_TEXT or not re.fullmatch(ID, value):
            hint = f"each of {', '.join(FILE_QUERY)} at most once, with up to {MOST_TEXT} letters in one line"
            zh = f"无法理解；{'、'.join(FILE_QUERY)} 各最多一次，一行以内，最多 {MOST_TEXT} 个字。"
            refusal.problems = [RequestProblem("not understood", hint, zh, name[:80])]
            raise refusal
        values[name] = value
    if "promotion_type" in values:
        values["promotion_type"] = promotion_type_of(values["promotion_type"])
    values["name"] = values.get("name", "").replace("\\", "/").rpartition("/")[2] or "file"
    return values

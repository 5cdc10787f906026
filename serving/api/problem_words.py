"""Every sentence about a field of a request that is refused, in both languages.

English says what is wrong and what would be right apart; Chinese says both in one text. `{…}` are filled in, names of
figures and tags as people call them in each language.
"""

from typing import NamedTuple

from features.attributes import TAG_LABELS
from features.bilingual import Words
from features.schema import VALUE_LABELS
from serving.api.errors import RequestProblem


class Kind(NamedTuple):
    """One kind of problem before its values are filled in.

    Attributes:
        problem: What is wrong, in English.
        hint: What would be right, in English.
        zh: Both in Chinese.
    """

    problem: str
    hint: str
    zh: str

    def of(self, field: str | None, creative_id: str | None, /, **values: object) -> RequestProblem:
        """The problem of this field and creative; a value that is `Words` is put into each language in its own."""
        en, zh = (
            {name: value[place] if isinstance(value, Words) else value for name, value in values.items()}
            for place in (1, 0)
        )
        return RequestProblem(
            self.problem.format(**en), self.hint.format(**en), self.zh.format(**zh), field, creative_id
        )


def named(name: str) -> Words:
    """What a figure or a tag is called: its own name in English, its label in Chinese."""
    label = VALUE_LABELS.get(name) or TAG_LABELS.get(name)
    return Words(label.zh if label else name, name)


_TYPE = "give a value of this type; numbers are not texts, texts are not numbers"
_SCHEMA = "see GET {schema} for what is taken"

SHAPES = {
    "missing": Kind("Field required", "this field is needed", "必填。"),
    "json_invalid": Kind(
        "Invalid JSON: {error}", "send one JSON object in UTF-8", "不是有效的JSON（{error}）；应为UTF-8编码的JSON对象。"
    ),
    "model_type": Kind("Input should be an object", _TYPE, "应为JSON对象。"),
    "dict_type": Kind("Input should be an object", _TYPE, "应为JSON对象。"),
    "list_type": Kind("Input should be a valid array", _TYPE, "应为列表。"),
    "bool_type": Kind("Input should be a valid boolean", _TYPE, "应为 true 或 false（不加引号）。"),
    "int_type": Kind("Input should be a valid integer", _TYPE, "应为整数（不加引号）。"),
    "float_type": Kind("Input should be a valid number", _TYPE, "应为数字（不加引号）。"),
    "string_type": Kind("Input should be a valid string", _TYPE, "应为文字。"),
    "datetime_type": Kind("Input should be a valid datetime", _TYPE, "应为日期时间，例如 2026-06-01T09:00:00。"),
    "datetime_parsing": Kind(
        "Input should be a valid datetime, {error}", _TYPE, "应为日期时间，例如 2026-06-01T09:00:00。"
    ),
    "year_out_of_range": Kind("is not between 2000 and 2100", _SCHEMA, "应在 2000 年到 2100 年之间。"),
    "finite_number": Kind(
        "Input should be a finite number",
        "NaN and infinity are no numbers here; leave out what is not known",
        "不能是NaN或无穷大；不知道的就不填。",
    ),
    "greater_than": Kind("Input should be greater than {gt:.10g}", _SCHEMA, "要大于 {gt:,.10g}。"),
    "greater_than_equal": Kind("Input should be greater than or equal to {ge:.10g}", _SCHEMA, "不能小于 {ge:,.10g}。"),
    "less_than": Kind("Input should be less than {lt:.10g}", _SCHEMA, "要小于 {lt:,.10g}。"),
    "less_than_equal": Kind("Input should be less than or equal to {le:.10g}", _SCHEMA, "不能大于 {le:,.10g}。"),
    "multiple_of": Kind("Input should be a multiple of {multiple_of:g}", _SCHEMA, "应为 {multiple_of:g} 的整数倍。"),
    "string_too_short": Kind(
        "String should have at least {min_length} character(s)", _SCHEMA, "至少 {min_length} 个字。"
    ),
    "string_too_long": Kind(
        "String should have at most {max_length} character(s)", _SCHEMA, "最多 {max_length} 个字。"
    ),
    "string_pattern_mismatch": Kind(
        "holds a control character",
        "leave out U+0000 to U+001F and U+007F to U+009F; only texts that are no ids may have tabs and line ends",
        "含有控制字符。处理：删掉后重新输入；ID里也不能有制表符和换行。",
    ),
    "too_short": Kind("should have at least {min_length} item(s)", _SCHEMA, "至少 {min_length} 项。"),
    "too_long": Kind("should have at most {max_length} items", _SCHEMA, "最多 {max_length} 项。"),
    "literal_error": Kind("Input should be {expected}", _SCHEMA, "应为其中之一：{expected}。"),
}
"""Type of pydantic's error → what is told; its context is filled in."""
OTHER_SHAPE = Kind("{message}", _SCHEMA, "不是这一项能用的值。")
"""Of an error of another type, with pydantic's own message."""
SURROGATE = Kind(
    "Invalid JSON: {error}",
    "send one JSON object in UTF-8; half of a surrogate pair is no character",
    "不是有效的JSON（{error}）：半个代理对不是字符；应为UTF-8编码的JSON对象。",
)
LARGE_JSON = Kind(
    "Invalid JSON: {error}",
    "send one JSON object in UTF-8; NaN is no number",
    "不是有效的JSON（{error}）；应为UTF-8编码的JSON对象，NaN不是数字。",
)
UNKNOWN_FIELD = Kind(
    "Extra inputs are not permitted",
    "no field has this name; see GET {schema}",
    "没有叫这个名字的项；可用的项见 GET {schema}。",
)
MISSPELT_FIELD = Kind("Extra inputs are not permitted", "did you mean {near}?", "没有叫这个名字的项；是不是 {near}？")
TOO_MANY = Kind("{count} {what}", "at most {most}; see GET {schema}", "有 {count:,} {what}；最多 {most:,} {what}。")
CREATIVES, TAGS = Words("条素材", "creatives"), Words("个标签", "tags")

BUDGET_OR_TOP = Kind(
    "either a budget or a number is needed",
    "give budget_cny or top, not both",
    "预算（budget_cny）和条数（top）要给其中一个，不能都给。",
)
NO_COST = Kind(
    "missing beside budget_cny",
    "say what trying one candidate costs",
    "给了预算（budget_cny）就要写试投一条要花多少钱（spend_cny）。",
)
NAMED_TWICE = Kind(
    "named twice",
    "name each creative of a promotion type and account once",
    "重复出现；同一推广方式、同一账户的素材只写一次。",
)
UNKNOWN_TAG = Kind("the model knows no tag of this name", "known: {known}", "模型没有这个标签；模型的标签：{known}。")
MISSPELT_TAG = Kind("the model knows no tag of this name", "did you mean {near}?", "模型没有这个标签；是不是“{near}”？")
ONE_VALUE = Kind("several values of a tag that takes one", "give one text", "这个标签只能有一个取值。处理：只留一个。")
JOINED_VALUES = Kind(
    "a value holds “{separator}”", "give several values as a list", "取值里有“{separator}”。处理：几个取值写成列表。"
)
SUMS_AND_ROWS = Kind(
    "given beside metrics",
    "give rows (`metrics`) or sums with their age (`sums`), not both",
    "分时段的数据（metrics）和累计的数据（sums）只能给一种。",
)
SUMS_WITHOUT_LAUNCH = Kind(
    "missing beside sums", "say when the creative was launched", "有累计的数据（sums），就要写明什么时候开始投放。"
)
ENDS_BEFORE = Kind("is not after period_start", "a period ends after it starts", "结束时间要晚于开始时间。")
OVERLAPS = Kind(
    "overlaps another period",
    "it begins before metrics[{before}] ends; give each moment once",
    "与另一段时间重叠：metrics[{before}] 还没结束，这一段就开始了。处理：每个时刻只算一次。",
)
LAUNCHED_LATE = Kind(
    "is after the first period with delivery",
    "say when it was first delivered",
    "晚于第一段有投放的数据。处理：填首次投放的时间。",
)
LARGE_SUM = Kind(
    "{total:.10g} {what} in all", "less than {most:g}; check {what}", "{what}合计 {total:,.10g}；要小于 {most:,.10g}。"
)
WITHOUT = Kind("{what} without any {base}", "check {base}", "有{what}，{base}却是 0。处理：核对{base}。")
MORE_THAN_WHOLE = Kind("more {what} than {whole}", "check {whole}", "{what}大于{whole}。处理：核对{whole}。")
OUT_OF_REASON = Kind(
    "{total:.10g} {what} and {base_total:.10g} {base}",
    "at most {factor:g} times {base} and {more:g}; check both",
    "{what} {total:,.10g}，而{base}只有 {base_total:,.10g}；"
    "最多是{base}的 {factor:,.10g} 倍再加 {more:,.10g}。处理：两个数都核对。",
)
LARGE_VALUE = Kind(
    "{orders:.10g} orders at a price of {price:.10g}",
    "check orders and price_cny",
    "{orders:,.10g} 单、每单 {price:,.10g} 元，金额大得不像真的。处理：核对成交订单数和价格。",
)

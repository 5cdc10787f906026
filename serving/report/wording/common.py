"""What several sections say: factors, intervals, counts, names of tags and columns."""

from collections.abc import Sequence
from functools import cache

from configs.export_layout import ExportLayout, read_layout
from configs.settings import CONFIG_DIR
from features.attributes import ATTRIBUTE_OF, TAG_LABELS, promotion_type_label
from features.bilingual import Words
from features.matrix.catalogue import entity_label
from features.targets import TARGETS
from serving.report.contribution_groups import group_label

METRIC_COLUMNS = {
    "hold": Words("视频播放数、3秒播放数", "plays and 3-s plays (视频播放数, 3秒播放率)"),
    "click": Words("整体点击次数", "clicks (整体点击次数)"),
    "order": Words("整体成交订单数", "orders (整体成交订单数)"),
    "value": Words("整体成交订单数、整体成交金额", "orders and gmv (整体成交订单数, 整体成交金额)"),
    "repeat_orders": Words("老客订单数 / 复购订单数", "repeat orders (老客订单数)"),
}
"""Stage, or column that no source has → what to add to the export."""


GRADES = {
    "certain": Words("确定", "certain"),
    "likely": Words("可能", "likely"),
    "unclear": Words("分不出", "cannot tell"),
}
"""How sure the direction of an effect is (`serving.report.effects.grade`)."""


def target(name: str) -> Words:
    """Label of a target."""
    return TARGETS[name].label if name in TARGETS else Words(name, name)


def promotion_type(name: str) -> Words:
    """Label of a promotion type."""
    return promotion_type_label(name)


BASES = {
    "payment": Words("成交口径：支付（未扣退款）", "gmv: paid, refunds not taken off"),
    "net_1h": Words("成交口径：净成交（1小时退款后）", "gmv: net of refunds within 1 hour"),
    "settled_7d": Words("成交口径：7天结算", "gmv: settled after 7 days"),
    "settled_14d": Words("成交口径：14天结算", "gmv: settled after 14 days"),
    "settled_30d": Words("成交口径：30天结算", "gmv: settled after 30 days"),
    "settled_90d": Words("成交口径：90天结算", "gmv: settled after 90 days"),
    "comprehensive": Words("成交口径：综合成交", "gmv: comprehensive"),
}
"""Setting `basis` → what money means."""


def basis(name: str) -> Words:
    """What money means in these data."""
    return BASES[name]


def group(name: str) -> Words:
    """Label of a feature group."""
    return group_label(name)


def tag(name: str) -> Words:
    """Label of a tag, or of an attribute on a card; numbers with their unit."""
    if name not in ATTRIBUTE_OF:
        return Words(*entity_label(name))
    return ATTRIBUTE_OF[name].full_label


def columns(names: Sequence[str]) -> Words:
    """Columns of exports or of the tag sheet that would answer a question."""
    named = [METRIC_COLUMNS.get(name) or _sheet_column(name) for name in names]
    zh, en = ([part for words in named for part in words[place].split(cut)] for place, cut in enumerate(("、", ", ")))
    return Words("、".join(dict.fromkeys(zh)), ", ".join(dict.fromkeys(en)))


def _sheet_column(name: str) -> Words:
    """Header of an attribute or a tag in the tag sheet, with what it means."""
    header = _tag_sheet().columns[name].headers[0]
    label = ATTRIBUTE_OF[name].label if name in ATTRIBUTE_OF else TAG_LABELS[name]
    return Words(f"标签表的“{header}”", f"{header} ({label.en}) in the tag sheet")


@cache
def _tag_sheet() -> ExportLayout:
    return read_layout(CONFIG_DIR / "sources" / "tag_sheet.yaml")


def to_add(names: Sequence[str]) -> Words:
    """Which columns are missing, and where to add them."""
    named = columns(names)
    return Words(f"现有数据回答不了；请在导出或标签表中加上：{named.zh}。", f"These data cannot tell. Add: {named.en}.")


def left_out(names: Sequence[str]) -> Words:
    """Which tags a direction is told without, and where to add them."""
    named = columns(names)
    return Words(
        f"数据里没有{named.zh}：以下只按其余标签回答；加上以后会一并算进来。",
        f"These data do not have {named.en}: what follows is told by the other tags. It counts once it is added.",
    )


def count(number: int) -> Words:
    """A number of creatives."""
    return Words(f"{number:,} 条素材", f"{number:,} creatives")

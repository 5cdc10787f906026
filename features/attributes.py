"""Every attribute of a creative, declared once: type, unit, bounds, labels, report group, and the feature made of it.

To add one, add an entry here and its headers in `configs/sources/tag_sheet.yaml`. The schema, the store, the feature
matrix, the slopes of the funnel model, the request contract, the form of the page, the report's groups, the variations
that the report proposes and the table of columns in docs/data.md follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from features.bilingual import Words

AttributeType = Literal["text", "number", "time"]
NO_UNIT = Words("", "")


@dataclass(frozen=True)
class Attribute:
    """One attribute of a creative.

    Attributes:
        name: Column of the creatives frame, key of requests.
        type: `text` (str), `number` (float64, not negative) or `time` (datetime64[us], naive).
        label: What strategists read.
        unit: Of a number, as people read it in both languages; empty for a ratio or a count.
        bounds: Of a request's value, as pydantic's `Field` takes them.
        requested: Whether requests may name it; one that is only known after delivery, or only displayed, may not.
        grouping: Whether creatives of the same value share a history (an entity of `features.point_in_time`).
        coded: Whether the values of a text are codes in the feature matrix.
        feature: Name of the feature made of a number; empty: `log_<name>`.
        log: Whether that feature is the logarithm; the funnel model's slope always is one.
        squared: Whether the funnel model also has the square of the slope.
        group: Group of the report that contributions of this attribute count in; empty: a group of its own.
    """

    name: str
    type: AttributeType
    label: Words
    unit: Words = NO_UNIT
    bounds: Mapping[str, float] = field(default_factory=dict)
    requested: bool = True
    grouping: bool = False
    coded: bool = False
    feature: str = ""
    log: bool = True
    squared: bool = False
    group: str = ""

    @property
    def feature_name(self) -> str:
        """Column of the feature matrix made of a number."""
        return self.feature or f"log_{self.name}"

    @property
    def slope_name(self) -> str:
        """Slope of the funnel model: effect of the logarithm of a number."""
        return self.feature_name if self.log else f"log_{self.feature_name}"

    @property
    def square_name(self) -> str:
        """The square of that slope."""
        return f"{self.slope_name}²"

    @property
    def report_group(self) -> str:
        """Group of the report that contributions of this attribute count in."""
        return self.group or self.name

    @property
    def full_label(self) -> Words:
        """The label with the unit."""
        if self.unit == NO_UNIT:
            return self.label
        return Words(f"{self.label.zh}（{self.unit.zh}）", f"{self.label.en} ({self.unit.en})")


CREATIVE_ATTRIBUTES = (
    Attribute("created_at", "time", Words("素材创建时间", "upload"), group="launch"),
    Attribute("launched_at", "time", Words("投放时间", "launch"), group="launch"),
    Attribute(
        "price_cny",
        "number",
        Words("价格", "price"),
        unit=Words("元", "CNY"),
        bounds={"ge": 0.01, "lt": 1e7},
        feature="log_price",
        squared=True,
        group="price",
    ),
    Attribute(
        "duration_s",
        "number",
        Words("时长", "duration"),
        unit=Words("秒", "s"),
        bounds={"ge": 0.1, "le": 36_000},
        feature="log_duration",
        squared=True,
        group="duration",
    ),
    Attribute(
        "roi_target",
        "number",
        Words("目标ROI", "ROI target"),
        bounds={"ge": 0.01, "le": 1000},
        feature="roi_target",
        log=False,
    ),
    Attribute(
        "creator_followers",
        "number",
        Words("达人粉丝数", "KOC's followers"),
        bounds={"ge": 0, "lt": 1e9, "multiple_of": 1},
        feature="log_followers",
        group="creator_id",
    ),
    Attribute("creative_name", "text", Words("素材名称", "name"), requested=False),
    Attribute("product_name", "text", Words("商品名称", "product name"), requested=False),
    Attribute("creator_name", "text", Words("达人名称", "KOC name"), requested=False),
    Attribute("cover_url", "text", Words("封面", "cover"), requested=False),
    Attribute("video_url", "text", Words("视频链接", "video link"), requested=False),
    Attribute("platform_label", "text", Words("素材评估", "platform's label"), requested=False),
    Attribute("platform_status", "text", Words("投放状态", "platform's status"), requested=False),
    Attribute("product_id", "text", Words("商品", "product"), bounds={"max_length": 128}, grouping=True),
    Attribute("creator_id", "text", Words("达人", "KOC"), bounds={"max_length": 128}, grouping=True),
    Attribute("category", "text", Words("类目", "category"), bounds={"max_length": 100}, grouping=True, coded=True),
    Attribute(
        "creative_source", "text", Words("素材来源", "source of the creative"), bounds={"max_length": 100}, coded=True
    ),
    Attribute("copy_text", "text", Words("文案", "copy text"), bounds={"max_length": 2000}),
)
"""In the order of columns."""
OUTCOMES = ("platform_label", "platform_status")
"""What the platform says of a creative after delivery: stored and shown, never an input."""
KEY_LABELS = {
    "promotion_type": Words("推广方式", "promotion type"),
    "account_id": Words("账户", "account"),
    "creative_id": Words("素材", "creative"),
}
PROMOTION_TYPES = {"live": Words("推直播", "live"), "product": Words("推商品", "product")}


def promotion_type_label(name: str) -> Words:
    """Return what people call a promotion type; one that is not known is called as it is."""
    return PROMOTION_TYPES.get(name, Words(name, name))


TAG_LABELS = {
    "hook": Words("开头", "hook"),
    "scene": Words("场景", "scene"),
    "face": Words("人物", "face"),
    "script": Words("脚本", "script"),
    "style": Words("形式", "style"),
    "viewpoint": Words("视角", "viewpoint"),
    "selling_point": Words("卖点", "selling point"),
    "audience": Words("人群", "audience"),
    "bgm": Words("音乐", "music"),
}
"""The common tags; a team adds its own, which are called by their own names."""
NAMED_BY = {"product_id": "product_name", "creator_id": "creator_name"}
"""Id → the name that people read in its place. A file that has names and no ids identifies by the names."""
ATTRIBUTE_OF = {attribute.name: attribute for attribute in CREATIVE_ATTRIBUTES}
NUMBER_ATTRIBUTES = tuple(attribute for attribute in CREATIVE_ATTRIBUTES if attribute.type == "number")
"""In the order of their features."""


def names_of(of_type: AttributeType, *, requested: bool | None = None) -> list[str]:
    """Names of the attributes of a type; `requested`: only those that a request may (or may not) contain."""
    return [a.name for a in CREATIVE_ATTRIBUTES if a.type == of_type and requested in (None, a.requested)]

"""Every feature, declared once: its name is the column, the SHAP key, the response key and the test id."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from features.attributes import ATTRIBUTE_OF, CREATIVE_ATTRIBUTES, KEY_LABELS, NUMBER_ATTRIBUTES, TAG_LABELS
from features.bilingual import Words
from features.funnel import Funnel
from features.stages import VOLUME, VOLUME_LABEL

Group = Literal["creative", "early", "pacing", "paid", "history", "siblings", "funnel"]


@dataclass(frozen=True)
class Feature:
    """One column that a model may use.

    Attributes:
        name: Of the column.
        zh: What strategists read.
        en: The same in English.
        unit: `hours`, `log hours`, `log ratio` (0 = as expected), `share`, `code`, `0/1` …
        group: What kind of knowledge it is.
        categorical: The values are codes of a map kept with the model.
    """

    name: str
    zh: str
    en: str
    unit: str
    group: Group
    categorical: bool = False


class Catalogue(list[Feature]):
    """Features in the order of their columns; it is not changed once it is made."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(feature.name for feature in self)

    @cached_property
    def steady(self) -> tuple[int, ...]:
        """Places of those that mean the same under every fit: codes of words and parts of texts are numbered anew."""
        return tuple(p for p, feature in enumerate(self) if not feature.categorical and feature.unit != "score")


def _attribute_features() -> Iterator[Feature]:
    """The features made of the numbers of a creative, in the order of `features.attributes`."""
    for attribute in NUMBER_ATTRIBUTES:
        unit = attribute.unit.en.lower() or ("count" if attribute.log else "ratio")
        unit = f"log {unit}" if attribute.log else unit
        yield Feature(attribute.feature_name, *attribute.label, unit, "creative")
        if attribute.name == "price_cny":
            yield Feature("price_band", "价格带", "price band", "band 0–6", "creative")


NUMBERS = [
    *_attribute_features(),
    Feature("creation_delay", "上传到投放的间隔", "upload to launch", "log hours", "creative"),
    Feature("launch_hour", "首投小时", "hour of launch", "hour 0–23", "creative"),
    Feature("launch_weekday", "首投星期", "weekday of launch", "day 0–6", "creative"),
    Feature("rate_5s", "5秒播放率", "5-s plays per play", "share", "early"),
    Feature("rate_10s", "10秒播放率", "10-s plays per play", "share", "early"),
    Feature("rate_finish", "完播率", "finishes per play", "share", "early"),
    Feature("watched_share", "平均观看占时长", "share of the video watched", "share", "early"),
    Feature("age", "投放时长", "time since launch", "log hours", "pacing"),
    Feature("log_impressions", "累计展示", "impressions so far", "log count", "pacing"),
    Feature("log_last_day", "近一天展示", "impressions of the last day", "log count", "pacing"),
    Feature("last_day_share", "近一天占累计", "last day against life so far", "share", "pacing"),
    Feature("late_half_share", "后半程占累计", "younger half of life against all", "share", "pacing"),
    Feature("log_spend", "累计消耗", "spend so far", "log cny", "paid"),
    Feature("boost_share", "追投占消耗", "boosted share of spend", "share", "paid"),
    Feature("live_siblings", "同账户在投素材", "live creatives of the account", "log count", "siblings"),
    Feature("recent_launches", "同账户新投素材", "recent launches of the account", "log count", "siblings"),
    Feature(
        "tag_overlap_share",
        "与近期素材的标签重合",
        "tags in common with recent creatives",
        "share",
        "siblings",
    ),
]
"""Features whose names do not depend on the data; those whose columns are absent are left out."""

PLAIN_CODES = {
    "promotion_type": KEY_LABELS["promotion_type"],
    **{attribute.name: attribute.label for attribute in CREATIVE_ATTRIBUTES if attribute.coded},
}

TAG_NAMES = {
    **TAG_LABELS,
    "account_id": KEY_LABELS["account_id"],
    **{attribute.name: attribute.label for attribute in CREATIVE_ATTRIBUTES if attribute.grouping},
    "market": Words("大盘", "market"),
}


def entity_label(name: str) -> tuple[str, str]:
    """What an entity is called, in Chinese and in English; a team's own tag by its own name."""
    labels = [TAG_NAMES.get(part, (part, part)) for part in name.split("*")]
    return " × ".join(zh for zh, _ in labels), " × ".join(en for _, en in labels)


def column_label(column: str) -> tuple[str, str]:
    """What a column of a creative is called, in Chinese and in English; tags begin with `tag_`."""
    attribute = ATTRIBUTE_OF.get(column)
    return attribute.label if attribute else PLAIN_CODES.get(column) or entity_label(column.removeprefix("tag_"))


def catalogue(
    funnel: Funnel,
    present: Sequence[str],
    codes: Sequence[str],
    multi: Sequence[tuple[str, str]],
    text: Sequence[Sequence[str]],
    shared: Sequence[str],
) -> Catalogue:
    """Every feature of a model on this data, in the order of its columns.

    Args:
        funnel: The funnel.
        present: Names out of NUMBERS that the data allow.
        codes: Categorical columns: promotion_type, category, creative_source, tag_…
        multi: Multi-valued tags: (column, value).
        text: Of each component of the copy text: words that it stands for, if they are known.
        shared: Names of the entities with a history, the market left out.
    """
    found = Catalogue(_code(name) for name in codes)
    for column, value in multi:
        zh, en = entity_label(column.removeprefix("tag_"))
        found.append(Feature(f"{column}={value}", f"{zh}：{value}", f"{en}: {value}", "0/1", "creative"))
    found += [feature for feature in NUMBERS if feature.name in present]
    for part, terms in enumerate(text, 1):
        zh = f"（{'、'.join(terms)}）" if terms else ""
        en = f" ({', '.join(terms)})" if terms else ""
        label = Words(f"文案成分{part}{zh}", f"copy text, part {part}{en}")
        found.append(Feature(f"text_{part}", *label, "score", "creative"))
    for stage in funnel.stages:
        zh, en = stage.label.zh, stage.name
        found += [
            Feature(f"own_{stage.name}", f"自身早期{zh}", f"own early {en}", "log ratio", "early"),
            Feature(f"own_events_{stage.name}", f"自身{zh}证据量", f"evidence on own {en}", "log count", "early"),
            Feature(f"base_{stage.name}", f"{zh}基线", f"baseline of {en}", "log ratio", "history"),
            Feature(f"bayes_{stage.name}", f"{zh}经验贝叶斯", f"empirical-Bayes {en}", "log rate", "funnel"),
            Feature(f"prior_{stage.name}", f"{zh}先验", f"prior {en}", "log rate", "funnel"),
            Feature(f"rate_{stage.name}", f"{zh}后验", f"posterior {en}", "log rate", "funnel"),
            Feature(f"variance_{stage.name}", f"{zh}后验方差", f"posterior variance of {en}", "variance", "funnel"),
        ]
    for head in funnel.heads:
        found += [
            Feature(f"funnel_{head.name}", f"漏斗{head.label.zh}", f"funnel: {head.label.en}", "log rate", "funnel"),
            Feature(
                f"funnel_less_bayes_{head.name}",
                f"漏斗与经验贝叶斯之差：{head.label.zh}",
                f"funnel less empirical Bayes: {head.label.en}",
                "log ratio",
                "funnel",
            ),
        ]
    for name in shared:
        zh, en = entity_label(name)
        for stage in funnel.stages:
            found.append(
                Feature(
                    f"hist_{name}_{stage.name}",
                    f"{zh}的历史{stage.label.zh}",
                    f"past {stage.name} of this {en}",
                    "log ratio",
                    "history",
                )
            )
        found += [
            Feature(
                f"hist_{name}_{VOLUME}",
                f"{zh}的历史{VOLUME_LABEL.zh}",
                f"past {VOLUME_LABEL.en} a creative of this {en}",
                "log count",
                "history",
            ),
            Feature(
                f"launched_{name}",
                f"{zh}已投素材数",
                f"creatives launched of this {en}",
                "log count",
                "history",
            ),
        ]
    return found


def _code(column: str) -> Feature:
    zh, en = column_label(column)
    return Feature(column, zh, en, "code", "creative", categorical=True)

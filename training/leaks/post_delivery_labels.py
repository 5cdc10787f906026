"""Check 6: inputs that were written after delivery: platform labels, team verdicts, headers that name an outcome."""

from collections.abc import Sequence

import pandas as pd

from configs.settings import Settings
from features.attributes import OUTCOMES
from features.point_in_time.entity_history import TAG, Entity
from features.readers.header_names import normalise_header
from features.readers.layouts import load_layouts
from features.schema import MULTI
from training.data.dataset import Dataset
from training.leaks.findings import NOTHING, Finding, listed

NAME = "labels written after delivery"

PLATFORM_LABELS = ("首发", "优质", "低质", "低效", "同质化", "搬运", "可提升")
"""The platform's quality labels (素材评估)."""

TEAM_VERDICTS = (
    "爆款",
    "爆量",
    "跑量",
    "起量",
    "放量",
    "未起量",
    "不起量",
    "衰退",
    "跑废",
    "高转化",
    "低转化",
    "高消耗",
)
"""What teams call creatives after delivery."""

OUTCOME_HEADERS = (
    "收入",
    "营收",
    "利润",
    "支付",
    "下单",
    "战绩",
    "数据表现",
    "投放效果",
    "roas",
    "revenue",
    "sales",
    "spend",
    "profit",
)
"""Parts of headers that name an outcome, in addition to `never_tags` of the source configs."""

DOUBTFUL_HEADERS = (
    "评级",
    "评分",
    "等级",
    "表现",
    "效果",
    "得分",
    "状态",
    "score",
    "rating",
    "grade",
    "result",
    "status",
)
"""Parts of headers that may name an outcome or not: 达人等级 is known before delivery."""

FAIL_SHARE = 0.5
"""Share of verdicts among a column's values from which it fails; fewer are to be reviewed."""
MIN_KNOWN = 50
MAX_VALUES = 20
SAME_SHARE = 0.95
"""Share of creatives whose platform label follows from a column, from which the column is a copy of it."""


def check_labels(dataset: Dataset) -> Finding:
    """Check 6: the platform's label as an input, also recoded; columns with such values; headers with an outcome."""
    creatives = dataset.loaded.creatives
    fails = [f"{name} uses {' or '.join(OUTCOMES)}" for name in label_inputs(dataset.entities)]
    fails += [f"{name.removeprefix(TAG)} is a copy of the platform's label" for name in recoded_labels(creatives)]
    reviews: list[str] = []
    for column in text_inputs(creatives):
        share, values = share_of_verdicts(creatives[column])
        text = f"{column.removeprefix(TAG)} holds {', '.join(values)} ({share:.0%} of its values)"
        if share >= FAIL_SHARE:
            fails.append(text)
        elif share > 0:
            reviews.append(text)
    for column in [name for name in map(str, creatives) if name.startswith(TAG)]:
        header = column.removeprefix(TAG)
        if part := part_in(header, outcome_headers(dataset.settings)):
            fails.append(f"the header {header} names an outcome ({part})")
        elif part := part_in(header, DOUBTFUL_HEADERS):
            reviews.append(f"the header {header} may name an outcome ({part})")
    if fails:
        cure = "Take these columns out of the sheet, or name them under never_tags or ignore in a source config."
        return Finding(NAME, "FAIL", listed(fails + reviews), cure)
    if reviews:
        cure = "Ask who fills these in and when: keep them only if they are written before the creative runs."
        return Finding(NAME, "REVIEW", listed(reviews), cure)
    count = len(text_inputs(creatives))
    return Finding(NAME, "PASS", f"{count} text columns: no verdict, and no header that names an outcome", NOTHING)


def label_inputs(entities: Sequence[Entity]) -> list[str]:
    """Return the model's entities that use what the platform says after delivery."""
    return [entity.name for entity in entities if {*OUTCOMES} & {*entity.columns}]


def recoded_labels(creatives: pd.DataFrame) -> list[str]:
    """Return the columns of few values from which the platform's label nearly always follows."""
    found = []
    for column in text_inputs(creatives) if "platform_label" in creatives else []:
        known = creatives[["platform_label", column]].dropna()
        if len(known) < MIN_KNOWN or known[column].nunique() > MAX_VALUES:
            continue
        pairs = pd.crosstab(known[column], known["platform_label"])
        most_common = pairs.sum().max() / len(known)
        follows = pairs.max(axis=1).sum() / len(known)
        if follows >= SAME_SHARE > most_common and follows - most_common >= (1 - most_common) * FAIL_SHARE:
            found.append(column)
    return found


def text_inputs(creatives: pd.DataFrame) -> list[str]:
    """Return the text columns whose values are features."""
    return [name for name in map(str, creatives) if name.startswith(TAG) or name in ("category", "creative_source")]


def share_of_verdicts(values: pd.Series) -> tuple[float, list[str]]:
    """Return the share of known values that contain a verdict, and which verdicts."""
    parts = values.dropna().str.split(MULTI, regex=False).explode()
    bare = parts.str.removesuffix("素材").str.strip()
    hits = bare.isin([*PLATFORM_LABELS, *TEAM_VERDICTS])
    if not hits.any():
        return 0.0, []
    return float(hits.groupby(level=0).any().mean()), sorted(parts[hits].unique())


def outcome_headers(settings: Settings) -> list[str]:
    """Return parts of headers that name an outcome: `never_tags` of every layout, and OUTCOME_HEADERS."""
    named = [part for layout in load_layouts(settings) for part in layout.never_tags]
    return list(dict.fromkeys([*named, *OUTCOME_HEADERS]))


def part_in(header: str, parts: Sequence[str]) -> str:
    """Return the first of these parts that a header contains; empty for none."""
    return next((part for part in parts if normalise_header(part) in normalise_header(header)), "")

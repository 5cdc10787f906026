"""Do words given after delivery, by the platform or the team, stand among the inputs?"""

from collections.abc import Sequence

import pandas as pd

from configs.settings import Settings
from features.point_in_time.entity_history import TAG, Entity
from features.readers.layouts import load_layouts, normalise_header
from features.schema import MULTI
from training.data.dataset import Dataset
from training.leaks.findings import NOTHING, Finding, listed

NAME = "words given after delivery"

LABELS = ("首发", "优质", "低质", "低效", "同质化", "搬运", "可提升")
"""The platform's verdicts (素材评估)."""

VERDICTS = ("爆款", "爆量", "跑量", "起量", "放量", "未起量", "不起量", "衰退", "跑废", "高转化", "低转化", "高消耗")
"""What teams call creatives once they have run."""

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
"""Parts of headers that tell an outcome, beside those that source configs name under `never_tags`."""

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
"""Parts of headers that may tell one, and may not: 达人等级 is known before a creative runs."""

MOSTLY = 0.5
LEAST_KNOWN = 50
MOST_VALUES = 20
SAME = 0.95


def words_after_delivery(dataset: Dataset) -> Finding:
    """Check 6: the platform's label as an input; columns of such words; headers that tell an outcome."""
    creatives = dataset.loaded.creatives
    fails = [f"{name} is made of platform_label" for name in label_inputs(dataset.entities)]
    fails += [
        f"{name.removeprefix(TAG)} says the same as the platform's label" for name in label_in_disguise(creatives)
    ]
    reviews: list[str] = []
    for column in texts_that_are_inputs(creatives):
        share, words = share_of_verdicts(creatives[column])
        said = f"{column.removeprefix(TAG)} holds {', '.join(words)} ({share:.0%} of its values)"
        if share >= MOSTLY:
            fails.append(said)
        elif share > 0:
            reviews.append(said)
    for column in [name for name in creatives if name.startswith(TAG)]:
        header = column.removeprefix(TAG)
        if told := part_in(header, outcome_headers(dataset.settings)):
            fails.append(f"the header {header} tells an outcome ({told})")
        elif told := part_in(header, DOUBTFUL_HEADERS):
            reviews.append(f"the header {header} may tell an outcome ({told})")
    if fails:
        cure = "Take these columns out of the sheet, or name them under never_tags or ignore in a source config."
        return Finding(NAME, "FAIL", listed(fails + reviews), cure)
    if reviews:
        cure = "Ask who fills these in and when: keep them only if they are written before the creative runs."
        return Finding(NAME, "REVIEW", listed(reviews), cure)
    count = len(texts_that_are_inputs(creatives))
    return Finding(NAME, "PASS", f"{count} columns of words: no verdict, and no header that tells an outcome", NOTHING)


def label_inputs(entities: Sequence[Entity]) -> list[str]:
    """Entities of the model that stand on the platform's label."""
    return [entity.name for entity in entities if "platform_label" in entity.columns]


def label_in_disguise(creatives: pd.DataFrame) -> list[str]:
    """Columns of few values from nearly each of which the platform's label follows: the label in other words."""
    found = []
    for column in texts_that_are_inputs(creatives) if "platform_label" in creatives else []:
        known = creatives[["platform_label", column]].dropna()
        if len(known) < LEAST_KNOWN or known[column].nunique() > MOST_VALUES:
            continue
        pairs = pd.crosstab(known[column], known["platform_label"])
        guessed = pairs.sum().max() / len(known)  # by someone who always says the commonest
        follows = pairs.max(axis=1).sum() / len(known)
        if follows >= SAME and follows - guessed >= (1 - guessed) * MOSTLY and guessed < SAME:
            found.append(column)
    return found


def texts_that_are_inputs(creatives: pd.DataFrame) -> list[str]:
    """Columns of words that a model takes as they are."""
    return [name for name in creatives if name.startswith(TAG) or name in ("category", "creative_source")]


def share_of_verdicts(values: pd.Series) -> tuple[float, list[str]]:
    """How many known values are, or hold, a verdict; and which verdicts."""
    words = values.dropna().str.split(MULTI, regex=False).explode()
    bare = words.str.removesuffix("素材").str.strip()
    hits = bare.isin([*LABELS, *VERDICTS])
    if not hits.any():
        return 0.0, []
    return float(hits.groupby(level=0).any().mean()), sorted(words[hits].unique())


def outcome_headers(settings: Settings) -> list[str]:
    """Parts of headers that tell an outcome: of every source config that is read, and ours."""
    named = [word for source in load_layouts(settings) for word in source.never_tags]
    return list(dict.fromkeys([*named, *OUTCOME_HEADERS]))


def part_in(header: str, parts: Sequence[str]) -> str:
    """The first of these parts that a header holds; empty for none."""
    return next((part for part in parts if normalise_header(part) in normalise_header(header)), "")

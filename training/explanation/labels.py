"""Labels of contributions in Chinese and English: features have those of the catalogue, effects those given here."""

from functools import lru_cache

from features.attributes import NUMBER_ATTRIBUTES
from features.bilingual import Words
from features.matrix.catalogue import NUMBERS, PLAIN_CODES, entity_label

SLOPES = {
    **{a.slope_name: a.label for a in NUMBER_ATTRIBUTES},
    **{a.square_name: Words(f"{a.label.zh}（平方）", f"{a.label.en}, squared") for a in NUMBER_ATTRIBUTES if a.squared},
    "hour_sin": Words("首投时刻", "time of launch, sine"),
    "hour_cos": Words("首投时刻（余弦）", "time of launch, cosine"),
}
"""Labels of the slopes of the funnel model."""
VOLUME_TERMS = {
    "pace_life": Words("投放以来的节奏", "pace since launch"),
    "pace_last_day": Words("近一天的节奏", "pace of the last day"),
    "pace_late_half": Words("后半程的节奏", "pace of the younger half of life"),
    "calibration": Words("后续量校准", "calibration of later volume"),
}
"""Labels of the terms of later volume (`training.boosting.volume.VolumeHead.offset_terms`)."""
EFFECT_LABELS = (
    {feature.name: Words(feature.zh, feature.en) for feature in NUMBERS} | PLAIN_CODES | SLOPES | VOLUME_TERMS
)
OWN_EVIDENCE = Words("自身早期数据", "own early counts")
CLIPPED = Words("限幅", "held within limits")


@lru_cache(maxsize=4096)
def effect_label(name: str) -> Words:
    """Label of an effect (of the funnel model, of empirical Bayes, of later volume); a team's own tag has its name."""
    return EFFECT_LABELS[name] if name in EFFECT_LABELS else Words(*entity_label(name))

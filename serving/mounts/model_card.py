"""The answer of `GET /v1/model`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from configs.settings import BASES
from features.attributes import CREATIVE_ATTRIBUTES
from features.stages import VOLUME, VOLUME_LABEL
from features.targets import TARGETS
from serving.api.responses import (
    AttributeCard,
    FeatureCard,
    HitCard,
    LimitsCard,
    ModelAnswer,
    SourceCard,
    StageCard,
    TagCard,
    TargetCard,
)
from serving.settings import Limits

if TYPE_CHECKING:
    from serving.inference.loaded_model import LoadedModel, ModelSource


def model_answer(loaded: LoadedModel, source: ModelSource, limits: Limits, *, report: bool) -> ModelAnswer:
    """The answer of `GET /v1/model`.

    Args:
        loaded: The model.
        source: Where it comes from.
        limits: Of the service.
        report: Whether there is a report.
    """
    manifest, fitted = loaded.manifest, loaded.model.fitted
    stages = [StageCard(name=s.name, zh=s.label.zh, en=s.label.en, unit=s.unit) for s in fitted.funnel.stages]
    hit = loaded.hit_words
    volume = StageCard(name=VOLUME, zh=VOLUME_LABEL.zh, en=VOLUME_LABEL.en, unit=fitted.funnel.volume_of)
    return ModelAnswer.model_validate(
        {
            **loaded.identity,
            "created_at": manifest.created_at,
            "data_fingerprint": manifest.data_fingerprint,
            "feature_fingerprint": manifest.feature_fingerprint,
            "net_money": BASES[manifest.settings.basis][0],
            "time_zone": manifest.settings.time_zone,
            "ages_hours": manifest.settings.ages_hours,
            "promotion_types": sorted(loaded.promotion_types),
            "targets": fitted.funnel.targets,
            "target_labels": [
                TargetCard(name=t.name, zh=t.label.zh, en=t.label.en, unit=t.unit, rate=not t.is_volume)
                for t in (TARGETS[name] for name in fitted.funnel.targets)
            ],
            "not_predicted": fitted.funnel.missing,
            "stages": [*stages, volume],
            "hit": HitCard(zh=hit.zh, en=hit.en) if hit else None,
            "figures": loaded.metric_columns,
            "ranges": loaded.ranges,
            "tags": {
                name: TagCard(several=name in loaded.vocabulary.multi, values=list(values))
                for name, values in loaded.tags.items()
            },
            "attributes": [
                AttributeCard(name=a.name, type=a.type, zh=a.full_label.zh, en=a.full_label.en)
                for a in CREATIVE_ATTRIBUTES
                if a.requested
            ],
            "features": [
                FeatureCard(name=f.name, zh=f.zh, en=f.en, unit=f.unit, group=f.group) for f in loaded.catalogue
            ],
            "creatives_known": loaded.as_of.creatives,
            "evaluation": manifest.summary,
            "limits": LimitsCard(body_bytes=limits.body_bytes, creatives=limits.creatives),
            "report": report,
            "source": SourceCard(following=source.following, confirmed=source.confirmed, note=source.note),
        }
    )

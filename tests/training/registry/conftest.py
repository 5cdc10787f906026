"""What bundles of champions say of themselves."""

from datetime import UTC, datetime

import pytest

from training.registry.bundle import Manifest


@pytest.fixture(scope="module")
def manifest(quick, cut):
    """What the champion's bundle says of itself."""

    def make(**settings: object) -> Manifest:
        return Manifest(
            format=1,
            version="0",
            created_at=datetime.now(UTC).isoformat(),
            data_fingerprint="",
            data_until="",
            trained_until=settings.pop("trained_until", cut[2]).isoformat(),
            feature_fingerprint="",
            settings=quick.model_copy(update=settings),
            summary={},
            choices={},
            files={},
        )

    return make

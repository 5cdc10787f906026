"""The text of an explanation is JSON, whatever its names hold."""

import json
from math import exp

import numpy as np
import orjson
import pytest

from features.matrix.catalogue import Feature
from features.matrix.encoders import Encoder
from serving.inference.explain import FeatureTexts, _Listed


@pytest.fixture
def texts() -> FeatureTexts:
    encoder = Encoder(
        codes={"tag_hook": ('say "no", or; [yes]', "悬念")}, multi={}, seen={}, ngrams=(1, 2), buckets=8, components=()
    )
    hook = Feature("tag_hook", "钩子", "hook", "code", "creative", categorical=True)
    return FeatureTexts.of([hook, Feature('odd"name', "价", "price", "log cny", "creative")], encoder)


def entries(texts: FeatureTexts, values: list[float], logs: list[float], top: int | None = None) -> list[dict]:
    listed = _Listed.of([np.array([logs])], top)
    return json.loads(b"".join(listed.entries(texts.with_values(np.array(values), range(len(values))))))


def test_entries_are_the_largest_first_without_those_that_are_0(texts) -> None:
    assert entries(texts, [0.0, 2.5], [0.0, 0.0]) == []
    found = entries(texts, [0.0, 2.5], [-0.25, 0.5])
    assert found == [
        {"name": 'odd"name', "zh": "价", "en": "price", "value": 2.5, "log": 0.5, "factor": exp(0.5)},
        {
            "name": "tag_hook",
            "zh": "钩子",
            "en": "hook",
            "value": 'say "no", or; [yes]',
            "log": -0.25,
            "factor": exp(-0.25),
        },
    ]
    assert entries(texts, [1.0, 2.5], [-0.25, 0.5], top=1) == found[:1]


def test_a_missing_value_is_null(texts) -> None:
    assert [entry["value"] for entry in entries(texts, [np.nan, np.nan], [1.0, 2.0])] == [None, None]


def test_rest_is_what_is_not_listed() -> None:
    listed = _Listed.of([np.array([[3.0, -1.0, 0.5]]), np.zeros((1, 0))], top=1)
    assert listed.rest.tolist() == [[-0.5, 0.0]]
    assert orjson.loads(b"".join(listed.entries([b'},{"log":', b'},{"log":', b'},{"log":'])))[0]["log"] == 3.0
    assert listed.entries([]) == [b"[]"]

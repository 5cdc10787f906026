"""What is recorded of a request, and its size."""

import json
import zlib

import numpy as np

from serving.ledger.record import pack_features, unpack_features


def test_features_come_back_to_the_last_bit_and_those_that_earlier_versions_compressed_too() -> None:
    values = np.array([0.1, np.nan, -1e300, 0.0])
    known = [0.1, None, -1e300, 0.0]
    assert unpack_features(pack_features(values)) == known
    assert unpack_features(zlib.compress(values.astype("<f8").tobytes(), 1)) == known


def test_explanations_are_left_out_and_the_rest_of_an_answer_stays(record) -> None:
    (creative,) = record(7).creatives
    assert set(json.loads(creative.answer)) == {"creative_id", "promotion_type", "account_id", "targets", "verdict"}
    assert (creative.age_hours, creative.cutoff) == (3.5, "2026-05-01T07:00:00")


def test_the_size_of_a_record_grows_with_its_creatives_and_answers(record) -> None:
    small = record(1).size
    assert record(1, creatives=10).size == 10 * small
    assert record(1, title="长" * 1000).size > small + 3000

"""Verdicts and their reasons."""

from dataclasses import replace

import numpy as np
import pytest

from configs.errors import ConfigError
from configs.settings import Settings, Verdict
from configs.yaml_file import parse
from training.decision.verdict import VERDICT_LABELS, VerdictInputs, no_verdict, verdict

RULES = Verdict()
PROVEN = VerdictInputs(
    rate="net_roi",
    roi_to_reach=1.5,
    chance=0.4,
    hit_chance=0.05,
    spend_cny=800.0,
    own_events=12.0,
    more_events=0.0,
    more_cny=0.0,
    more_volume=0.0,
    creatives_like=100,
    counts_orders=True,
)
NEW = replace(PROVEN, spend_cny=0.0, own_events=0.0, more_events=2.5, more_cny=183.0, more_volume=1234.0)


@pytest.mark.parametrize(
    ("known", "code"),
    [
        (replace(PROVEN, chance=0.7), "scale"),
        (replace(PROVEN, chance=0.6), "scale"),
        (PROVEN, "hold"),
        (replace(PROVEN, chance=0.15), "stop"),
        (replace(PROVEN, chance=0.55, hit_chance=0.3), "scale"),
        (replace(PROVEN, chance=0.45, hit_chance=0.3), "hold"),
        (NEW, "test"),
        (replace(NEW, chance=0.9), "test"),
        (replace(NEW, chance=0.05), "test"),
        (replace(NEW, chance=0.05, spend_cny=50.0), "stop"),
        (replace(NEW, chance=0.9, hit_chance=0.4), "scale"),
        (replace(PROVEN, hit_chance=np.nan, chance=0.7), "scale"),
        (replace(PROVEN, spend_cny=np.nan, chance=0.05), "stop"),
        (replace(NEW, spend_cny=np.nan, chance=0.05), "test"),
    ],
)
def test_a_chance_its_evidence_and_the_thresholds_decide(known, code) -> None:
    found, zh, en = verdict(known, RULES)
    assert found == code
    assert zh.startswith(f"{VERDICT_LABELS[code].zh}:")
    assert en.startswith(f"{VERDICT_LABELS[code].en}:")
    assert "nan" not in zh + en


def test_little_evidence_has_a_reason_with_the_cure() -> None:
    _, zh, en = verdict(NEW, RULES)
    assert zh == (
        "继续测试:证据不足,净ROI达到 1.50 的概率为 40%;再投约 180 元(约 2.5 单),才能以 80% 的把握与同类素材分出高低。"
    )
    assert en == (
        "Test: not enough evidence; 40% chance that net ROI reaches 1.50; about 180 CNY more (2.5 orders) until it can "
        "be told from another like it with 80% certainty."
    )


def test_few_similar_creatives_are_counted_with_how_many_more_are_needed() -> None:
    _, zh, en = verdict(replace(NEW, creatives_like=12), RULES)
    assert "同龄同类且结果已知的素材只有 12 条,还需约 18 条" in zh
    assert "only 12 creatives like it have known outcomes, about 18 more are needed" in en


def test_without_a_cost_of_traffic_the_reason_counts_impressions() -> None:
    _, zh, en = verdict(replace(NEW, more_cny=np.nan, counts_orders=False), RULES)
    assert "再获约 1,200 次展现,才能" in zh
    assert "about 1,200 more impressions until" in en


def test_thresholds_come_from_the_settings() -> None:
    assert verdict(PROVEN, RULES.model_copy(update={"scale_chance": 0.4}))[0] == "scale"
    assert verdict(PROVEN, RULES.model_copy(update={"stop_chance": 0.4}))[0] == "stop"


def test_thresholds_that_cross_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="stop_chance must lie below scale_chance"):
        parse(Settings, {"verdict": {"stop_chance": 0.7}}, tmp_path / "x.yaml")


def test_without_a_calibrated_chance_there_is_no_verdict_but_what_is_missing() -> None:
    code, zh, en = no_verdict("net_roi", 37, 200)
    assert code == ""
    assert "只有 37 行,需要 200 行" in zh
    assert "37 rows with known outcomes of 200 needed" in en
    _, zh, en = no_verdict("", 0, 200)
    assert "消耗或成交金额" in zh
    assert "without spend and gmv there is no ROI" in en

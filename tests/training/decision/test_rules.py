"""The table of decisions: every rule at its edges, reasons, and that no verdict contradicts a number beside it."""

from dataclasses import replace
from math import inf, nan, nextafter

import pytest
from hypothesis import given, strategies as st

from configs.decision_rules import COMPARISONS, DEFAULT_RULES, VERDICTS, Rule, default_rules, parsed
from configs.decision_settings import VerdictSettings
from configs.errors import ConfigError
from configs.settings import Settings
from configs.yaml_file import parse
from training.decision.rules import (
    VERDICT_LABELS,
    Facts,
    Known,
    decide,
    first_rule,
    hit_words,
    no_verdict,
    what_came,
)

RULES = VerdictSettings()
FACTS = Facts(RULES, 0.05, "net_gmv", 7, counts_orders=True, counts_impressions=True)
BETWEEN = {
    "chance": 0.3, "rate_chance": 0.5, "hit_chance": 0.05, "roi_to_target": 1.2, "spend_cny": 800.0,
    "more_events": 0.0, "decide_cny": 150.0, "later_high": 3000.0, "place": 0.5,
}  # fmt: skip
"""Of a creative that neither line decides."""
KNOWN = Known(
    status="running",
    promotion_type="live",
    figures=BETWEEN,
    rate="net_roi",
    asked_roi=1.5,
    roi=1.8,
    later_low=0.0,
    own_events=12.0,
    more_cny=183.0,
    more_volume=1234.0,
    decide_events=3.0,
    later_spend=210.0,
    creatives_like=100,
)
LOW, HIGH = {"chance": 0.1, "rate_chance": 0.05, "roi_to_target": 0.6}, {"chance": 0.7, "rate_chance": 0.9}
LITTLE, PROBABLE = {"more_events": 2.5}, {"rate_chance": 0.75}
LIKELY, QUIET, BELOW = {"hit_chance": 0.3}, {"later_high": 0.0}, {"roi_to_target": 0.9}
TOP, BOTTOM = {"chance": 0.5, "place": 0.9}, {"place": 0.1}

CASES = [
    ("running", {**LOW, **LIKELY}, "bid_less", False),
    ("running", {**LOW, **LIKELY, "chance": 0.4}, "bid_less", False),
    ("running", {**LOW, **LIKELY, "chance": 0.55}, "watch", True),
    ("running", {**LOW, **LIKELY, "rate_chance": 0.2}, "watch", True),
    ("running", {**LOW, **LIKELY, "spend_cny": nan}, "bid_less", False),
    ("running", {**LOW, **LIKELY, "roi_to_target": 1.4}, "watch", True),
    ("running", {**LOW, "roi_to_target": 1.4}, "watch", True),
    ("running", LOW, "stop", False),
    ("running", {**LOW, **LITTLE}, "stop", False),
    ("running", {**LOW, **QUIET}, "stop", False),
    ("running", {**LOW, "hit_chance": nan}, "stop", False),
    ("running", {**LOW, "spend_cny": 0.5}, "stop", False),
    ("running", {**LOW, "spend_cny": nan}, "watch", False),
    ("running", {**LOW, "rate_chance": 0.2}, "watch", False),
    ("running", {**LOW, "rate_chance": nan}, "watch", False),
    ("running", {**LOW, "chance": 0.2}, "watch", False),
    ("running", {**HIGH, **BELOW}, "watch", True),
    ("running", {**HIGH, **QUIET}, "hold", False),
    ("running", {"chance": 0.7, **QUIET}, "watch", True),
    ("running", {**HIGH, "later_high": 150.0}, "hold", False),
    ("running", {**LIKELY, **BELOW}, "watch", True),
    ("running", {**LIKELY, **QUIET}, "watch", True),
    ("running", {**HIGH, **LIKELY, "chance": 0.55}, "scale", False),
    ("running", {**HIGH, "chance": 0.55}, "hold", False),
    ("running", {**HIGH, "rate_chance": 0.8}, "hold", False),
    ("running", {**LIKELY, "chance": 0.45}, "watch", False),
    ("running", HIGH, "scale", False),
    ("running", {**HIGH, **LITTLE}, "scale", False),
    ("running", {**HIGH, "hit_chance": nan}, "scale", False),
    ("running", {**HIGH, "later_high": nan}, "hold", False),
    ("running", PROBABLE, "hold", False),
    ("running", {**PROBABLE, "chance": 0.1}, "watch", False),
    ("running", {**PROBABLE, **BELOW}, "watch", False),
    ("running", {}, "watch", False),
    ("running", BELOW, "watch", False),
    ("waiting", {**LOW, **LIKELY}, "reserve", True),
    ("waiting", {**LOW, "roi_to_target": 1.4}, "reserve", True),
    ("waiting", {**LOW, "place": 0.9}, "reserve", True),
    ("waiting", LOW, "skip", False),
    ("waiting", {**LOW, "spend_cny": 0.0, **LITTLE}, "skip", False),
    ("waiting", {**TOP, **QUIET}, "reserve", True),
    ("waiting", TOP, "first", False),
    ("waiting", {**TOP, **LITTLE}, "first", False),
    ("waiting", {**TOP, **BELOW}, "reserve", False),
    ("waiting", {**TOP, "place": nan}, "reserve", False),
    ("waiting", {**BOTTOM, **LIKELY}, "reserve", True),
    ("waiting", {**BOTTOM, **BELOW}, "skip", False),
    ("waiting", BOTTOM, "reserve", False),
    ("waiting", {**BOTTOM, **BELOW, "chance": 0.5}, "reserve", False),
    ("waiting", {}, "reserve", False),
]  # fmt: skip


def known(status: str = "running", **figures: float) -> Known:
    figures = {**BETWEEN, **figures}
    return replace(KNOWN, status=status, figures=figures, roi=figures["roi_to_target"] * 1.5)


@pytest.mark.parametrize(("status", "figures", "verdict", "conflict"), CASES)
def test_the_table_decides(status, figures, verdict, conflict) -> None:
    one = known(status, **figures)
    assert first_rule(status, one.figures, RULES).conflict is conflict
    found, zh, en = decide(one, FACTS)
    assert found == verdict
    assert ("但" in zh, "; but " in en) == (conflict, conflict)
    assert "nan" not in zh + en
    assert zh.startswith("净ROI达到 1.50 的概率")
    assert zh.endswith("。")
    assert en.endswith(".")


def edge_cases() -> list[tuple[int, str]]:
    return [(place, name) for place, rule in enumerate(default_rules()) for name in rule.when]


@pytest.mark.parametrize(("place", "name"), edge_cases())
def test_every_condition_holds_on_its_side_of_the_bound_alone(place, name) -> None:
    """On a figure that meets all other conditions of the rule: at the bound and a last bit to either side of it."""
    rule = default_rules()[place]
    alone = RULES.model_copy(update={"rules": (rule, Rule(status=rule.status, verdict=VERDICTS[rule.status][1]))})
    met = {other: value_meeting(condition) for other, condition in rule.when.items()}
    compare, bound = bound_of(rule.when[name])
    for value in (nextafter(bound, -1e9), bound, nextafter(bound, 1e9)):
        decided = first_rule(rule.status, {**BETWEEN, **met, name: value}, alone)
        assert (decided == rule) is compare(value, bound)
    assert first_rule(rule.status, {**BETWEEN, **met, name: nan}, alone) != rule


def bound_of(condition: str):
    compare, bound = parsed(condition)
    return compare, getattr(RULES, bound) if isinstance(bound, str) else bound


def value_meeting(condition: str) -> float:
    compare, bound = bound_of(condition)
    return next(value for value in (bound, bound - 0.01, bound + 0.01) if compare(value, bound))


def test_every_rule_of_the_table_has_a_case_above() -> None:
    """A rule that earlier ones always forestall would be dead."""
    met = [first_rule(status, known(status, **figures).figures, RULES) for status, figures, _, _ in CASES]
    assert all(rule in met for rule in default_rules())


figure = st.floats(0, 1) | st.just(nan)
amount = st.floats(0, 1e5) | st.just(nan) | st.sampled_from([0.0, 1.0, 50.0])
ratio = st.floats(0, 5) | st.sampled_from([0.999, 1.0])


@st.composite
def settings(draw: st.DrawFn) -> VerdictSettings:
    """Any thresholds in their order."""

    def low_and_high() -> tuple[float, float]:
        low = draw(st.floats(0, 0.98))
        return low, draw(st.floats(low + 0.01, 1))

    stop, scale = low_and_high()
    lower, upper = low_and_high()
    skip, first = low_and_high()
    bottom, top = low_and_high()
    return VerdictSettings(
        stop_chance=stop, scale_chance=scale, skip_chance=skip, first_chance=first, skip_place=bottom, first_place=top,
        likely_hit=draw(st.floats(0, 1)), hit_needs_chance=draw(st.floats(stop + 0.01, 1)),
        stop_spend_cny=draw(st.floats(0, 1000)), least_volume=draw(st.floats(0, 1000)),
        stop_rate_chance=lower, scale_rate_chance=upper,
        hold_rate_chance=draw(st.floats(lower + 0.01, upper)),
    )  # fmt: skip


@given(
    rules=settings() | st.just(RULES),
    status=st.sampled_from(["running", "waiting"]),
    figures=st.fixed_dictionaries(
        {
            "chance": st.floats(0, 1), "rate_chance": figure, "hit_chance": figure, "roi_to_target": ratio,
            "spend_cny": amount, "more_events": amount, "decide_cny": amount | st.just(inf), "later_high": amount,
            "place": figure,
        }
    ),
    later_spend=st.floats(0, 1e5),
)  # fmt: skip
def test_no_verdict_contradicts_a_number_beside_it(rules, status, figures, later_spend) -> None:
    one = known(status, **figures)
    verdict, zh, en = decide(one, replace(FACTS, settings=rules))
    assert verdict in VERDICTS[status]
    stake = later_spend * (one.roi - one.asked_roi)
    hit_is_likely = one.figures["hit_chance"] >= rules.likely_hit
    if verdict in ("stop", "skip"):
        assert not hit_is_likely
    if verdict == "bid_less":
        assert hit_is_likely
        assert one.figures["chance"] < rules.hit_needs_chance
        assert one.figures["rate_chance"] <= rules.stop_rate_chance
    if verdict in ("stop", "skip", "bid_less"):
        assert one.figures["roi_to_target"] < 1
        assert stake <= 0
        assert one.figures["chance"] < (rules.first_chance if verdict == "skip" else 1)
    if verdict == "stop":
        assert one.figures["chance"] < rules.scale_chance
    if verdict == "skip":
        assert not one.figures["place"] >= rules.first_place
    if verdict == "stop":
        assert one.figures["spend_cny"] >= rules.stop_spend_cny
        assert one.figures["rate_chance"] < min(rules.hold_rate_chance, rules.scale_rate_chance)
    if verdict in ("scale", "hold"):
        assert one.figures["rate_chance"] > rules.stop_rate_chance
    if verdict in ("scale", "first", "hold"):
        assert one.figures["roi_to_target"] >= 1
        assert stake >= -1e-9
    if verdict in ("scale", "hold"):
        assert one.figures["chance"] > rules.stop_chance
    if verdict in ("scale", "first"):
        assert one.figures["later_high"] >= (rules.least_volume if verdict == "scale" else 1)
        assert one.figures["chance"] > (rules.stop_chance if verdict == "scale" else rules.skip_chance)
    for words in ("nan", "inf", "放量", "继续"):
        assert words not in zh + en


def test_reasons_are_one_line_that_says_how_sure() -> None:
    assert decide(known(**HIGH), FACTS)[1:] == (
        "净ROI达到 1.50 的概率 70%，给够流量达标的把握 90%。",
        "70% chance of net ROI 1.50; 90% sure given enough traffic.",
    )
    assert decide(known(), FACTS)[1:] == (
        "净ROI达到 1.50 的概率 30%，给够流量达标的把握 50%，"
        "再花约 150 元（约 3.0 单）有一半可能下结论，照预计消耗约 5 天。",
        "30% chance of net ROI 1.50; 50% sure given enough traffic; about 150 CNY more (3.0 orders) decide "
        "it as likely as not, in about 5 days at its pace.",
    )
    assert decide(known("waiting", **TOP, **LITTLE), FACTS)[1:] == (
        "净ROI达到 1.50 的概率 50%，预计高于 90% 的推直播新素材，"
        "试投约 180 元（约 2.5 单）可以 80% 的把握与中位素材分出高低。",
        "50% chance of net ROI 1.50; predicted above 90% of new live creatives; about 180 CNY (2.5 orders) tell it "
        "from the median candidate with 80% certainty.",
    )
    assert decide(known(**LOW), FACTS)[1] == ("净ROI达到 1.50 的概率 10%，给够流量达标的把握 5%，已消耗 800 元。")
    assert decide(known(**LOW, **LIKELY), FACTS)[1:] == (
        "净ROI达到 1.50 的概率 10%，给够流量达标的把握 5%，"
        "爆款（7 天净成交额居推直播前 5%）概率 30%，卖得多却不赚：先压价，每单成本降 40% 才到目标。",
        "10% chance of net ROI 1.50; 5% sure given enough traffic; 30% chance of a hit (top 5% of live "
        "creatives by net GMV in 7 days); it sells at a loss: bid less, an order has to cost 40% less to reach the "
        "target.",
    )
    assert decide(known(chance=0.7, **QUIET), FACTS)[1] == "净ROI达到 1.50 的概率 70%，但后续展示多半只有 0–0 次。"


def test_no_chance_is_called_0_or_100_percent_and_orders_from_ten_on_are_whole() -> None:
    _, zh, en = decide(known(**{**LOW, "chance": 0.001, "rate_chance": 0.004, "hit_chance": 0.997}), FACTS)
    assert zh.startswith("净ROI达到 1.50 的概率不到 1%，给够流量达标的把握不到 1%，爆款")
    assert "概率超过 99%，卖得多却不赚" in zh
    assert en.startswith("less than 1% chance of net ROI 1.50; less than 1% sure")
    assert "more than 99% chance of a hit" in en
    _, zh, en = decide(replace(known("waiting", **TOP, more_events=417.5), more_cny=17_990.0), FACTS)
    assert "试投约 18,000 元（约 418 单）" in zh
    assert "(418 orders)" in en


def test_a_mean_that_rounds_to_its_target_is_just_below_it() -> None:
    _, zh, en = decide(replace(known(**HIGH, **BELOW), roi=1.499), FACTS)
    assert "预计净ROI平均 1.50，略低于目标" in zh
    assert "predicted net ROI 1.50 on average, just below the target" in en


def test_without_a_cost_of_traffic_the_reason_counts_impressions() -> None:
    one = replace(known("waiting", **LITTLE), more_cny=nan)
    _, zh, en = decide(one, replace(FACTS, counts_orders=False))
    assert "试投约 1,200 次展示可以" in zh
    assert "about 1,200 impressions tell it" in en


def test_what_is_missing_until_a_decision_says_whether_the_spend_to_come_brings_it() -> None:
    said = {
        (150.0, 210.0): "照预计消耗约 5 天",
        (150.0, 21.0): "照预计 7 天只花 21 元，到不了",
        (150.0, nan): "几天能花到不知道",
        (inf, 210.0): "离目标太近，再多数据也难分",
        (0.0, 210.0): "水平看得清，这几天的单量看不清",
        (nan, 210.0): "还差多少数据不知道",
    }
    for (spend, later), words in said.items():
        _, zh, en = decide(replace(known(decide_cny=spend), later_spend=later), FACTS)
        assert zh.endswith(f"{words}。")
        assert "inf" not in en


def test_nothing_is_said_to_be_certain() -> None:
    assert "把握超过 99%" in decide(known(**{**HIGH, "rate_chance": 0.9999}), FACTS)[1]
    assert "less than 1% sure" in decide(known(**{**LOW, "rate_chance": 0.0001}), FACTS)[2]


def test_a_stop_with_little_spend_says_what_it_rests_on() -> None:
    _, zh, _ = decide(replace(known(**LOW, spend_cny=4.0), own_events=0.1), FACTS)
    assert zh.endswith("只花 4 元，凭同类素材。")


def test_few_similar_creatives_are_counted() -> None:
    _, zh, en = decide(replace(known(), creatives_like=12), FACTS)
    assert "同类素材结果已知的只有 12 条" in zh
    assert "only 12 creatives like it have known outcomes" in en
    assert "只有 12 条" in decide(replace(known("waiting", **LITTLE), creatives_like=12), FACTS)[1]


def test_of_a_stopped_creative_the_reason_says_what_came() -> None:
    assert what_came("net_roi", 1.5, 1234.4, 12.0, 1.321) == (
        "",
        "已停：消耗 1,234 元，成交 12 单，净ROI 1.32（目标 1.50）。",
        "Stopped: 1,234 CNY spent, 12 orders, net ROI 1.32 (target 1.50).",
    )
    assert what_came("", 1.0, 80.0, nan, nan)[1] == "已停：消耗 80 元。"
    assert what_came("net_roi", 1.0, nan, nan, nan)[2] == "Stopped: its metrics have no spend."


def test_a_hit_is_defined_by_its_share_its_measure_and_its_window() -> None:
    assert hit_words(FACTS, "live").zh == "7 天净成交额居推直播前 5%"
    other = replace(FACTS, hit_share=0.025, hit_measure="volume", outcome_days=4)
    assert hit_words(other, "").en == "top 2.5% of its promotion type by impressions in 4 days"


def test_without_a_calibrated_chance_there_is_no_verdict_but_what_is_missing() -> None:
    code, zh, en = no_verdict("net_roi", 37, 200)
    assert code == ""
    assert "只有 37 行，需要 200 行" in zh
    assert "37 rows with known outcomes of 200 needed" in en
    _, zh, en = no_verdict("", 0, 200)
    assert "消耗或成交金额" in zh
    assert "without spend and gmv there is no ROI" in en


def test_every_verdict_has_a_label_and_old_ones_are_gone() -> None:
    codes = [code for of_status in VERDICTS.values() for code in of_status]
    assert [*codes, ""] == list(VERDICT_LABELS)
    assert "test" not in codes
    assert DEFAULT_RULES.exists()
    assert set(COMPARISONS) == {"<=", ">=", "<", ">"}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"stop_chance": 0.7}, "stop_chance must lie below scale_chance"),
        ({"hit_needs_chance": 0.1}, "stop_chance must lie below hit_needs_chance"),
        ({"stop_rate_chance": 0.8}, "stop_rate_chance must lie below hold_rate_chance"),
        ({"skip_place": 0.9}, "skip_place must lie below first_place"),
        ({"rules": [{"status": "running", "verdict": "first"}]}, "running creatives are scale, hold, bid_less,"),
        ({"rules": [{"status": "running", "verdict": "watch"}]}, "the last one for waiting creatives must have no"),
        (
            {"rules": [{"status": "running", "verdict": "stop", "when": {"chance": "<= no_such"}}]},
            "no threshold is called 'no_such'",
        ),
        ({"rules": [{"status": "running", "verdict": "stop", "when": {"chance": "about 1"}}]}, "should match pattern"),
        ({"rules": [{"status": "running", "verdict": "stop", "when": {"luck": "<= 1"}}]}, "rules.0.when.luck"),
        ({"rules": [{"status": "running", "verdict": "watch", "conflict": True}]}, "names the other figure"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_right_is_refused(section, said, tmp_path) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(Settings, {"verdict": section}, tmp_path / "x.yaml")


def test_thresholds_and_rules_come_from_the_settings() -> None:
    figures = known(rate_chance=0.9).figures
    assert first_rule("running", figures, RULES.model_copy(update={"scale_chance": 0.3})).verdict == "scale"
    own = VerdictSettings.model_validate(
        {"rules": [{"status": "running", "verdict": "watch"}, {"status": "waiting", "verdict": "skip"}]}
    )
    assert first_rule("running", figures, own).verdict == "watch"

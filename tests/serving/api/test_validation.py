"""What is not understood is refused with every problem at once; what is understood is taken as it is."""

import json
import re
from copy import deepcopy

import pytest
from hypothesis import given, settings, strategies as st

from serving.api.contradictions import ModelVocabulary
from serving.api.errors import Refused
from serving.api.requests import PredictRequest, RankRequest, with_limit
from serving.api.validation import parse_request

VOCABULARY = ModelVocabulary(
    tags=frozenset({"hook", "scene", "selling_point"}),
    multi=frozenset({"selling_point"}),
    time_zone="Asia/Shanghai",
)
ROW = {"period_start": "2026-05-08T09:00:00", "period_end": "2026-05-08T10:00:00", "impressions": 10.0, "clicks": 1}
SUMS = {"age_hours": 3.0, "impressions": 0, "clicks": 1}
GOOD = {"creative_id": "c", "promotion_type": "live", "account_id": "a", "tags": {"hook": "悬念"}, "metrics": [ROW]}


def refusal(*creatives: dict, **more: object) -> Refused:
    body = json.dumps({"creatives": list(creatives), **more}).encode()
    with pytest.raises(Refused) as caught:
        parse_request(PredictRequest, body, VOCABULARY)
    return caught.value


def changed(**fields: object) -> dict:
    return {**deepcopy(GOOD), **fields}


def row(**fields: object) -> dict:
    return changed(metrics=[{**ROW, **fields}])


def test_a_good_request_is_taken() -> None:
    request = parse_request(PredictRequest, json.dumps({"creatives": [GOOD], "explain": True}).encode(), VOCABULARY)
    assert request.creatives[0].metrics[0]["clicks"] == 1.0
    assert "orders" not in request.creatives[0].metrics[0]


@pytest.mark.parametrize(
    ("creative", "field", "expected"),
    [
        (changed(acount_id="x"), "creatives[0].acount_id", "account_id"),
        (changed(price_cny="99"), "creatives[0].price_cny", "numbers are not texts"),
        (changed(price_cny=True), "creatives[0].price_cny", "type"),
        (changed(creative_id=7), "creatives[0].creative_id", "texts are not numbers"),
        (changed(creative_id=""), "creatives[0].creative_id", "schema"),
        (changed(copy_text="长" * 1_000_000), "creatives[0].copy_text", "schema"),
        (changed(creative_id="长" * 1_000_000), "creatives[0].creative_id", "schema"),
        (changed(launched_at=1_760_000_000), "creatives[0].launched_at", "type"),
        (changed(launched_at="0001-01-01T00:00:00"), "creatives[0].launched_at", "schema"),
        (changed(price_cny=5e-324), "creatives[0].price_cny", "schema"),
        (changed(price_cny=0), "creatives[0].price_cny", "schema"),
        (changed(duration_s=1e-76), "creatives[0].duration_s", "schema"),
        (changed(roi_target=1e-300), "creatives[0].roi_target", "schema"),
        (changed(creator_followers=0.5), "creatives[0].creator_followers", "schema"),
        (row(clicks=1e8), "creatives[0].metrics[0].clicks", "schema"),
        (changed(launched_at="0001-01-01T00:00:00+08:00"), "creatives[0].launched_at", "schema"),
        (row(period_end="9999-12-31T23:59:59-08:00"), "creatives[0].metrics[0].period_end", "schema"),
        (row(impressions=-1), "creatives[0].metrics[0].impressions", "schema"),
        (row(impressions=1e9), "creatives[0].metrics[0].impressions", "schema"),
        (row(impresions=1), "creatives[0].metrics[0].impresions", "impressions"),
        (row(period_end=None), "creatives[0].metrics[0].period_end", "type"),
        (changed(tags={"hook": {"deep": 1}}), "creatives[0].tags.hook", "type"),
        (changed(account_id=None), "creatives[0].account_id", "type"),
    ],
)
def test_a_field_of_another_shape_is_refused_with_its_path(creative, field, expected) -> None:
    refused = refusal(creative)
    assert refused.status == 400
    assert any(fault.field == field and expected in fault.hint for fault in refused.problems), refused.problems


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(word) -> None:
    body = json.dumps({"creatives": [changed(price_cny=0.5)]}).replace("0.5", word).encode()
    with pytest.raises(Refused) as caught:
        parse_request(PredictRequest, body, VOCABULARY)
    assert caught.value.status == 400
    assert caught.value.problems[0].field == "creatives[0].price_cny"


@pytest.mark.parametrize(
    ("creative", "field", "expected"),
    [
        (changed(tags={"hok": "悬念"}), "creatives[0].tags.hok", "hook"),
        (changed(tags={"hook": ["a", "b"]}), "creatives[0].tags.hook", "one text"),
        (changed(tags={"selling_point": "a|b"}), "creatives[0].tags.selling_point", "list"),
        (row(impressions=0, clicks=3), "creatives[0].metrics", "check impressions"),
        (row(gmv_cny=5, net_gmv_cny=9), "creatives[0].metrics", "check gmv_cny"),
        (row(period_end="2026-05-08T09:00:00"), "creatives[0].metrics[0].period_end", "ends after"),
        (changed(metrics=[ROW, {**ROW, "period_start": "2026-05-08T09:30:00", "period_end": "2026-05-08T11:00:00"}]),
         "creatives[0].metrics[1].period_start", "each moment once"),
        (changed(launched_at="2026-05-09T00:00:00"), "creatives[0].launched_at", "first delivered"),
        (changed(sums={"age_hours": 3.0}, launched_at="2026-05-08T09:00:00"), "creatives[0].sums", "not both"),
        (changed(metrics=None, sums={"age_hours": 3.0}), "creatives[0].launched_at", "launched"),
        (changed(metrics=None, launched_at="2026-05-08T09:00:00", sums=SUMS),
         "creatives[0].sums.clicks", "check impressions"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_with_a_hint(creative, field, expected) -> None:
    refused = refusal(creative)
    assert refused.status == 422
    assert [fault.field for fault in refused.problems] == [field]
    assert expected in refused.problems[0].hint


@pytest.mark.parametrize("character", ["\0", "\x07", "\x7f", "\x85", "\ufffe", "\uffff"])
@pytest.mark.parametrize(
    ("where", "field"),
    [
        (lambda text: {"creative_id": text}, "creative_id"),
        (lambda text: {"account_id": text}, "account_id"),
        (lambda text: {"promotion_type": text}, "promotion_type"),
        (lambda text: {"product_id": text}, "product_id"),
        (lambda text: {"category": text}, "category"),
        (lambda text: {"copy_text": text}, "copy_text"),
        (lambda text: {"tags": {"hook": text}}, "tags.hook"),
        (lambda text: {"tags": {"selling_point": ["好用", text]}}, "tags.selling_point[1]"),
        (lambda text: {"tags": {text: "悬念"}}, "tags."),
    ],
)
def test_characters_that_stores_do_not_keep_are_refused_in_every_text(character, where, field) -> None:
    refused = refusal(changed(**where(f"a{character}b")))
    assert refused.status == 400
    assert any(
        fault.field.startswith(f"creatives[0].{field}") and "control" in fault.problem for fault in refused.problems
    )


def test_half_a_surrogate_pair_is_refused_in_every_text() -> None:
    for text in ("\ud800", "x\udc00"):
        for where in ({"creative_id": text}, {"copy_text": text}, {"tags": {"hook": text}}, {"tags": {text: "a"}}):
            refused = refusal(changed(**where))
            assert refused.status == 400
            assert "surrogate" in refused.problems[0].hint


def test_copy_and_tags_may_have_several_lines_and_ids_may_not() -> None:
    lines = "第一行\n\t第二行\r\n"
    body = json.dumps({"creatives": [changed(copy_text=lines, tags={"hook": lines})]}).encode()
    assert parse_request(PredictRequest, body, VOCABULARY).creatives[0].copy_text == lines
    assert refusal(changed(creative_id=lines)).status == 400


@pytest.mark.parametrize(
    ("figures", "found"),
    [
        ({"impressions": 11, "clicks": 9.9e7}, "clicks"),
        ({"impressions": 100, "clicks": 221}, "clicks"),
        ({"impressions": 900, "clicks": 100, "orders": 221}, "orders"),
        ({"orders": 2, "clicks": 5, "gmv_cny": 3e6}, "gmv_cny"),
        ({"spend_cny": 2001.0}, "spend_cny"),
        ({"impressions": 100, "likes": 1e6}, "likes"),
        ({"plays": 100, "plays_3s": 1000}, "plays_3s"),
    ],
)
def test_figures_far_beyond_what_they_are_part_of_are_refused(figures, found) -> None:
    refused = refusal(row(**figures))
    assert refused.status == 422
    assert [fault.problem.split()[1] for fault in refused.problems] == [found]


def test_a_few_clicks_more_than_impressions_are_taken() -> None:
    for figures in ({"impressions": 3, "clicks": 4}, {"impressions": 100, "clicks": 220}):
        parse_request(PredictRequest, json.dumps({"creatives": [row(**figures)]}).encode(), VOCABULARY)


def test_the_sums_of_a_life_have_the_bounds_of_a_row() -> None:
    hours = [
        {**ROW, "period_start": f"2026-05-08T{h:02}:00:00", "period_end": f"2026-05-08T{h + 1:02}:00:00"}
        for h in (1, 2)
    ]
    refused = refusal(changed(metrics=[{**hour, "impressions": 6e8} for hour in hours]))
    assert [fault.problem for fault in refused.problems] == ["1200000000 impressions in all"]
    many = [{**hour, "impressions": 1e8, "clicks": 1e5, "orders": 1e4} for hour in hours]
    refused = refusal(changed(metrics=many, price_cny=5e6))
    assert [fault.problem for fault in refused.problems] == ["20000 orders at a price of 5000000"]
    refused = refusal(changed(metrics=[{**many[0], "orders": 2e4}, hours[1]], price_cny=5e6))
    assert [fault.problem for fault in refused.problems] == ["20000 orders at a price of 5000000"]


@pytest.mark.parametrize(
    ("name", "means"), [("推直播", "live"), ("直播", "live"), ("推商品", "product"), ("商品", "product")]
)
def test_promotion_types_are_taken_by_the_platforms_names_too(name, means) -> None:
    body = json.dumps({"creatives": [changed(promotion_type=name)]}).encode()
    assert parse_request(PredictRequest, body, VOCABULARY).creatives[0].promotion_type == means
    assert refusal(changed(promotion_type=name), changed(promotion_type=means)).problems[0].problem == "named twice"


def test_every_wrong_row_of_metrics_is_listed() -> None:
    rows = [{**ROW, "impressions": -1}, ROW, {}, {**ROW, "clics": 1}]
    found = [fault.field for fault in refusal(changed(metrics=rows)).problems]
    assert found == [
        "creatives[0].metrics[0].impressions",
        "creatives[0].metrics[2].period_start",
        "creatives[0].metrics[2].period_end",
        "creatives[0].metrics[3].clics",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"creatives": [GOOD], **{f"impres{n}": 1 for n in range(20_000)}},
        {"creatives": [changed(**{f"impres{n}": 1 for n in range(20_000)})]},
        {"creatives": [row(**{f"impres{n}": 1 for n in range(20_000)})]},
        {"creatives": [changed(creative_id=f"c{n}", tags={f"hok{n}{t}": "x" for t in range(50)}) for n in range(400)]},
        {"creatives": [changed(creative_id=f"c{n}", metrics=[{"clics": 1}] * 100) for n in range(200)]},
    ],
    ids=["request", "creative", "row", "tags", "rows"],
)
def test_similar_names_are_looked_for_at_most_200_times_and_the_rest_is_counted(body, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("serving.api.contradictions.get_close_matches", lambda *a, **k: asked.append(a) or ["x"])
    with pytest.raises(Refused) as caught:
        parse_request(PredictRequest, json.dumps(body).encode(), VOCABULARY)
    assert len(asked) <= 200
    sent = caught.value.body("id")
    assert len(sent["errors"]) == 200
    assert re.search(r"the first 200 of \d{4,} problems found", sent["error"])


@pytest.mark.parametrize("long", ["k" * 70, "hok" * 1_000_000])
def test_no_name_similar_to_a_long_one_is_looked_for(long, monkeypatch) -> None:
    monkeypatch.setattr("serving.api.contradictions.get_close_matches", None)
    assert "no field has this name" in refusal(changed(**{long: 1})).problems[0].hint


def test_more_creatives_or_tags_than_may_be_are_refused_before_they_are_looked_at() -> None:
    many = refusal(*[{"x": n} for n in range(20_000)])
    assert [fault.problem for fault in many.problems[:1]] == ["20000 creatives"]
    many = refusal(changed(tags={f"t{n}": [1] for n in range(20_000)}))
    assert [(fault.field, fault.problem) for fault in many.problems] == [("creatives[0].tags", "20000 tags")]


def test_clicks_of_an_hour_without_impressions_may_belong_to_the_hour_before() -> None:
    late = {**ROW, "period_start": "2026-05-08T10:00:00", "period_end": "2026-05-08T11:00:00", "impressions": 0}
    parse_request(PredictRequest, json.dumps({"creatives": [changed(metrics=[ROW, late])]}).encode(), VOCABULARY)


def test_every_problem_is_listed_at_once_with_its_creative() -> None:
    refused = refusal(
        changed(creative_id="one", price_cny="x", foo=1),
        changed(creative_id="two", tags={"hok": "悬念"}),
        changed(creative_id="three", metrics=[{**ROW, "impressions": 0}]),
    )
    found = {(fault.creative_id, fault.field) for fault in refused.problems}
    assert refused.status == 400
    assert found == {
        ("one", "creatives[0].price_cny"),
        ("one", "creatives[0].foo"),
        ("two", "creatives[1].tags.hok"),
        ("three", "creatives[2].metrics"),
    }


def test_a_creative_named_twice_is_refused_unless_it_is_of_another_account() -> None:
    assert refusal(GOOD, GOOD).problems[0].problem == "named twice"
    body = json.dumps({"creatives": [GOOD, changed(account_id="b")]}).encode()
    assert len(parse_request(PredictRequest, body, VOCABULARY).creatives) == 2


def test_rank_needs_either_a_budget_with_a_cost_or_a_number() -> None:
    for more in ({}, {"top": 1, "budget_cny": 5.0, "spend_cny": 1.0}, {"budget_cny": 5.0}):
        with pytest.raises(Refused, match="contradicts itself"):
            parse_request(RankRequest, json.dumps({"creatives": [GOOD], **more}).encode(), VOCABULARY)
    parse_request(
        RankRequest, json.dumps({"creatives": [GOOD], "budget_cny": 5.0, "spend_cny": 1.0}).encode(), VOCABULARY
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"creatives":' + b"[" * 5000,
        b'{"creatives":[]}',
    ],
)
def test_bodies_that_are_no_request_are_refused(body) -> None:
    with pytest.raises(Refused) as caught:
        parse_request(PredictRequest, body, VOCABULARY)
    assert caught.value.status == 400
    assert caught.value.problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(
    field=st.sampled_from([*GOOD, "price_cny", "roi_target", "sums", "copy_text", "created_at", "nonsense"]), value=JSON
)
def test_any_value_of_a_field_is_taken_or_refused_with_a_problem(field, value) -> None:
    body = json.dumps({"creatives": [changed(**{field: value})]}).encode()
    refused = None
    try:
        parse_request(PredictRequest, body, VOCABULARY)
    except Refused as found:
        refused = found
    if refused is not None:
        assert refused.status in (400, 422)
        assert refused.problems
        assert json.dumps(refused.body("id"), ensure_ascii=False)


WRITTEN = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")


@settings(max_examples=200)
@given(
    st.builds(
        lambda ids, explain, top: {"creatives": [changed(creative_id=i) for i in ids], "explain": explain, "top": top},
        st.lists(st.text(WRITTEN, min_size=1, max_size=20), min_size=1, max_size=5, unique=True),
        st.booleans(),
        st.none() | st.integers(1, 1000),
    )
)
def test_what_fits_the_contract_is_taken_unchanged(content) -> None:
    body = json.dumps(content).encode("utf-8", "surrogatepass")
    request = parse_request(PredictRequest, body, VOCABULARY)
    assert [c.creative_id for c in request.creatives] == [c["creative_id"] for c in content["creatives"]]
    assert (request.explain, request.top) == (content["explain"], content["top"])


@pytest.mark.parametrize("model", [PredictRequest, RankRequest])
def test_the_limit_of_the_settings_is_that_of_the_check_and_of_the_schema(model) -> None:
    more = {"top": 1} if model is RankRequest else {}
    bodies = {n: json.dumps({"creatives": [changed(creative_id=f"c{i}") for i in range(n)], **more}) for n in (3, 4)}
    request = parse_request(model, bodies[3].encode(), VOCABULARY, 3)
    assert isinstance(request, model)
    assert len(request.creatives) == 3
    with pytest.raises(Refused) as caught:
        parse_request(model, bodies[4].encode(), VOCABULARY, 3)
    assert caught.value.status == 400
    (problem,) = caught.value.problems
    assert problem.field == "creatives"
    assert "at most 3" in problem.problem
    assert len(parse_request(model, bodies[4].encode(), VOCABULARY).creatives) == 4
    schema = with_limit(model, 3).model_json_schema()
    assert schema["properties"]["creatives"]["maxItems"] == 3
    expected = model.model_json_schema()
    assert expected["properties"]["creatives"]["maxItems"] == 500
    expected["properties"]["creatives"]["maxItems"] = 3
    assert schema == expected

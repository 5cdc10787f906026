"""The page: one file, both languages, nothing from outside, hostile names as text; and the model card."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.browser import too_wide
from features.atomic_write import write_table
from training.errors import BundleError
from training.evaluation.coverage import Coverage
from training.evaluation.files import HeadFacts, RunFacts, evaluation_of, read_evaluation, write_evaluation
from training.evaluation.metrics import METHODS, OWN, evaluate
from training.evaluation.page import charts as plots
from training.evaluation.page.render import CARD, PAGE, write_page
from training.evaluation.peer_results import read_peer_results

HOSTILE = "<script>alert(1)</script>\"'{{ 7*7 }}|`\u202e$x$"
TARGETS = ["gpm", "net_roi", "later_impressions"]
RUN_FACTS = RunFacts(
    name=HOSTILE, model=f"gpmcast-{HOSTILE}", version="0.1.0", created_at="2026-07-01T08:00:00+00:00",
    baseline=False, small=False,
    data_fingerprint="f" * 64, data_until="2026-07-01T00:00:00", creatives=80, accounts=2, promotion_types=[HOSTILE],
    basis="net_1h", outcome_days=7, level=0.8, min_impressions=200, holdout_since="2026-06-08T00:00:00",
    holdout_rows=120, holdout_creatives=60, training_rows=1000, training_creatives=300, final_rows=1200,
    heads=[
        HeadFacts(name="gmv", zh="每次展现成交额", en="gmv per impression", rounds=12, tuned=True,
                  weights={"bayes": 0.1, "funnel": 0.3, "trees": 0.6}, funnel_deviance=0.6, deviance=0.5,
                  tuning_gain=0.02, tuning_error=0.01, holdout={"funnel": 0.7, "hand": 0.62, "tuned": 0.6}),
        HeadFacts(name="volume", zh="后续量", en="later volume", rounds=0, tuned=False, weights={},
                  funnel_deviance=None, deviance=None, tuning_gain=None, tuning_error=None, holdout={}),
    ],
    missing={"keep": HOSTILE}, left_out={"outcome window not closed": 40, HOSTILE: 3}, brier={"roi": 0.1},
)  # fmt: skip


def holdout_frame() -> pd.DataFrame:
    draw = np.random.default_rng(5)
    count = 120
    frame = pd.DataFrame(
        {
            "promotion_type": HOSTILE,
            "account_id": HOSTILE,
            "creative_id": [f"{HOSTILE}{place // 2}" for place in range(count)],
            "age_hours": [0, 24] * (count // 2),
            "cold": True,
            "spent_cny": draw.gamma(1, 50, count),
        }
    )
    columns = {}
    for target in TARGETS:
        rate = draw.lognormal(7 if target.startswith("later") else 1, 0.5, count)
        columns |= {
            f"{part}_{target}": rate * draw.lognormal(0, 0.3, count) for part in ("predicted", "carried", "bayes")
        }
        columns |= {f"actual_{target}": rate, f"exposure_{target}": 1.0 if target.startswith("later") else 500.0}
        columns |= {f"{target}_low": rate * 0.8, f"{target}_high": rate * 1.2}
    return frame.assign(**columns)


def figures(rows: pd.DataFrame) -> pd.DataFrame:
    predicted = {
        method: rows[[f"{part}_{target}" for target in TARGETS]].set_axis(TARGETS, axis=1)
        for method, part in zip(METHODS, ("carried", "bayes", "predicted"))
    }
    exposure = {target: rows[f"exposure_{target}"].to_numpy() for target in TARGETS}
    exposure["volume"] = rows["actual_later_impressions"].to_numpy()
    actual = rows[[f"actual_{target}" for target in TARGETS]].set_axis(TARGETS, axis=1)
    return evaluate(predicted, actual, exposure, rows["age_hours"], rows["cold"].to_numpy(), 200.0)


def proof(fingerprint: str) -> str:
    about = {"against": "what came", "target": "gpm", "part": "all", "age_hours": -1, "rows": 60}
    lines = [
        about | {"method": method, "figure": figure, "value": 0.5, "low": 0.4, "high": 0.6}
        for method in (OWN, HOSTILE, "同行")
        for figure in ("spearman", "deviance", "log_error", "total", "mean")
    ]
    methods = {name: {"seconds": 1.0, "settings": {}, "not_run": ""} for name in (OWN, HOSTILE)}
    methods["absent"] = {"seconds": 0.0, "settings": {}, "not_run": f"not installed {HOSTILE}"}
    return json.dumps({"fingerprint": fingerprint, "figures": lines, "methods": methods})


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """An evaluation's folder, with its page, its card and the folder of the proofs beside it."""
    place = tmp_path_factory.mktemp("page")
    rows = holdout_frame()
    cells = pd.DataFrame(
        {
            "target": "gpm", "age_hours": ["all", "0", "24"], "quarter": ["all", "q1", "q4"],
            "promotion_type": ["all", HOSTILE, HOSTILE], "enough_volume": True, "rows": [520, 260, 260],
            "share": [1.0, 0.5, 0.5],
            "covered": [0.8, 0.7, 0.9],
        }
    )  # fmt: skip
    bins = pd.DataFrame({"chance": ["roi", "hit"], "bin": [3, 0], "rows": [300, 400], "stated": 0.3, "true": 0.32})
    evaluation = evaluation_of(RUN_FACTS, figures(rows), rows, Coverage(cells, bins, {"roi": 0.1}))
    write_evaluation(evaluation, place / "evaluation")
    (place / "evaluation" / "shap").mkdir()
    points = pd.DataFrame({"feature": ["a", "b"], "zh": ["价格", HOSTILE], "en": ["price", HOSTILE]})
    points = points.assign(head="gmv", percent=[3.0, -1.0], shade=[4, -1])
    write_table(points, place / "evaluation" / "shap" / "points.parquet")
    (place / "proof").mkdir()
    (place / "proof" / "mine.json").write_text(proof("f" * 64), encoding="utf-8")
    (place / "proof" / "other data.json").write_text(proof("0" * 64), encoding="utf-8")
    (place / "proof" / "ablations.json").write_text('{"figures": []}', encoding="utf-8")
    (place / "proof" / "broken.json").write_text("{", encoding="utf-8")
    write_page(place / "evaluation", place / "proof")
    return place


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return (written / "evaluation" / PAGE).read_text("utf-8")


class Tags(HTMLParser):
    """Which tags stand there, and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.refers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data", "action")]


def test_the_page_is_one_file_without_script_or_anything_from_outside(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert not tags.names & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert "img" not in tags.names
    assert all(found.startswith("#") for found in tags.refers)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"https?:|@import|url\((?!#)", page)
    assert len(page.encode()) < 4_000_000


def test_every_picture_and_anchor_refers_to_what_is_there_once(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    assert page.count("<svg") > 15


def test_names_of_creatives_and_methods_are_text_and_never_markup(written: Path, page: str) -> None:
    card = (written / "evaluation" / CARD).read_text("utf-8")
    for text in (page, card):
        assert "<script" not in text
        assert "\u202e" not in text
        assert "&lt;script&gt;" in text
        assert "49" not in re.findall(r"alert\(1\)&lt;/script&gt;[^<|]{0,30}", text)[0]  # {{ 7*7 }} stays as it is
    tables = [row for row in card.split("\n") if row.startswith("|")]
    assert {row.count("|") for row in tables} == {3, 4, 8}  # no name adds a column


def test_every_head_has_its_picture_with_the_names_in_it_or_says_that_it_has_none(page: str) -> None:
    heads = page[page.index('<section id="shap">') : page.index('<section id="left-out">')]
    assert heads.count("<svg ") == 1
    assert heads.count('class="points') == 2
    assert 'class="who en">price</text>' in heads
    assert "no trees, the funnel model alone" in heads
    assert heads.index("gmv per impression") < heads.index("<svg ") < heads.index("later volume")


def test_both_languages_say_everything(page: str) -> None:
    chinese, english = page.count('class="zh"'), page.count('class="en"')
    assert chinese == english > 100
    assert re.search(r'id="zh" checked', page)
    for zh, en in (
        ("能用来做什么", "What it can be used for"),
        ("与其它方法比", "Comparison with other methods"),
        ("什么没有计入", "Rows left out"),
    ):
        assert zh in page
        assert en in page
    assert not re.search(r'class="en"[^>]*>[^<]*[\u4e00-\u9fff]', page.replace("同行", ""))


def test_chinese_has_full_width_punctuation(page: str) -> None:
    chinese = [unescape(text) for text in re.findall(r'class="zh">([^<]+)<', page) if HOSTILE not in unescape(text)]
    half = [text for text in chinese if re.search(r"[\u4e00-\u9fff][,:;?!(]|[,:;?!)][\u4e00-\u9fff]", text)]
    assert half == []


def test_the_page_has_the_peers_of_these_data_only(page: str, written: Path) -> None:
    assert "<h3>mine</h3>" in page
    assert "other data" not in page
    assert [found.name for found in read_peer_results(written / "proof", "f" * 64)] == ["mine"]


def test_the_card_has_no_holes(written: Path) -> None:
    card = (written / "evaluation" / CARD).read_text("utf-8")
    for head in ("Intended use", "Not for", "Training", "Evaluation", "How uncertain", "Limits", "Ethics"):
        assert re.search(f"^## .*{head}$", card, re.MULTILINE), head
    assert not re.search(r"\b(nan|None|inf)\b|\{%|TODO", card)
    assert "f" * 64 in card
    for text in ("1,000", "300", "2026-06-08", "net_1h", "0.1.0", "80%"):
        assert text in card


def test_tables_of_an_earlier_run_do_not_come_back(tmp_path: Path) -> None:
    rows = holdout_frame()
    with_bins = Coverage(pd.DataFrame({"target": ["gpm"]}), pd.DataFrame({"chance": ["roi"]}), {})
    write_evaluation(evaluation_of(RUN_FACTS, figures(rows), rows, with_bins), tmp_path)
    bare = rows.drop(columns=[name for name in rows if name.endswith(("_low", "_high"))])
    write_evaluation(evaluation_of(RUN_FACTS, figures(rows), bare, None), tmp_path)
    back = read_evaluation(tmp_path)
    assert back.facts == RUN_FACTS
    assert back.bins.empty
    assert {path.name for path in tmp_path.iterdir()} >= {"deciles.csv", "lift.csv", "earliness.csv", "run.json"}
    write_page(tmp_path, tmp_path / "nowhere")
    page = (tmp_path / PAGE).read_text("utf-8")
    for text in ("没有区间", "没有概率", "make bench-peers"):
        assert text in page


def test_without_an_evaluation_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="make train"):
        write_page(tmp_path, tmp_path)


def test_an_evaluation_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"name": "an older one", "held_rows": 3}', "utf-8")
    with pytest.raises(BundleError, match="no evaluation of this version"):
        write_page(tmp_path, tmp_path)


def test_a_picture_is_the_same_every_time_and_names_no_colour_or_date() -> None:
    rows = pd.DataFrame({"age_hours": [0, 24], "method": OWN, "rows": 20, "spearman": [0.1, 0.4]})
    drawn = plots.by_age("one", rows, "spearman")
    assert drawn == plots.by_age("one", rows, "spearman")
    assert drawn != plots.by_age("two", rows, "spearman")  # two pictures share no name
    assert "var(--mark)" in drawn
    assert not re.search(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]|<metadata|<dc:|xmlns", drawn)


LETTERS = """(texts) => texts.filter((text) => text.getBoundingClientRect().width > 0)
  .map((text) => Number(text.getAttribute("font-size")) * text.getScreenCTM().a).filter((size) => size > 0)"""
"""Height of the letters of texts in pixels; of turned ones, which have no width of their own, 0 and left out."""


@pytest.mark.browser
@pytest.mark.parametrize(("width", "theme"), [(1400, "light"), (390, "dark")])
def test_in_a_browser_it_fits_the_window_and_charts_can_be_read(
    open_page, written: Path, width: int, theme: str
) -> None:
    file = written / "evaluation" / PAGE
    page_ = open_page(file, viewport={"width": width, "height": 900}, color_scheme=theme)
    for language in ("en", "zh"):
        page_.click(f"label[for={language}]")
        found = too_wide(page_)
        assert not found, "\n".join(found)
        sizes = page_.locator(".pictures svg text").evaluate_all(LETTERS)
        assert len(sizes) > 100
        assert min(sizes) >= 13.9
    first = page_.locator(".sentences li").first.bounding_box()
    assert first["y"] + first["height"] < 900
    ground = page_.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(250, 249, 247)" if theme == "light" else "rgb(18, 23, 26)")

"""The reading test: sixteen questions, each answered within two clicks; docs/report_questions.md lists them."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from features.bilingual import Words
from serving.report.data import ReportData
from serving.report.first_screen import Trust
from serving.report.render import render
from training.decision.status import RUNNING

pytestmark = pytest.mark.browser

DOC = Path(__file__).parents[3] / "docs" / "report_questions.md"
MOST_CLICKS = 2


@dataclass(frozen=True)
class Question:
    """What a strategist asks, and the way to the answer.

    Attributes:
        zh, en: The question, as docs/report_questions.md has it.
        clicks: Each a selector that is clicked, or a selector and the place of an option that is chosen.
        answer: Selector of the place where the answer stands.
        says: What stands there, as a regular expression.
    """

    zh: str
    en: str
    clicks: tuple[str | tuple[str, int], ...]
    answer: str
    says: str


OPENING, PRICE = (f"#levers [role=tab]:has(.zh:text-is('{name}'))" for name in ("开头", "价格（元）"))
PRODUCT = ("[data-filter=product_id]", 1)
CREATIVE = "#to-do button"
QUESTIONS = (
    Question(
        "某个商品用什么开头？", "Which opening for product X?", (PRODUCT, OPENING), "#levers .lever-answer",
        "净ROI.*(最好|分不出)",
    ),
    Question(
        "今天停哪些，能省多少？", "Which to stop today, and what does that save?", (), ".today",
        r"关停[\s\S]*−[\d,]+",
    ),
    Question("加量哪些，能多得多少？", "Which to scale, and for how much?", (), ".today", r"加量[\s\S]*\+[\d,]+"),
    Question("下一条拍什么，为什么？", "What to shoot next, and why?", (), "#briefs", r"净ROI高约[\s\S]*依据 \d+ 条"),
    Question(
        "净ROI 的绝对值能信吗？", "Can ROI levels be trusted?", (".trust summary:has-text('绝对值')",),
        ".trust details[open] p", "偏高 26%.*0.79",
    ),
    Question(
        "上周说加量的，后来怎么样了？", "What became of last week's 加量?", (".side a[href='#track_record']",),
        "#track_record", r"加量|\d{4}-\d{2}-\d{2}",
    ),
    Question(
        "这个商品找哪位达人？", "Which KOC for this product?", (PRODUCT, ".side a[href='#kocs']"), "#koc-view .finding",
        "p2.*(达人|分不出)",
    ),
    Question("哪个价格带好？", "Which price band?", (PRICE,), "#levers .lever-answer", r"净ROI 最好：\d+"),
    Question(
        "这条素材为什么不起量？", "Why does this creative not spend?", (CREATIVE,),
        "#card div:has(> h4 .zh:text-matches('起量'))", "流量|消耗|展示",
    ),
    Question(
        "哪些素材是同一个点子？", "Which creatives are the same idea?", (CREATIVE,),
        "#card div:has(> h4 .zh:text-is('同质化'))", r"条|没有",
    ),
    Question(
        "这条素材漏在哪一步？", "Which step leaks in this creative?", (CREATIVE,),
        "#card div:has(> h4 .zh:text-matches('漏'))", "漏在|没有一步",
    ),
    Question(
        "还要拍多少条才出爆款？", "How many more to shoot for a hit?", (".side a[href='#diversity']",),
        "#diversity-view", r"再拍几条[\s\S]*(再拍 \d+ 条|校准)",
    ),
    Question(
        "观察的先看哪几条？", "Which of the watched ones to look at first?", ("#counts [data-count=watchfirst]",),
        "#rows tr[data-row]", "观察",
    ),
    Question(
        "一共要关停多少条，是哪些？", "How many to stop in all, and which?", ("#counts [data-count=stop]",),
        "#rows tr[data-row]", "关停",
    ),
    Question(
        "可加可省比上周多了还是少了？", "More to add or save than a week ago?", (), "[data-tile=stake]",
        r"7 天前 \S+ / \S+|上期没有数据",
    ),
    Question(
        "这个商品下一条拍什么？", "What to shoot next for this product?", (PRODUCT,), "#shoot-next",
        "这个商品的|以下按账户给出",
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def path(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the small world in which some run well and some badly, and whose ROI is 26 % too high."""
    running = [place for place, one in enumerate(data.creatives) if one.status == RUNNING]
    decided = dict(zip(running, (("scale", 900.0), ("stop", -300.0), ("hold", 40.0), ("watch", -20.0))))
    cards = [
        card.model_copy(update=dict(zip(("verdict", "stake_cny"), decided[place]))) if place in decided else card
        for place, card in enumerate(data.cards)
    ]
    level = Trust(
        aspect="level", target=data.roi, verdict="caution", figure=1.26, factor=0.79,
        why=Words("偏高 26%，乘 0.79 看", "26% high: read × 0.79"),
    )  # fmt: skip
    file = tmp_path_factory.mktemp("reading") / "report.html"
    file.write_text(render(data.model_copy(update={"cards": cards, "trust": [level]})), encoding="utf-8")
    return file


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.en)
def test_the_answer_stands_where_it_is_said_after_two_clicks_at_most(open_page, path: Path, question: Question) -> None:
    page: Page = open_page(path, viewport={"width": 1400, "height": 900})
    assert len(question.clicks) <= MOST_CLICKS
    for click in question.clicks:
        if isinstance(click, str):
            page.locator(click).first.click()
        else:
            page.select_option(click[0], index=click[1])
    answer = page.locator(question.answer).first
    expect(answer).to_be_visible()
    expect(answer).to_contain_text(re.compile(question.says))


def test_what_needs_no_click_stands_on_the_first_screen(open_page, path: Path) -> None:
    page: Page = open_page(path, viewport={"width": 1400, "height": 900})
    for question in QUESTIONS:
        if not question.clicks:
            box = page.locator(question.answer).first.bounding_box()
            assert box is not None
            assert box["y"] < 900, question.zh


def test_the_document_lists_the_questions_with_their_clicks() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOC.read_text("utf-8").splitlines()
        if re.match(r"\| \d+ \|", line)
    ]
    clicks = [str(len(question.clicks)) for question in QUESTIONS]
    for language in ("zh", "en"):
        told = [(row[1], row[3]) for row in rows if bool(re.search("[\u4e00-\u9fff]{4}", row[1])) == (language == "zh")]
        assert told == [(getattr(question, language), count) for question, count in zip(QUESTIONS, clicks)]

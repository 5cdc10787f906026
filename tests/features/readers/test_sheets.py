"""The team's own tag sheet."""

import pytest

from configs.settings import Settings, Tags

ONE, TWO = "7345678901234567891", "7345678901234567892"
ROW = {
    "素材ID": ONE,
    "推广方式": "推直播",
    "商品ID": "2215845795302103137",
    "达人粉丝数": "7.8万",
    "价格": "￥129.00",
    "文案": "限时优惠,看过来",
    "开头类型": "悬念",
    "卖点": "送礼体面、成分安全",
    "场景": "居家/户外",
    "投放时间": "2026/6/12 14:00",
    "剪辑师": "梓涵",
}


@pytest.fixture
def sheet(read, as_csv):
    def reader(*rows, encoding="utf-8-sig", **options):
        return read(as_csv(*rows).encode(encoding), name="素材标签表.csv", folder="exports", **options)

    return reader


def values(found):
    return found.attributes.set_index("name")["value"].to_dict()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gbk"])
def test_a_sheet_gives_attributes_and_tags_as_text(sheet, encoding):
    found = sheet(ROW, encoding=encoding)
    assert found.source == "tag_sheet"
    assert found.metrics.empty
    assert found.problems == []
    assert values(found) == {
        "product_id": "2215845795302103137",
        "creator_followers": "78000",
        "price_cny": "129",
        "copy_text": "限时优惠,看过来",
        "hook": "悬念",
        "selling_point": "成分安全|送礼体面",
        "scene": "居家/户外",
        "launched_at": "2026-06-12T14:00:00",
        "剪辑师": "梓涵",
    }
    assert found.attributes[
        ["promotion_type", "account_id", "creative_id", "origin"]
    ].drop_duplicates().values.tolist() == [["live", "", ONE, "sheet"]]


def test_a_sheet_without_promotion_type_holds_for_all_of_them(sheet):
    row = {name: cell for name, cell in ROW.items() if name != "推广方式"}
    assert set(sheet(row).attributes["promotion_type"]) == {""}


def test_columns_of_the_teams_own_can_be_switched_off(sheet, problems):
    found = sheet(ROW, settings=Settings(tags=Tags(extra=False)))
    assert "剪辑师" not in values(found)
    assert "剪辑师" in problems(found, "note")[0]


def test_results_pasted_into_a_sheet_never_become_tags(sheet, problems):
    found = sheet({**ROW, "7日ROI": "3.2", "GMV(元)": "9000", "是否爆款": "是", "目标ROI": "2.5"})
    assert not {"7日ROI", "GMV(元)", "是否爆款"} & set(values(found))
    assert values(found)["roi_target"] == "2.5"
    assert "outcome" in problems(found, "note")[0]


def test_empty_cells_say_nothing(sheet):
    found = sheet({**ROW, "开头类型": "", "价格": "-", "卖点": "、"})
    assert not {"hook", "price_cny", "selling_point"} & set(values(found))


def test_a_cell_that_cannot_be_read_is_left_out_alone(sheet, problems):
    found = sheet({**ROW, "价格": "面议", "商品ID": "2.2E+18"})
    assert not {"price_cny", "product_id"} & set(values(found))
    assert values(found)["hook"] == "悬念"
    assert [problem.severity for problem in found.problems] == ["note", "note"]


def test_rows_of_one_creative_that_contradict_each_other_are_left_out(sheet, problems):
    found = sheet(ROW, {**ROW, "素材ID": TWO}, {**ROW, "开头类型": "结果前置"})
    assert set(found.attributes["creative_id"]) == {TWO}
    [message] = problems(found, "row")
    assert "row 2, 4" in message
    assert "开头类型" in message
    assert "悬念" in message


def test_rows_that_agree_are_one(sheet):
    found = sheet(ROW, {**ROW, "开头类型": ""})
    assert not found.attributes.duplicated(["creative_id", "name"]).any()
    assert values(found)["hook"] == "悬念"
    assert found.problems == []


def test_an_unknown_promotion_type_leaves_the_row_out(sheet, problems):
    found = sheet(ROW, {**ROW, "素材ID": TWO, "推广方式": "标准推广"})
    assert set(found.attributes["creative_id"]) == {ONE}
    assert "标准推广" in problems(found, "row")[0]


def test_short_rows_of_a_sheet_are_filled_up(read, as_csv):
    lines = as_csv(ROW, {**ROW, "素材ID": TWO}).splitlines()
    cut = lines[1][: lines[1].index(",2026/6/12")]
    found = read("\n".join([lines[0], cut, lines[2]]), name="s.csv")
    assert set(found.attributes["creative_id"]) == {ONE, TWO}

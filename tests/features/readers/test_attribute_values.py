"""Attributes and tags from exports, tag sheets and file names."""

import pytest

from configs.errors import ConfigError
from configs.name_pattern import FileNamePatterns, load_names
from configs.settings import Settings, Tags
from features.readers.attribute_values import file_name_parser

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


def test_empty_cells_are_missing(sheet):
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


SHIPPED = load_names(Settings().names)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        (
            "4月1日-TW45770-直播-图文-信任背书-办公室-素人男-教程-大鹏.mp4",
            {"style": "图文", "hook": "信任背书", "scene": "办公室", "face": "素人男", "script": "教程"},
        ),
        ("7月20日-TW75194-信息流-混剪-这条裙子太显瘦了-小林-ai.mp4", {"style": "混剪"}),
        ("小林_悬念_居家.MP4", {"hook": "悬念", "scene": "居家"}),
        ("a-aigc-VLOG.mp4", {"style": "AIGC", "script": "vlog"}),
        ("达人-专家-口播", {"face": "达人", "viewpoint": "专家", "style": "口播"}),
        ("口播清单-x", {"script": "口播清单"}),
        ("IMG_0001.mp4", {}),
        ("", {}),
    ],
)
def test_words_of_the_vocabulary_are_tags_wherever_they_stand(name, tags):
    assert file_name_parser(SHIPPED)(name) == tags


def test_a_pattern_gives_tags_by_place_and_the_vocabulary_fills_in_the_rest():
    names = FileNamePatterns(
        patterns=("[^-]+-[^-]+-(?P<style>[^-]+)-(?P<hook>[^-]+)-(?P<editor>[^-]+)",),
        vocabulary={"scene": ("居家",), "hook": ("悬念",)},
        synonyms={"家里": "居家"},
    )
    assert file_name_parser(names)("7月20日-TW1-混剪-太显瘦了-小林.mp4") == {
        "style": "混剪",
        "hook": "太显瘦了",
        "editor": "小林",
    }
    assert file_name_parser(names)("悬念-家里.mp4") == {"hook": "悬念", "scene": "居家"}


@pytest.mark.parametrize("pattern", ["(", "no group"])
def test_a_pattern_that_cannot_give_a_tag_is_named_with_its_file(tmp_path, pattern):
    path = tmp_path / "names.yaml"
    path.write_text(f"patterns: ['{pattern}']\n", "utf-8")
    with pytest.raises(ConfigError, match=r"names\.yaml"):
        load_names(path)


def test_a_changed_file_of_names_is_read_anew(tmp_path):
    path = tmp_path / "names.yaml"
    path.write_text("vocabulary: {hook: [悬念]}\n", "utf-8")
    assert file_name_parser(load_names(path))("悬念.mp4") == {"hook": "悬念"}
    path.write_text("vocabulary: {scene: [悬念]}\n", "utf-8")
    assert file_name_parser(load_names(path))("悬念.mp4") == {"scene": "悬念"}
    path.unlink()
    with pytest.raises(ConfigError, match="no such"):
        load_names(path)


def test_names_are_cleaned_of_control_and_direction_marks(read, live, as_csv):
    found = read(as_csv(live(素材视频名称="悬念\u202egpj.exe\u0007")).encode("utf-8"))
    names = found.attributes.query("name == 'creative_name'")["value"].tolist()
    assert names == ["悬念gpj.exe"]


def test_the_newest_value_of_an_attribute_is_kept(read, live, as_csv):
    rows = [
        live(日期="2026-07-02", 素材评估="优质,首发"),
        live(素材评估="低效"),
        live(日期="2026-07-03", 素材评估="--"),
    ]
    labels = read(as_csv(*rows)).attributes.query("name == 'platform_label'")["value"]
    assert labels.tolist() == ["优质|首发"]


def test_the_platforms_status_in_a_sheet_is_an_attribute_and_no_tag(sheet):
    found = values(sheet({**ROW, "投放状态": "余额不足"}))
    assert found["platform_status"] == "余额不足"
    assert "tag_投放状态" not in found


def test_names_identify_where_a_sheet_has_no_ids_and_stand_beside_them_where_it_has(sheet):
    named = {**ROW, "商品名称": "牛肉干", "达人昵称": "小林"}
    found = values(sheet(named))
    assert found["product_name"] == "牛肉干"
    assert found["product_id"] == values(sheet(ROW))["product_id"] != "牛肉干"
    without = {name: cell for name, cell in named.items() if name not in ("商品ID", "达人ID")}
    assert values(sheet(without))["product_id"] == "牛肉干"
    assert values(sheet(without))["creator_id"] == "小林"

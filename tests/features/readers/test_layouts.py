"""Known layouts, header matching and canonical columns."""

import pytest

from configs.errors import ConfigError
from configs.settings import Settings
from features.readers.layouts import load_layouts

GOOD = "name: mine\nmatch: {all: [Ad]}\ncolumns: {creative_id: Ad, clicks: [Clicks, Taps], date: Day}\n"


@pytest.fixture
def own(tmp_path):
    def loader(text, **settings):
        folder = tmp_path / "sources"
        folder.mkdir(exist_ok=True)
        (folder / "mine.yaml").write_text(text, "utf-8")
        return load_layouts(Settings(source_dirs=(*Settings().source_dirs, folder), **settings))

    return loader


def test_all_shipped_layouts_load_and_their_names_are_their_files():
    for folder in Settings().source_dirs:
        names = {path.stem for path in folder.glob("*.yaml")}
    assert {source.name for source in load_layouts(Settings())} == names


def test_settings_choose_among_the_layouts_and_a_wrong_name_lists_them():
    assert [source.name for source in load_layouts(Settings(sources=("tag_sheet",)))] == ["tag_sheet"]
    with pytest.raises(ConfigError, match="tag_sheet"):
        load_layouts(Settings(sources=("tag_shet",)))


def test_a_team_describes_its_own_layout(own, read):
    sources = own(GOOD + "promotion_type: {constant: live}\ntags: {Editor: editor}\n")
    found = read("Ad,Day,Taps,Editor\nx1,2026-07-01,5,Li\n", sources=sources)
    assert found.source == "mine"
    assert found.metrics[["creative_id", "clicks"]].values.tolist() == [["x1", 5.0]]
    assert found.attributes[["name", "value"]].values.tolist() == [["editor", "Li"]]


def test_units_of_a_source_config_are_brought_to_ours(own, read):
    extra = (
        "promotion_type: {constant: live}\ntime_zone: UTC\n"
        "columns: {creative_id: Ad, hour: Hour, impressions: Shown, spend_cny: {headers: [Fen], unit: fen}}\n"
        "ratios: {r: {headers: [Taken], unit: fraction, gives: clicks, of: impressions}}\n"
    )
    sources = own("name: mine\nmatch: {all: [Ad]}\n" + extra)
    row = read("Ad,Hour,Shown,Fen,Taken\nx,2026-07-01 20:00,100,1234,0.07\n", sources=sources).metrics.iloc[0]
    assert row["spend_cny"] == 12.34
    assert row["clicks"] == 7
    assert str(row["period_start"]) == "2026-07-02 04:00:00"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + "colums: {}\n", "colums"),
        (GOOD.replace("clicks", "clickz"), "clicks"),
        (GOOD.replace("creative_id: Ad, ", ""), "creative_id"),
        (GOOD + "time_zone: Beijing\n", "Beijing"),
        (GOOD + "cumulative: true\n", "read_at"),
        (GOOD + "ratios: {ctr: {headers: [CTR], unit: percent, gives: clicks, of: impresions}}\n", "impressions"),
        (GOOD + "tags: {Hook: hook}\n", "hook"),
        (GOOD.replace("{all: [Ad]}", "{all: [Ad], file_name: '('}"), "regular expression"),
    ],
)
def test_a_slip_in_a_source_config_is_named(own, text, words):
    with pytest.raises(ConfigError, match=words) as error:
        own(text)
    assert "mine.yaml" in str(error.value)


def test_headers_are_matched_whole_whatever_their_case_spaces_and_brackets(read, live, as_csv):
    row = live()
    row.pop("净成交金额")
    renamed = {" 素材id ": row.pop("素材ID"), "整体消耗(元)": row.pop("整体消耗"), **row, "净成交金额结算率": "90.00%"}
    found = read(as_csv(renamed))
    assert found.problems == []
    assert found.metrics["spend_cny"].iloc[0] == 1234.56
    assert found.metrics["net_gmv_cny"].iloc[0] == 4500


def test_one_header_twice_is_fine_where_both_columns_agree(read, live, as_csv, problems):
    lines = as_csv(live()).splitlines()
    found = read(f'{lines[0]},整体消耗\n{lines[1]},"1,234.56"')
    assert found.metrics["spend_cny"].tolist() == [1234.56]
    torn = read(f"{lines[0]},整体消耗\n{lines[1]},1")
    assert torn.metrics.empty
    assert "整体消耗" in problems(torn, "file")[0]


def test_money_of_another_basis_is_never_added_up(read, live, as_csv, problems):
    row = {**live(), "综合成本": "1,500.00", "综合营销ROI": "3.00"}
    [message] = problems(read(as_csv(row)), "file")
    assert "comprehensive" in message
    wide = Settings(basis="comprehensive")
    metrics = read(as_csv(row), settings=wide).metrics.iloc[0]
    assert metrics["spend_cny"] == 1500
    assert metrics["net_gmv_cny"] == 4500
    assert problems(read(as_csv(live()), settings=wide), "file")


def test_a_missing_column_and_the_nearest_header_are_named(read, live, as_csv, problems):
    row = live()
    [message] = problems(read(as_csv({"素材编号ID": row.pop("素材ID"), **row})), "file")
    assert "素材编号ID" in message
    assert "qianchuan_export" in message
    assert "tag_sheet" in message


def test_columns_that_are_not_read_are_reported(read, live, as_csv, problems):
    [message] = problems(read(as_csv(live(某个新指标="1"))), "note")
    assert "某个新指标" in message

"""Which files and which layouts there are."""

import pytest

from configs.errors import ConfigError
from configs.settings import Settings
from features.errors import InputError
from features.readers.find_files import find_files
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


def test_a_folder_gives_its_exports_sorted_without_temporary_files(tmp_path):
    for name in (
        "b/2.csv",
        "a/1.xlsx",
        "a/~$1.xlsx",
        ".DS_Store",
        "a/.hidden.csv",
        ".git/x.csv",
        "notes.md",
        "c.csv.part",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [path.name for path in find_files([str(tmp_path)])] == ["1.xlsx", "2.csv"]
    assert [path.name for path in find_files([f"{tmp_path}/*/*.csv", str(tmp_path / "b")])] == ["2.csv"]
    assert [path.name for path in find_files([str(tmp_path / "notes.md")])] == ["notes.md"]


@pytest.mark.parametrize("given", ["", "gone.csv", "*.csv"])
def test_nothing_to_read_says_what_is_expected(tmp_path, given):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(InputError, match=r"\.xlsx"):
        find_files([str(tmp_path / given)])


def test_an_empty_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="found nothing"):
        find_files([str(tmp_path)])

import sys
import unicodedata

import pytest

from configs.errors import ConfigError
from configs.name_pattern import FileNamePatterns, load_names
from configs.settings import Settings
from features.readers.attribute_values import file_name_parser
from features.readers.cells import clean, clean_list

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


def test_control_and_direction_marks_are_stripped_and_text_is_composed_and_capped():
    assert clean("a\u202eb\u0000\u2066c\n\td") == "abc d"
    assert clean("e\u0301") == "é"
    assert len(clean("字" * 5000)) == 2000
    assert clean(" -- ") is None


def test_several_values_are_sorted_and_each_stands_once():
    assert clean_list("送礼体面、成分安全,耐用;成分安全/耐用") == "成分安全|耐用|送礼体面"
    assert clean_list("、") is None


def test_no_control_character_is_left_in_text():
    for letter in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(letter) in ("Cc", "Cs"):
            assert clean(f"a{letter}b") == ("a b" if letter.isspace() else "ab")


def test_a_changed_file_of_names_is_read_anew(tmp_path):
    path = tmp_path / "names.yaml"
    path.write_text("vocabulary: {hook: [悬念]}\n", "utf-8")
    assert file_name_parser(load_names(path))("悬念.mp4") == {"hook": "悬念"}
    path.write_text("vocabulary: {scene: [悬念]}\n", "utf-8")
    assert file_name_parser(load_names(path))("悬念.mp4") == {"scene": "悬念"}
    path.unlink()
    with pytest.raises(ConfigError, match="no such"):
        load_names(path)

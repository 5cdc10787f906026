"""Promotion type, account and creative of every row."""

import pytest

ONE, TWO = "7345678901234567891", "7345678901234567892"


@pytest.mark.parametrize("lost", ["7.34568E+18", "7.3e18"])
def test_an_id_a_spreadsheet_has_ruined_is_refused_with_the_cure(read, live, as_csv, problems, lost):
    found = read(as_csv(live(), live(素材ID=lost)))
    assert found.metrics["creative_id"].tolist() == [ONE]
    [message] = problems(found, "row")
    assert lost in message
    assert "as text" in message


def test_the_same_creative_in_two_accounts_is_two_creatives(read, live, as_csv):
    found = read(as_csv(live(账户ID="1111111"), live(账户ID="2222222")))
    assert found.metrics["account_id"].tolist() == ["1111111", "2222222"]
    assert found.problems == []


@pytest.mark.parametrize(
    ("folder", "account"),
    [
        ("1635078296873626", "1635078296873626"),
        ("账户-旗舰店", "旗舰店"),
        ("account=main", "main"),
        ("12345", "unnamed"),
        ("exports", "unnamed"),
    ],
)
def test_the_folder_names_the_account_where_no_column_does(read, live, as_csv, problems, folder, account):
    found = read(as_csv(live()), folder=folder)
    assert found.metrics["account_id"].tolist() == [account]
    assert len(problems(found, "note")) == (account == "unnamed")


@pytest.mark.parametrize(
    ("change", "name", "promotion"),
    [
        ({}, "x.csv", "live"),
        ({"整体展现次数": "整体展示次数"}, "推直播.csv", "product"),
        ({"整体展现次数": "全域素材视频类型", "基础消耗": "a"}, "x.csv", "live"),
        ({"整体展现次数": "b"}, "x.csv", "live"),
        ({"整体展现次数": "b", "基础消耗": "a"}, "推商品.csv", "product"),
        ({"整体展现次数": "b", "基础消耗": "a"}, "x.csv", None),
        ({"素材视频名称": "营销目标"}, "x.csv", "product"),
    ],
)
def test_headers_give_the_promotion_type(read, live, as_csv, problems, change, name, promotion):
    row = {change.get(header, header): cell for header, cell in live(素材视频名称="推商品").items()}
    found = read(as_csv(row), name=name)
    if promotion is None:
        assert "promotion type" in problems(found, "file")[0]
    else:
        assert found.metrics["promotion_type"].tolist() == [promotion]


def test_impressions_of_both_promotion_types_in_one_file_are_refused(read, live, as_csv, problems):
    [message] = problems(read(as_csv(live(整体展示次数="5"))), "file")
    assert "整体展示次数" in message
    assert "整体展现次数" in message

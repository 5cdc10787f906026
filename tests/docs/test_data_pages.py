"""The pages about data are true: their example is read, their commands run, their headers exist."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from configs.export_layout import ExportLayout
from configs.name_pattern import load_names
from configs.settings import CONFIG_DIR
from features.__main__ import app
from features.partitions.reader import open_partitioned, read_whole
from features.readers.attribute_values import file_name_parser
from sample.__main__ import main as make_sample

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"^`([^`]+)`[^\n]*:\n\n```\w+\n(.*?)```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^    python -m features (.+)$", re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def run_commands(name: str) -> list[str]:
    """What each command of the page prints; all must succeed."""
    printed = []
    for command in COMMAND.findall(page(name)):
        result = CliRunner().invoke(app, command.split(), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        printed.append(result.output)
    return printed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's configs, in which commands are run."""
    (tmp_path / "configs").symlink_to(CONFIG_DIR, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_layout_of_the_page_is_read_as_the_page_says(project: Path) -> None:
    files = dict(FILE.findall(page("sources.md")))
    assert list(files) == ["my-exports/日报.csv", "my-sources/daily_report.yaml", "my.yaml"]
    for name, content in files.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(content, "gbk" if name.endswith(".csv") else "utf-8")
    assert len(run_commands("sources.md")) == 3
    metrics = pd.read_parquet(project / "var/my-parquet/metrics.parquet").set_index("creative_id")
    assert list(metrics.index) == ["90001", "90002"]
    assert set(metrics["promotion_type"]) == {"product"}
    assert set(metrics["account_id"]) == {"旗舰店"}
    assert list(metrics["spend_cny"]) == [250.50, 1800.00]
    assert list(metrics["plays_3s"]) == [372.0, 3024.0]
    assert metrics.loc["90001", ["impressions", "clicks", "orders", "gmv_cny"]].tolist() == [1200, 36, 3, 297]
    creatives = pd.read_parquet(project / "var/my-parquet/creatives.parquet")
    assert list(creatives["tag_editor"]) == ["小林", "阿杰"]


@pytest.mark.slow
def test_the_commands_of_the_data_page_work_on_the_sample_world(project: Path) -> None:
    arguments = [
        "--out",
        "var/sample-exports",
        "--truth",
        "var/sample-truth.parquet",
        "--creatives",
        "60",
        "--days",
        "14",
    ]
    assert make_sample(arguments) == 0
    assert len(run_commands("data.md")) == 4
    assert {path.name for path in (project / "var/sample-parquet").iterdir()} == {
        "metrics.parquet",
        "creatives.parquet",
        "revisions.parquet",
    }
    whole = read_whole(open_partitioned(str(project / "var/sample-dataset")))
    pd.testing.assert_frame_equal(whole.metrics, pd.read_parquet(project / "var/sample-parquet/metrics.parquet"))
    pd.testing.assert_frame_equal(whole.creatives, pd.read_parquet(project / "var/sample-parquet/creatives.parquet"))


def test_the_table_of_columns_is_the_one_that_the_command_prints() -> None:
    result = CliRunner().invoke(app, ["columns"], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.strip() in page("data.md")


def test_the_file_name_of_the_page_gives_the_tags_of_the_page() -> None:
    name, text = re.findall(r"`(7月20日-[^`]+\.mp4)` gives ([^.]+)\.", page("data.md"))[0]
    tags = dict(pair.split(" ") for pair in text.split(", "))
    assert file_name_parser(load_names(CONFIG_DIR / "names.yaml"))(name) == tags


def test_every_key_of_a_source_config_and_every_header_of_a_promotion_type_is_on_its_page() -> None:
    text = page("sources.md")
    assert not [key for key in ExportLayout.model_fields if f"`{key}`" not in text and f"{key}:" not in text]
    export = yaml.safe_load((CONFIG_DIR / "sources" / "qianchuan_export.yaml").read_text("utf-8"))
    for rule in export["promotion_type"]["by_header"]:
        assert all(header in page("data.md") for header in rule["any"])

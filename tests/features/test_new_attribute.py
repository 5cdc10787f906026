"""Adding an attribute takes an entry in `features.attributes` and its headers in a source config: the rest follows.

The module-level tables are derived at import, so the attribute is added in a process of its own.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from configs.settings import CONFIG_DIR

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

SCRIPT = """
import json, sys
from pathlib import Path

import features.attributes as declared
from features.attributes import Attribute, names_of
from features.bilingual import Words

label = Words("达人等级", "KOC's level")
new = Attribute("creator_level", "number", label, bounds={"ge": 0, "le": 9}, group="creator_id")
declared.CREATIVE_ATTRIBUTES = (*declared.CREATIVE_ATTRIBUTES, new)
declared.ATTRIBUTE_OF["creator_level"] = new
declared.NUMBER_ATTRIBUTES = (*declared.NUMBER_ATTRIBUTES, new)

from configs.settings import Settings
from features.funnel_model.terms import LOG_SLOPES
from features.matrix.catalogue import NUMBERS
from features.readers.export_file import read_export
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load
from serving.api.requests import Creative
from serving.mounts.openapi import schema
from serving.report.contribution_groups import feature_group

folder = Path(sys.argv[1])
settings = Settings(source_dirs=(folder / "sources",), var=folder / "var")
with open_store(folder / "store.duckdb") as store:
    ingest(store, [str(folder / "exports")], settings)
    creatives = load(store, settings).creatives
feature = next(one for one in NUMBERS if one.name == "log_creator_level")
key = {"creative_id": "1", "promotion_type": "live", "account_id": "2"}
accepted = Creative(**key, creator_level=3.0).creator_level
try:
    Creative(**key, creator_level=12.0)
    refused = False
except ValueError:
    refused = True
print(json.dumps({
    "stored": creatives["creator_level"].tolist(),
    "label": [feature.zh, feature.en],
    "slope": LOG_SLOPES.get("log_creator_level"),
    "accepted": accepted,
    "refused": refused,
    "variations": "creator_level" in names_of("number", requested=True),
    "described": "creator_level" in json.dumps(schema("predict", 500)),
    "report_group": feature_group("log_creator_level", {}, ()),
}))
"""


def test_a_new_attribute_reaches_store_matrix_model_contract_and_report(tmp_path: Path) -> None:
    header = "达人等级"
    (tmp_path / "sources").mkdir()
    for path in (CONFIG_DIR / "sources").glob("*.yaml"):
        source = yaml.safe_load(path.read_text("utf-8"))
        if source["name"] == "tag_sheet":
            source["columns"]["creator_level"] = [header]
        (tmp_path / "sources" / path.name).write_text(yaml.safe_dump(source, allow_unicode=True), "utf-8")
    (tmp_path / "exports").mkdir()
    sheet = f"素材ID,账户ID,推广方式,{header}\n7530001234567890123,11,推直播,3\n7530001234567890124,11,推直播,5\n"
    (tmp_path / "exports" / "tags.csv").write_text(sheet, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    assert found["stored"] == [3.0, 5.0]
    assert found["label"] == ["达人等级", "KOC's level"]
    assert found["slope"] == "creator_level"
    assert found["accepted"] == 3.0
    assert found["refused"]
    assert found["described"]
    assert found["variations"]
    assert found["report_group"] == "creator_id"

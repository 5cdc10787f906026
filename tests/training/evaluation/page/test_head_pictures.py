"""Pictures of the heads on the page: read from the folder of an evaluation, absent for heads without trees."""

from base64 import b64encode
from pathlib import Path

import pandas as pd

from features.bilingual import Words
from training.atomic_write import write_table
from training.evaluation.files import HeadFacts
from training.evaluation.page.head_pictures import read_head_pictures

HOSTILE = "=<script>alert(1)</script>\u202e,\n\"'"


def head(name: str) -> HeadFacts:
    return HeadFacts(
        name=name, zh=f"{name}头", en=f"head {name}", rounds=3, tuned=False, weights={}, funnel_deviance=None,
        deviance=None, tuning_gain=None, tuning_error=None, holdout={},
    )  # fmt: skip


def test_a_head_has_its_pictures_and_the_names_in_them_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "shap").mkdir()
    for kind in ("beeswarm", "bar"):
        (tmp_path / "shap" / f"gmv_{kind}.png").write_bytes(kind.encode())
    (tmp_path / "shap" / "keep_bar.png").write_bytes(b"alone")
    names = {"zh": ["钩子", HOSTILE, "NA"], "en": ["hook", HOSTILE, "NA"]}
    table = pd.DataFrame({"head": ["gmv", "gmv", "keep"], "feature": ["a", "b", "c"], **names, "mean_abs_log": 0.1})
    write_table(table, tmp_path / "shap" / "importance.csv")
    gmv, keep = read_head_pictures([head("gmv"), head("keep")], tmp_path)
    assert gmv.label == Words("gmv头", "head gmv")
    assert gmv.images == [b64encode(kind).decode() for kind in (b"beeswarm", b"bar")]
    assert gmv.features[0] == Words("钩子", "hook")
    assert gmv.features[1].en == f"'{HOSTILE}"  # made safe for spreadsheets, and escaped by the page
    assert (keep.images, keep.features) == ([], [])


def test_without_pictures_every_head_is_there_without(tmp_path: Path) -> None:
    found = read_head_pictures([head("gmv")], tmp_path)
    assert [(one.images, one.features) for one in found] == [([], [])]

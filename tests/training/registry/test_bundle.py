"""Bundles: restored to the same bits, and refused when a file was changed."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.settings import Dask
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import Loaded
from training.boosting.model import Choice, fit_model
from training.boosting.recipe import Recipe, out_of_fold
from training.boosting.stack import Stack
from training.data.dataset import fit_features, prepare, rows_of
from training.errors import BundleError
from training.explanation.contributions import all_contributions
from training.labels.splits import holdout_split
from training.registry import bundle
from training.registry.bundle import MANIFEST, SEAL, load_bundle, save_bundle
from training.uncertainty import fit_uncertainty

HOSTILE = [
    '"引号"',
    "a,b",
    "两\n行",
    "x=y",
    "u|v",
    "😀好",
    "\u200fערב\u202e",
    "{}[]:",
    "C:\\路径",
    "\t",
    "nan",
    "</script>",
]
STAMP = {
    "created_at": "2026-05-01T00:00:00+00:00",
    "data_fingerprint": "f" * 64,
    "data_until": "2026-05-01T00:00:00",
    "trained_until": "2026-04-21T00:00:00",
    "summary": {"gpm/spearman": 0.5, "gpm/rows": None},
}


@pytest.fixture(scope="module")
def written(model, quick, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "bundle"
    save_bundle(folder, model, quick, **STAMP)
    return folder


@pytest.fixture
def copy(written: Path, folder: Path) -> Path:
    shutil.copytree(written, folder)
    return folder


def refused(folder: Path) -> str:
    with pytest.raises(BundleError) as error:
        load_bundle(folder)
    assert error.value.zh.startswith(f"{folder}：")
    return str(error.value)


def test_a_bundle_does_not_say_where_it_was_made(folder, model, quick) -> None:
    elsewhere = quick.model_copy(update={"dask": Dask(work="sftp://me:s3cret@host/work")})
    save_bundle(folder, model, elsewhere, **STAMP)
    assert "s3cret" not in (folder / MANIFEST).read_text(encoding="utf-8")


def test_a_bundle_gives_back_the_same_predictions_bit_for_bit(written, model, dataset, same_bits) -> None:
    loaded, manifest = load_bundle(written)
    counts = ArrayFrame.of(dataset.observed)
    before, after = build_features(counts, model.fitted), build_features(counts, loaded.fitted)
    same_bits(after.values.frame(), before.values.frame())
    assert after.catalogue == before.catalogue
    same_bits(loaded.predict(after), model.predict(before))
    for left, right in zip(all_contributions(loaded, after), all_contributions(model, before)):
        assert list(left) == list(right)
        for name in left:
            same_bits(left[name].frame(), right[name].frame())
    assert loaded.fitted == model.fitted
    assert manifest.settings == dataset.settings
    assert manifest.summary == STAMP["summary"]


def test_what_was_learnt_of_an_account_comes_back_and_a_bundle_without_it_is_read(folder, model, quick) -> None:
    save_bundle(folder, replace(model, dispersion={"live a": 1 / 3}), quick, **STAMP)
    assert load_bundle(folder)[0].dispersion == {"live a": 1 / 3}
    save_bundle(folder, model, quick, **STAMP)
    assert load_bundle(folder)[0].dispersion == {}


def test_choices_come_back_as_they_were_made(folder, model, quick, choices) -> None:
    """A refresh trains by them: figures to the last bit, and what the study found beside what was taken."""
    found = replace(choices["gmv"], tuned=True, deviance=1 / 3, funnel_deviance=0.4, gain=0.1, gain_error=0.01)
    given = {**choices, "gmv": replace(found, alternative=choices["gmv"])}
    save_bundle(folder, model, quick, **STAMP, choices=given)
    assert load_bundle(folder)[1].choices == given
    assert Recipe(load_bundle(folder)[1].choices) == Recipe(given)


def test_a_bundle_is_text_and_json_and_nothing_that_runs(written) -> None:
    assert {path.suffix for path in written.iterdir()} == {".json", ".txt", ".sha256"}
    for path in written.iterdir():
        path.read_text(encoding="utf-8")
        assert b"\x80\x04" not in path.read_bytes()  # how a pickle starts


def test_a_changed_byte_in_any_file_is_refused_and_the_file_named(written, folder) -> None:
    names = sorted(path.name for path in written.iterdir())
    assert len(names) > 10
    for name in names:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(written, folder)
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
        message = refused(folder)
        assert name in message
        assert "train again" in message


def test_a_missing_file_is_refused_and_named(written, folder) -> None:
    for name in sorted(path.name for path in written.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(written, folder)
        (folder / name).unlink()
        message = refused(folder)
        assert f"{name} is missing" in message
        assert "train again" in message


@pytest.mark.parametrize("name", ["more.json", "stage_extra.txt", "code.py", ".hidden"])
def test_an_added_file_is_refused(copy, name) -> None:
    (copy / name).write_text("{}")
    assert f"{name} does not belong" in refused(copy)


def test_an_added_folder_is_refused(copy) -> None:
    (copy / "more").mkdir()
    assert "more does not belong" in refused(copy)


def test_what_is_no_bundle_is_refused(tmp_path) -> None:
    assert "is no model bundle" in refused(tmp_path)
    assert "is no model bundle" in refused(tmp_path / "absent")


def reseal(folder: Path, **changed: object) -> None:
    """The manifest changed by someone who knows how to seal it."""
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    (folder / SEAL).write_text(hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"format": 99}, "format 99, this version reads 6"),
        ({"feature_fingerprint": "0" * 64}, "other features"),
        ({"surprise": 1}, "cannot be read by this version"),
    ],
)
def test_a_bundle_of_another_make_is_refused(copy, changed, expected) -> None:
    reseal(copy, **changed)
    message = refused(copy)
    assert expected in message
    assert "rain again" in message


def test_features_computed_otherwise_are_refused(copy, monkeypatch) -> None:
    monkeypatch.setattr(bundle, "FEATURES_VERSION", bundle.FEATURES_VERSION + 1)
    assert "other features" in refused(copy)


def test_a_label_may_change_and_a_name_may_not(copy, monkeypatch) -> None:
    real = bundle.declare
    monkeypatch.setattr(bundle, "declare", lambda fitted: [replace(one, zh="新名", en="new") for one in real(fitted)])
    load_bundle(copy)
    monkeypatch.setattr(bundle, "declare", lambda fitted: [replace(one, name=f"{one.name}_") for one in real(fitted)])
    assert "other features" in refused(copy)


@pytest.mark.parametrize(("failing_call", "left"), [(1, 1), (2, 1)])
def test_a_write_that_fails_leaves_the_old_bundle(copy, model, quick, monkeypatch, failing_call, left) -> None:
    real, calls = os.replace, []

    def failing(*paths: object) -> None:
        calls.append(paths)
        if len(calls) == failing_call:
            raise OSError("disk full")
        real(*paths)

    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    monkeypatch.setattr(bundle.os, "replace", failing)
    with pytest.raises(OSError, match="disk full"):
        save_bundle(copy, model, quick, **STAMP | {"data_until": "2026-06-01T00:00:00"})
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
    assert len(list(copy.parent.iterdir())) == left  # and no drafts beside it
    load_bundle(copy)


def test_a_new_bundle_takes_the_place_of_the_old(copy, model, quick) -> None:
    save_bundle(copy, model, quick, **STAMP | {"data_until": "2026-06-01T00:00:00"})
    assert load_bundle(copy)[1].data_until == "2026-06-01T00:00:00"
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_hostile_tag_values_survive_training_saving_loading_and_predicting(
    small_world, quick, folder, same_bits
) -> None:
    """Quotes, commas, lines, equals signs, bars, emoji and marks of direction, in tags, categories and KOCs."""
    words = pd.Series([HOSTILE[place % len(HOSTILE)] for place in range(len(small_world.creatives))], dtype="str")
    creatives = small_world.creatives.assign(
        tag_hook=words,
        tag_selling_point="好用|" + words.str.replace("|", ""),
        category=words.iloc[::-1].to_numpy(),
        creator_id=words,
        creative_source=words,
        copy_text=words + small_world.creatives["copy_text"],
    )
    creatives['tag_自有, "标签"=|\n'] = words
    dataset = prepare(Loaded(small_world.metrics, creatives), quick)
    train, holdout, starts = holdout_split(dataset.rows, 7)
    fitted = fit_features(dataset, train, starts)
    trees = quick.trees.model_copy(update={"min_data_in_leaf": 5, "cat_smooth": 1.0})
    stack = Stack(bayes=0.1, funnel=0.3, trees=0.6)
    choices = {"gmv": Choice(trees, 20, stack), "keep": Choice(trees, 5, stack)}
    model = fit_model(*rows_of(dataset, train, fitted), fitted, choices, quick)
    save_bundle(folder, model, quick, **STAMP)
    loaded, _ = load_bundle(folder)
    features = build_features(ArrayFrame.of(dataset.observed[holdout]), loaded.fitted)
    assert not np.isnan(features.values["tag_hook"]).any()
    same_bits(loaded.predict(features), model.predict(features))
    left, right = (all_contributions(one, features)[1]["net_gpm"] for one in (loaded, model))
    same_bits(left.frame(), right.frame())
    assert set(HOSTILE) == set(loaded.fitted.encoder.codes["tag_hook"])


def test_intervals_are_restored_to_the_last_bit(model, dataset, cut, quick, folder, holdout_rows) -> None:
    settings = quick.model_copy(update={"interval": quick.interval.model_copy(update={"min_rows": 50})})
    uncertainty = fit_uncertainty(out_of_fold(dataset, cut[0], Recipe()), dataset.funnel, settings)
    assert uncertainty is not None
    save_bundle(folder, replace(model, uncertainty=uncertainty), quick, **STAMP)
    loaded, _ = load_bundle(folder)
    assert loaded.uncertainty == uncertainty
    predicted = loaded.predict(holdout_rows[0])
    of_both = (known.of(predicted, holdout_rows[0]).intervals for known in (uncertainty, loaded.uncertainty))
    left, right = map(pd.DataFrame, of_both)
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_a_model_without_intervals_is_loaded_without(copy) -> None:
    assert load_bundle(copy)[0].uncertainty is None

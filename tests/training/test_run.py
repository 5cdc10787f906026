"""A run from loaded data to a registered model: once as it is, once more, and on thin data."""

import json
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.models import Model
from rich.console import Console

from configs.settings import Dask
from features.matrix.feature_matrix import declare
from features.schema import KEY, Loaded
from training.boosting.recipe import Recipe
from training.console import details, show_result
from training.data.dataset import prepare
from training.data.metrics_source import InMemorySource
from training.errors import BundleError, TooThinError
from training.evaluation.acceptance import Judgement, Measured
from training.evaluation.files import RUN_FACTS, read_evaluation
from training.evaluation.page.render import CARD, PAGE
from training.evaluation.page.sentences import five_sentences
from training.mlflow_address import mlflow_address
from training.progress import ProgressCallbacks
from training.registry import mlflow_tracking as tracking
from training.registry.bundle import load_bundle
from training.registry.champion import keep_for_service, model_for
from training.registry.champion_finder import ChampionFinder
from training.run import train_and_register
from training.run_record import by_age_figures, headline_figures, verdict_figures
from training.steps import supported_by, uses_of_creatives
from training.workspace import MODEL_CACHE, Workspace, data_fingerprint

# MLflow's own: deprecated calls of its SQL store, and connections left to the garbage collector.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


HEADS = ["gmv", "cost", "keep", "typical_volume", "volume"]


def registered_run(loaded, space, settings, **chosen: bool):
    lines: list[str] = []
    return train_and_register(
        InMemorySource(loaded), space, settings, ProgressCallbacks(line=lines.append), **chosen
    ), lines


def space_in(folder: Path, name: str) -> Workspace:
    (folder / name).mkdir(parents=True)
    return Workspace(name, folder / name, mlflow_address(folder / "mlflow.db"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def space(folder) -> Workspace:
    """A name with a quote, as folders may have."""
    return space_in(folder, "o'brien 七月")


@pytest.fixture(scope="module")
def first(small_world, space, quick):
    return registered_run(small_world, space, quick)


def test_the_first_model_is_registered_and_becomes_champion(first, space) -> None:
    result, lines = first
    assert (result.registered.version, result.comparison.promoted) == ("1", True)
    assert tracking.champion(space) == result.registered
    assert any(line.startswith("tuning: 2 trials per head on 2 folds") for line in lines)
    assert list(result.recipe.choices) == HEADS
    assert [head.name for head in result.heads] == HEADS


def test_a_refresh_takes_the_champions_recipe_and_tunes_nothing(first, folder, space, small_world, quick) -> None:
    recipe = Recipe(model_for(space, None)[1].choices)
    assert recipe == first[0].recipe  # as it came back from the bundle
    refreshed = train_and_register(
        InMemorySource(small_world),
        space_in(folder, "refreshed"),
        quick,
        ProgressCallbacks(trial=lambda *_: pytest.fail("a trial was run")),
        recipe=recipe,
    )
    assert refreshed.recipe == recipe
    assert refreshed.heads == first[0].heads
    pd.testing.assert_frame_equal(refreshed.figures, first[0].figures)


def test_the_registered_model_is_the_one_in_the_folder(first, space, small_world) -> None:
    model, manifest, name, _ = model_for(space, None)
    _, own = load_bundle(space.bundle)
    assert manifest == own
    assert name == f"{space.registered_model} version 1"
    assert manifest.data_fingerprint == data_fingerprint(small_world)
    assert manifest.trained_until == manifest.data_until == small_world.metrics["period_end"].max().isoformat()
    evaluated = load_bundle(space.evaluation_bundle)[1]
    assert evaluated.trained_until == first[0].holdout_since.isoformat() < manifest.trained_until
    assert model.fitted.funnel.targets == ["gpm", "net_gpm", "roi", "net_roi", "later_impressions"]
    assert model_for(space, space.evaluation_bundle)[1] == evaluated


def test_a_run_can_be_found_in_mlflow_and_says_what_it_is(first, space) -> None:
    client = MlflowClient(space.mlflow.tracking)
    run = client.get_run(first[0].registered.run_id)
    assert run.info.run_name == f"{space.name} until {load_bundle(space.bundle)[1].data_until[:10]}"
    assert 20 < len(run.data.metrics) <= 60
    assert {"gpm/rank", "roi/total", "net_roi/deviance", "head/gmv/trees"} < set(run.data.metrics)
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.digest == load_bundle(space.bundle)[1].data_fingerprint[:12]
    version = client.get_model_version(space.registered_model, "1")
    for text in (run.data.tags["mlflow.note.content"], version.description):
        assert all(sentence.zh[:4] in text for sentence in five_sentences(first[0].judged, first[0].level))
    experiment = client.get_experiment_by_name(space.name)
    assert tracking.experiment_path(space) == f"/#/experiments/{experiment.experiment_id}"


def test_the_bundle_says_its_columns_to_mlflow(first, space) -> None:
    signature = Model.load(str(space.bundle)).signature
    fitted = load_bundle(space.bundle)[0].fitted
    assert signature.inputs.input_names() == [feature.name for feature in declare(fitted)]
    assert signature.outputs.input_names() == fitted.funnel.targets


def test_a_new_champion_is_kept_where_a_service_looks_for_it(first, space, tmp_path, monkeypatch) -> None:
    assert keep_for_service(space, tmp_path) == ""
    finder = ChampionFinder(space.mlflow, tmp_path / MODEL_CACHE, 10**9)
    monkeypatch.setattr(subprocess, "Popen", None)  # MLflow's client is not needed again
    found = finder.find()
    assert load_bundle(finder.folder(found))[1].data_fingerprint == load_bundle(space.bundle)[1].data_fingerprint


def test_predictions_and_evaluation_lie_in_the_workspace(first, space, small_world) -> None:
    table = pd.read_csv(first[0].predictions)
    assert len(table) == first[0].predicted_creatives == len(small_world.creatives)
    assert (table["gpm"] > 0).all()
    evaluation = {found.name for found in (space.folder / "evaluation").iterdir()}
    tables = {"figures.csv", "holdout.parquet", "deciles.csv", "lift.csv", "earliness.csv"}
    assert evaluation >= {*tables, RUN_FACTS, PAGE, CARD}
    card = (space.folder / "evaluation" / CARD).read_text("utf-8")
    assert (space.bundle / CARD).read_text("utf-8") == card
    assert f"# {space.registered_model}\n" in unescape(card)
    logged = {path.name for path in (space.folder / "runs" / first[0].registered.run_id / "artifacts").iterdir()}
    assert evaluation | {tracking.METRICS} < logged
    about = read_evaluation(space.folder / "evaluation").facts
    assert about.data_fingerprint == data_fingerprint(small_world)
    assert about.heads == first[0].heads
    assert {one.aspect for one in first[0].judged} >= {"ranking", "level", "intervals"}
    headline = load_bundle(space.bundle)[1].summary
    assert headline == json.loads(json.dumps(headline_figures(first[0].figures)))
    assert set(by_age_figures(first[0].figures)) >= {"gpm/all_ages/gpmcast/spearman", "roi/168h/carry-forward/deviance"}


def test_verdicts_are_logged_by_target_and_aspect_and_undecided_ones_are_absent() -> None:
    figure = Measured(("roi",), 0.5, 0.4, 0.6, 300)
    judged = [
        Judgement("roi", "ranking", "usable", figure),
        Judgement("roi", "level", "caution", figure),
        Judgement("roi", "intervals", "unusable", figure),
        Judgement("hit", "chances", "undecided", figure),
    ]
    assert verdict_figures(judged) == {
        "acceptance/roi/ranking": 1.0,
        "acceptance/roi/level": 0.0,
        "acceptance/roi/intervals": -1.0,
    }


def test_the_summary_names_the_page_and_stays_short(first, space) -> None:
    out = Console(file=StringIO(), width=120)
    show_result(first[0], space, ["exports"], "", space.folder / "train.log", "en", out)
    text = out.file.getvalue()
    assert str(space.folder / "evaluation" / PAGE) in text
    assert (
        text.index("What it can be used for:")
        < text.index("Nothing can be judged yet: ")
        < text.index("make report DATA='exports'")
    )
    assert text.index("make report") < text.index("make serve")
    assert len(text.splitlines()) <= 24
    assert any("Head gmv: " in line for line in details(first[0], space))
    chinese = Console(file=StringIO(), width=120)
    show_result(first[0], space, ["exports"], "", space.folder / "train.log", "zh", chinese)
    for said in ("标签：", "能用来做什么：", "成为冠军模型（此前没有冠军）", "下一步：", "个素材的预测"):
        assert said in chinese.file.getvalue()


def test_no_password_is_on_the_console_or_among_what_a_run_logs(first, folder, space, quick, tmp_path) -> None:
    out = Console(file=StringIO(), width=120)
    show_result(first[0], space, ["abfss://one:s3cret@account/set"], "", space.folder / "train.log", "zh", out)
    assert "DATA='abfss://one@account/set'" in out.file.getvalue()
    assert "s3cret" not in out.file.getvalue()
    elsewhere = quick.model_copy(update={"dask": Dask(work="sftp://me:s3cret@host/work")})
    logging = space_in(folder, "logging")
    with tracking.tracked_run(logging) as run_id:
        tracking.log_run(elsewhere, {}, {}, {}, tracking.LoggedData("d", "0" * 64, {}, ["a"]), tmp_path)
    params = MlflowClient(logging.mlflow.tracking).get_run(run_id).data.params
    assert params["dask.work"] == "sftp://me@host/work"


def test_the_same_run_again_is_a_new_version_that_is_not_promoted(first, small_world, space, quick) -> None:
    result, _ = registered_run(small_world, space, quick)
    assert result.registered.version == "2"
    assert not result.comparison.promoted
    assert tracking.champion(space) == first[0].registered
    baseline, _ = registered_run(small_world, space, quick, baseline=True)
    assert baseline.recipe.choices == {}
    assert load_bundle(space.bundle)[0].boosters == {}
    assert baseline.comparison.promoted == (
        "deviance" in baseline.comparison.reason.en and _better(baseline.comparison.reason.en)
    )


def _better(reason: str) -> bool:
    words = reason.split()
    return float(words[1]) < float(words[5])


def test_a_champion_whose_files_are_gone_gives_a_clear_error(folder, small_world, quick) -> None:
    space = space_in(folder, "gone")
    registered_run(small_world, space, quick, baseline=True)
    assert tracking.champion(space) is not None
    shutil.rmtree(space.folder / "runs")
    assert "a folder that this machine does not have" in keep_for_service(space, space.folder)
    with pytest.raises(BundleError, match=r"gpmcast-gone version 1: its files cannot be read from the registry"):
        model_for(space, None)
    # Training again is the cure: the new version takes the place of one that nobody can use.
    again, _ = registered_run(small_world, space, quick, baseline=True)
    assert again.comparison.promoted
    assert "cannot be used any more" in again.comparison.reason.en
    assert model_for(space, None)[2] == "gpmcast-gone version 2"


def test_without_a_champion_the_error_says_how_to_get_one(folder) -> None:
    with pytest.raises(BundleError) as refused:
        model_for(space_in(folder, "empty"), None)
    assert "make train" in str(refused.value)
    assert "gpmcast-empty" in str(refused.value)


def with_thin(dataset, **thin: int):
    settings = dataset.settings
    changed = settings.model_copy(update={"thin": settings.thin.model_copy(update=thin)})
    return replace(dataset, settings=changed)


def test_thin_data_are_refused_with_what_is_there_what_is_needed_and_where_the_rest_is(dataset, cut) -> None:
    rich = with_thin(dataset, min_creatives=600, small_creatives=500, min_orders=10**7, small_orders=10**6)
    with pytest.raises(TooThinError) as refused:
        supported_by(rich)
    trained = dataset.observed.loc[cut[0], KEY].drop_duplicates()
    orders = dataset.loaded.metrics.merge(trained, on=KEY)["orders"].sum()
    text = str(refused.value)
    assert f"{len(trained)} creatives with a closed outcome (500 needed, 600 for the full model)" in text
    assert f"{int(orders):,} orders of these creatives (1,000,000 needed" in text
    assert "make train BASELINE=1" in text
    uses = uses_of_creatives(dataset, *cut[:2])
    assert sum(uses.values()) == len(dataset.source.creatives)
    assert f"{len(trained)} closed for training" in text
    assert all(f"{count:,} {use.en}" in text for use, count in uses.items())
    assert all(f"{count:,} 个{use.zh}" in refused.value.zh for use, count in uses.items())
    assert f"{len(trained)} 个结果已出的素材（至少 500，完整模型 600）" in refused.value.zh


def test_what_is_enough_for_the_funnel_is_small_and_what_is_enough_for_all_is_full(dataset, cut) -> None:
    full = supported_by(dataset)
    assert full.amount == "full"
    assert all((mine == whole).all() for mine, whole in zip((full.train, full.holdout), cut[:2]))
    assert supported_by(with_thin(dataset, min_creatives=600, small_creatives=20)).amount == "small"
    assert supported_by(with_thin(dataset, min_orders=10**7, small_orders=20)).amount == "small"


def test_a_small_model_is_the_funnel_alone_says_so_and_has_intervals(folder, small_world, quick) -> None:
    few = quick.model_copy(update={"thin": quick.thin.model_copy(update={"min_creatives": 600, "small_creatives": 20})})
    space = space_in(folder, "small")
    result, lines = registered_run(small_world, space, few)
    assert result.recipe.choices == {}
    assert any("the model is the funnel model alone" in line for line in lines)
    model, _ = load_bundle(space.bundle)
    assert model.boosters == {}
    assert model.uncertainty is not None
    assert model.fitted.funnel_models
    assert read_evaluation(space.evaluation).facts.small
    assert "小样本：仅漏斗模型" in (space.evaluation / PAGE).read_text("utf-8")


def test_the_baseline_works_on_thin_data(folder, small_world, quick) -> None:
    """Eight creatives: no folds, no trees, hardly a holdout, and still predictions."""
    few = small_world.creatives.iloc[::15].reset_index(drop=True)
    loaded = Loaded(small_world.metrics.merge(few[KEY], on=KEY), few)
    strict = quick.model_copy(
        update={"thin": quick.thin.model_copy(update={"min_creatives": 50, "small_creatives": 50})}
    )
    rows = prepare(loaded, strict)
    with pytest.raises(TooThinError, match="BASELINE=1"):
        supported_by(rows)
    result, _ = registered_run(loaded, space_in(folder, "thin"), strict, baseline=True)
    assert result.comparison.promoted
    table = pd.read_csv(result.predictions)
    assert len(table) == 8
    assert table[["gpm", "net_roi", "later_impressions"]].notna().all().all()

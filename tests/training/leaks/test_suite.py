"""Each planted leak fails its check, and a clean data set fails none."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from features.point_in_time.entity_history import Entity
from features.point_in_time.snapshots import SNAPSHOT
from features.schema import KEY, Loaded, check_creatives, check_metrics
from training.__main__ import app
from training.data.dataset import Dataset, prepare
from training.labels.outcomes import MATURE
from training.labels.splits import folds, holdout_split
from training.leaks.columns import DATED_GROUPS, is_blend
from training.leaks.findings import Finding, failed, show_findings
from training.leaks.post_delivery_labels import PLATFORM_LABELS, TEAM_VERDICTS, check_labels
from training.leaks.recompute import Moment, check_future_permuted, check_own_rows, check_recomputed, moments_to_try
from training.leaks.suite import (
    IDS,
    MISSING_VALUES,
    SINGLE_COLUMN,
    association_checks,
    fitted_before_holdout,
    observe_counts,
    run_leaks,
)
from training.leaks.windows import check_no_overlap, check_split

pytestmark = pytest.mark.slow

DAY = pd.Timedelta(days=1)


def draw() -> np.random.Generator:
    return np.random.default_rng(3)


def few_moments(dataset: Dataset) -> list[Moment]:
    return moments_to_try(dataset, draw())[1:4]


def first_week(dataset: Dataset, figure: str) -> np.ndarray:
    """Each creative's figure of its first week, in the order of creatives; the mean where it is not known."""
    born = dataset.observed["age_hours"] == 0
    weeks = pd.concat([dataset.observed.loc[born, KEY], dataset.outcome.loc[born, f"later:{figure}"]], axis=1)
    found = dataset.loaded.creatives[KEY].merge(weeks, on=KEY, how="left")[f"later:{figure}"]
    return found.fillna(found.mean()).to_numpy()


def with_columns(dataset: Dataset, **columns: np.ndarray) -> Dataset:
    """The same data with columns of the sheet added or replaced."""
    texts = {name: pd.Series(values, dtype="str") for name, values in columns.items()}
    return prepare(Loaded(dataset.loaded.metrics, dataset.loaded.creatives.assign(**texts)), dataset.settings)


def too_early(dataset: Dataset) -> dict[str, Finding]:
    return {finding.check: finding for finding in association_checks(dataset, fitted_before_holdout(dataset))}


@pytest.fixture(scope="module")
def clean(dataset) -> dict[str, Finding]:
    return {finding.check: finding for finding in run_leaks(dataset)}


def test_a_clean_world_fails_no_check_and_skips_none(clean) -> None:
    verdicts = {name: finding.verdict for name, finding in clean.items()}
    # A hook that makes half of the clicks is a REVIEW, but no leak.
    assert verdicts.pop(SINGLE_COLUMN) == "REVIEW"
    assert "tag_hook → later click" in clean[SINGLE_COLUMN].found
    assert set(verdicts.values()) == {"PASS"}
    assert len(verdicts) == 8
    assert not failed(list(clean.values()))


def test_the_documentation_has_every_check_in_its_order(clean) -> None:
    page = (Path(__file__).parents[3] / "docs" / "leaks.md").read_text("utf-8")
    assert re.findall(r"^\d\. \*\*(.+?)\*\*", page, re.MULTILINE) == list(clean)
    for words in (PLATFORM_LABELS, TEAM_VERDICTS):
        assert all(word in page for word in words)


def test_level_0_is_counted_from_dated_rows_and_is_no_single_column(dataset) -> None:
    """A rate of the funnel model combines all columns: it would pass the leak of any of them on."""
    level_0 = [feature for feature in fitted_before_holdout(dataset).declared if feature.group == "funnel"]
    assert {feature.name for feature in level_0} >= {"bayes_click", "rate_click", "variance_cost", "funnel_gmv"}
    assert all(is_blend(feature) for feature in level_0)
    assert "funnel" in DATED_GROUPS


def test_the_same_data_give_the_same_findings(dataset, clean) -> None:
    assert list(too_early(dataset).values()) == list(clean.values())[-3:]


def test_a_column_of_the_outcome_smuggled_into_the_counts_is_named(dataset) -> None:
    known = dataset.outcome["later:clicks"].to_numpy()
    leaky = replace(dataset, observed=dataset.observed.copy().assign(**{"early:clicks": known}))
    finding = check_recomputed(leaky, fitted_before_holdout(dataset), few_moments(leaky), observe_counts)
    assert finding.verdict == "FAIL"
    assert "early:clicks" in finding.found
    assert "own_click" in finding.found
    extra = replace(dataset, observed=dataset.observed.copy().assign(hint=known))
    finding = check_recomputed(extra, None, few_moments(extra), observe_counts)
    assert finding.found.endswith("1 columns differ: hint")


def test_a_cutoff_shifted_forward_is_caught_three_times(dataset) -> None:
    def a_day_late(snapshots, *rest) -> pd.DataFrame:
        seen = observe_counts(snapshots.assign(cutoff=snapshots["cutoff"] + DAY), *rest)
        return seen.assign(cutoff=snapshots["cutoff"].to_numpy())

    late = replace(dataset, observed=a_day_late(dataset.observed[SNAPSHOT], *_parts(dataset)))
    moments = few_moments(late)
    assert check_recomputed(late, None, moments, a_day_late).verdict == "FAIL"
    assert "early:" in check_future_permuted(late, None, moments, a_day_late, draw()).found
    assert check_no_overlap(late, draw()).found.endswith("snapshots are not the sums of their rows")
    shifted = replace(dataset, observed=dataset.observed.assign(cutoff=dataset.observed["cutoff"] + DAY))
    assert "cutoffs lie beyond launch + age" in check_no_overlap(shifted, draw()).found


def test_history_that_reads_rows_not_yet_reported_is_caught(small_world, quick) -> None:
    """Rows are there from ten hours after their day on; history that takes them at once is ahead of its time."""
    slow = quick.model_copy(update={"report_delay_hours": {"hour": 1, "day": 10, "range": 10, "gap": 0}})
    dataset = prepare(small_world, slow)

    def at_once(snapshots, loaded, funnel, entities, settings) -> pd.DataFrame:
        hasty = settings.model_copy(update={"report_delay_hours": {"hour": 0, "day": 0, "range": 0, "gap": 0}})
        return observe_counts(snapshots, loaded, funnel, entities, hasty)

    hasty = replace(dataset, observed=at_once(dataset.observed[SNAPSHOT], *_parts(dataset)))
    finding = check_recomputed(hasty, None, few_moments(hasty), at_once)
    assert finding.verdict == "FAIL"
    assert "early:" not in finding.found


def test_own_rows_in_history_are_named(dataset) -> None:
    def with_itself(*given) -> pd.DataFrame:
        seen = observe_counts(*given)
        return seen.assign(**{"market:click:clicks": seen["market:click:clicks"] + seen["early:clicks"]})

    leaky = replace(dataset, observed=with_itself(dataset.observed[SNAPSHOT], *_parts(dataset)))
    finding = check_own_rows(leaky, few_moments(leaky), with_itself, draw())
    assert finding.verdict == "FAIL"
    assert finding.found.endswith("outcome: market:click:clicks")
    assert check_own_rows(dataset, few_moments(dataset), observe_counts, draw()).verdict == "PASS"


def test_own_outcome_in_history_is_named(dataset) -> None:
    def with_own_future(snapshots, loaded, funnel, entities, settings) -> pd.DataFrame:
        seen = observe_counts(snapshots, loaded, funnel, entities, settings)
        later = snapshots[[*KEY, "cutoff"]].merge(loaded.metrics[[*KEY, "period_end", "clicks"]], on=KEY, how="left")
        ahead = later[later["period_end"] > later["cutoff"]].groupby([*KEY, "cutoff"])["clicks"].sum().rename("ahead")
        known = snapshots.join(ahead, on=[*KEY, "cutoff"])["ahead"].fillna(0.0).to_numpy()
        return seen.assign(**{"hist:hook:impressions": seen["hist:hook:impressions"] + known})

    leaky = replace(dataset, observed=with_own_future(dataset.observed[SNAPSHOT], *_parts(dataset)))
    finding = check_own_rows(leaky, few_moments(leaky), with_own_future, draw())
    assert finding.found.endswith("outcome: hist:hook:impressions")


def _parts(dataset: Dataset) -> tuple:
    return dataset.loaded, dataset.funnel, dataset.entities, dataset.settings


@pytest.mark.parametrize("figure", ["gmv_cny", "impressions"])
def test_a_sheet_column_made_of_the_later_outcome_is_named(dataset, figure) -> None:
    """备注分: the first week's total, less or more up to a third."""
    noisy = first_week(dataset, figure) * np.exp(draw().normal(0, 0.3, len(dataset.loaded.creatives)))
    finding = too_early(with_columns(dataset, tag_备注分=np.round(noisy, 1)))[SINGLE_COLUMN]
    assert finding.verdict in ("REVIEW", "FAIL")
    assert "tag_备注分" in finding.found
    assert f"→ later {figure}" in finding.found


def test_two_such_columns_do_not_hide_behind_each_other(dataset) -> None:
    week = first_week(dataset, "impressions")
    one, other = (week * np.exp(np.random.default_rng(seed).normal(0, 0.8, len(week))) for seed in (1, 2))
    finding = too_early(with_columns(dataset, tag_甲=np.round(one), tag_乙=np.round(other)))
    for name in ("tag_甲", "tag_乙"):
        assert name in finding[SINGLE_COLUMN].found


def test_a_column_with_the_sampling_of_orders_fails(dataset) -> None:
    """Before launch one may know how well a creative sells, not which of its visitors will buy."""
    ratio = first_week(dataset, "orders") / np.maximum(first_week(dataset, "clicks"), 1)
    fine = with_columns(dataset, tag_手感=np.round(ratio * 1000).astype(int))
    finding = too_early(fine)[SINGLE_COLUMN]
    assert finding.verdict == "FAIL"
    assert "tag_手感 (inside a week) → later order" in finding.found


def test_ids_in_the_order_of_success_are_caught(dataset, quick) -> None:
    place = pd.Series(first_week(dataset, "gmv_cny")).rank(method="first").astype(int)
    finding = too_early(renamed(dataset, [f"{7_000_000 + number}" for number in place]))[IDS]
    assert finding.verdict == "FAIL"
    assert "creative_id (in order" in finding.found


def test_ids_that_begin_with_success_are_caught(dataset) -> None:
    week = first_week(dataset, "impressions")
    better = pd.Series(week).groupby(dataset.loaded.creatives["account_id"]).rank(pct=True) > 0.6
    names = [f"{'top' if won else 'std'}-{number}" for number, won in enumerate(better)]
    finding = too_early(renamed(dataset, names))[IDS]
    assert finding.verdict != "PASS"
    assert "first characters" in finding.found


def test_hashed_ids_predict_nothing(dataset) -> None:
    """The negative control: numbers that hang on the id alone are no more than chance."""
    hashed = pd.util.hash_pandas_object(dataset.loaded.creatives["creative_id"], index=False)
    finding = too_early(renamed(dataset, [str(number) for number in hashed]))[IDS]
    assert finding.verdict == "PASS"


def renamed(dataset: Dataset, ids: list[str]) -> Dataset:
    """The same data under other creative ids, in the order of creatives."""
    creatives = dataset.loaded.creatives
    new = creatives[KEY].assign(new=pd.Series(ids, dtype="str"))
    metrics = dataset.loaded.metrics.merge(new, on=KEY)
    metrics = metrics.assign(creative_id=metrics["new"]).drop(columns="new")
    return prepare(
        Loaded(
            check_metrics(metrics.sort_values([*KEY, "period_start"], ignore_index=True)),
            check_creatives(creatives.assign(creative_id=new["new"]).sort_values(KEY, ignore_index=True)),
        ),
        dataset.settings,
    )


def test_a_column_filled_in_only_for_winners_is_caught(dataset) -> None:
    week = pd.Series(first_week(dataset, "impressions"))
    won = week.groupby(dataset.loaded.creatives["account_id"]).rank(pct=True) > 0.6
    words = pd.Series(np.where(draw().random(len(week)) < 0.5, "欢快", "舒缓"), dtype="str").where(won)
    finding = too_early(with_columns(dataset, tag_bgm=words))[MISSING_VALUES]
    assert finding.verdict == "FAIL"
    assert "tag_bgm → later impressions" in finding.found


def test_a_column_with_gaps_at_random_is_let_through(dataset) -> None:
    words = pd.Series("欢快", index=range(len(dataset.loaded.creatives))).where(draw().random(120) < 0.6)
    assert too_early(with_columns(dataset, tag_bgm=words))[MISSING_VALUES].verdict == "PASS"


@pytest.mark.parametrize("words", [["优质", "低质"], ["首发素材", "低效素材"], ["爆款", "跑废"]])
def test_verdicts_given_after_delivery_fail_as_a_tag(dataset, words) -> None:
    labels = np.resize(np.array(words, dtype=object), len(dataset.loaded.creatives))
    finding = check_labels(with_columns(dataset, tag_素材备注=labels))
    assert finding.verdict == "FAIL"
    assert f"素材备注 holds {', '.join(sorted(words))} (100% of its values)" in finding.found


def test_the_platforms_label_in_other_words_fails(dataset) -> None:
    count = len(dataset.loaded.creatives)
    label = draw().choice(np.array(["优质", "低效", "首发"], dtype=object), count)
    codes = {"优质": "A", "低效": "B", "首发": "C"}
    recoded = with_columns(dataset, platform_label=label, tag_档=[codes[word] for word in label])
    assert "档 is a copy of the platform's label" in check_labels(recoded).found
    other = with_columns(dataset, platform_label=label, tag_档=np.resize(["A", "B", "C"], count))
    assert check_labels(other).verdict == "PASS"


def test_a_verdict_among_other_words_is_a_question(dataset) -> None:
    words = np.resize(np.array(["新品", "经典", "首发", "换季"], dtype=object), len(dataset.loaded.creatives))
    assert check_labels(with_columns(dataset, tag_系列=words)).verdict == "REVIEW"


def test_the_platforms_label_is_no_input(dataset) -> None:
    """As a stored attribute it may be there; as something that creatives share it fails."""
    labelled = with_columns(dataset, platform_label=np.resize(["优质", "低质"], len(dataset.loaded.creatives)))
    assert check_labels(labelled).verdict == "PASS"
    shared = [*dataset.entities, Entity("verdict", ("promotion_type", "platform_label"))]
    assert "verdict uses platform_label or platform_status" in check_labels(replace(dataset, entities=shared)).found


@pytest.mark.parametrize(
    ("header", "verdict"), [("首日消耗", "FAIL"), ("七日营收", "FAIL"), ("素材评级", "REVIEW"), ("剪辑师", "PASS")]
)
def test_headers_with_an_outcome_are_named(dataset, header, verdict) -> None:
    words = np.resize(np.array(["甲", "乙"], dtype=object), len(dataset.loaded.creatives))
    finding = check_labels(with_columns(dataset, **{f"tag_{header}": words}))
    assert finding.verdict == verdict
    assert (header in finding.found) == (verdict != "PASS")


def test_a_split_without_a_gap_fails(dataset) -> None:
    def without_gap(rows, holdout_days):
        mature = (rows["state"] == MATURE).to_numpy()
        starts = rows.loc[mature, "cutoff"].max() - holdout_days * DAY
        before = (rows["cutoff"] <= starts).to_numpy()
        return mature & before, mature & ~before, starts

    finding = check_split(dataset, without_gap, folds)
    assert finding.verdict == "FAIL"
    assert "training rows were not known by" in finding.found
    assert "8 days" in finding.cure


def test_folds_that_share_rows_fail(dataset) -> None:
    def overlapping(rows, train, count):
        for fit, validate, start in folds(rows, train, count):
            yield fit | validate, validate, start

    finding = check_split(dataset, holdout_split, overlapping)
    assert "rows are in training and in evaluation" in finding.found
    assert "fold 1" in finding.found
    assert check_split(dataset, holdout_split, folds).verdict == "PASS"


def test_what_thin_data_cannot_show_is_skipped_not_passed(small_world, quick) -> None:
    few = small_world.creatives.iloc[::6].reset_index(drop=True)
    thin = prepare(Loaded(small_world.metrics.merge(few[KEY], on=KEY), few), quick)
    findings = list(too_early(thin).values())
    assert [finding.verdict for finding in findings] == ["SKIPPED"] * 3
    assert all("60 creatives" in finding.found for finding in findings)
    assert not failed(findings)


def test_the_console_table_has_what_to_do_and_nothing_that_steers_a_terminal() -> None:
    out = Console(record=True, width=100)
    show_findings(
        [Finding("one", "PASS", "all well", "Nothing."), Finding("two", "FAIL", "tag_\x1b[31m备注", "Take it out.")],
        out,
    )
    shown = out.export_text()
    assert "→ Take it out." in shown
    assert "\x1b" not in shown
    assert "1 PASS, 1 FAIL" in shown
    assert "Nothing." not in shown


def test_the_command_fails_on_a_leak_in_the_files(small_exports) -> None:
    data, config, sheet = small_exports
    clean = CliRunner().invoke(app, ["leaks", "--data", str(data), "--config", str(config)])
    assert clean.exit_code == 0, clean.output
    assert "recomputed at the cutoff" in clean.output
    sheet.write_text(sheet.read_text("utf-8").replace("备注", "营收"), "utf-8")
    leaky = CliRunner().invoke(app, ["leaks", "--data", str(data), "--config", str(config)])
    assert leaky.exit_code == 1
    assert "营收" in leaky.output


@pytest.fixture
def small_exports(small_world, tmp_path):
    """The small world's days as a CSV of the platform's layout, a tag sheet, and settings that fit."""
    metrics = small_world.metrics[small_world.metrics["promotion_type"] == "product"]
    days = metrics[metrics["grain"] == "day"]
    folder = tmp_path / "账户-小"
    folder.mkdir()
    pd.DataFrame(
        {
            "日期": days["period_start"].dt.strftime("%Y-%m-%d"),
            "素材ID": days["creative_id"],
            "整体展示次数": days["impressions"].astype(int),
            "整体点击次数": days["clicks"].astype(int),
            "整体消耗": days["spend_cny"],
            "整体成交订单数": days["orders"].astype(int),
            "整体成交金额": days["gmv_cny"],
            "净成交金额": days["net_gmv_cny"],
        }
    ).to_csv(folder / "全域推广数据-视频-推商品.csv", index=False, encoding="gbk")
    creatives = small_world.creatives[small_world.creatives["promotion_type"] == "product"]
    sheet = folder / "素材标签表.csv"
    pd.DataFrame({"素材ID": creatives["creative_id"], "开头类型": creatives["tag_hook"], "备注色": "红"}).to_csv(
        sheet, index=False, encoding="utf-8"
    )
    config = tmp_path / "small.yaml"
    config.write_text(
        f"var: {tmp_path / 'var'}\nopen_days: 1\nsplit: {{holdout_days: 7, folds: 2}}\ntags: {{min_creatives: 2}}\n",
        "utf-8",
    )
    return folder, config, sheet

"""Small real objects that several tests share."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow.fs
import pytest
from hypothesis import HealthCheck, settings as trials
from playwright.sync_api import Browser, Page, expect

from benchmarks.browser import NONE_FOUND, chromium, find_chromium, watch
from configs.settings import Settings
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import snapshot_frame, snapshots
from features.schema import KEY, Loaded, check_creatives, check_metrics

# How long an example takes says nothing of the code on a busy machine.
trials.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
trials.load_profile("untimed")


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of the public data sets; a test that reads them is skipped where they are not beside the project."""
    folder = Path(__file__).parents[1] / ".." / "shared" / "data"
    if not (folder / "youtube_snapshots.parquet").exists():
        pytest.skip("public data are not beside the project")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Quick settings that write under the test's own folder."""
    return Settings.model_validate(
        {
            "var": str(tmp_path / "var"),
            "open_days": 1,
            "processes": 1,
            "tune": {"trials": 2, "jobs": 1},
            "trees": {"rounds": 20, "min_data_in_leaf": 20},
            "volume_trees": {"rounds": 20, "min_data_in_leaf": 20},
            "split": {"holdout_days": 7, "folds": 2},
            "refits": {"every_days": 20},
            "thin": {"min_creatives": 20, "min_orders": 10},
            "evaluate": {"min_impressions": 50},
            "tags": {"min_creatives": 2},
            "text": {"components": 2, "buckets": 256},
        }
    )


@pytest.fixture(scope="session")
def small_world() -> Loaded:
    """Sixty days of 120 creatives with hourly first days, two accounts, tags, refunds: enough to train on."""
    draw = np.random.default_rng(11)
    hooks, scenes = ["痛点直击", "结果前置", "悬念"], ["居家", "门店"]
    creatives, metrics = [], []
    for number in range(120):
        account = f"acc{number % 2}"
        hook, scene = hooks[number % 3], scenes[(number // 3) % 2]
        start = pd.Timestamp("2026-03-01") + pd.Timedelta(days=int(draw.integers(1, 50)))
        key = ("live" if account == "acc0" else "product", account, f"c{number:03d}")
        price = float(draw.choice([39.0, 99.0, 299.0]))
        creatives.append(
            {
                **dict(zip(KEY, key)),
                "created_at": start - pd.Timedelta(hours=5),
                "duration_s": float(draw.integers(10, 60)),
                "price_cny": price,
                "category": "食品" if number % 4 else "美妆",
                "creator_id": f"k{number % 7}",
                "product_id": f"p{number % 5}",
                "copy_text": f"{hook}的第{number}条文案",
                "tag_hook": hook,
                "tag_scene": scene,
                "tag_selling_point": "便宜|好用" if number % 2 else "好用",
            }
        )
        click = 0.05 * {"痛点直击": 1.5, "结果前置": 1.0, "悬念": 0.7}[hook] * draw.gamma(20) / 20
        hours = [start + pd.Timedelta(hours=9 + hour) for hour in range(6)] if account == "acc0" else []
        days = [start + pd.Timedelta(days=day) for day in range(1 if hours else 0, int(draw.integers(4, 20)))]
        level = draw.lognormal(6, 1)
        for moment, length in [(hour, 1) for hour in hours] + [(day, 24) for day in days]:
            impressions = float(draw.poisson(level * length / 24)) + 1
            clicks = float(draw.binomial(int(impressions), min(click, 0.9)))
            orders = float(draw.binomial(int(clicks), 0.2))
            gmv = orders * price
            plays = impressions
            metrics.append(
                {
                    **dict(zip(KEY, key)),
                    "grain": "hour" if length == 1 else "day",
                    "period_start": moment,
                    "period_end": moment + pd.Timedelta(hours=length),
                    "impressions": impressions,
                    "clicks": clicks,
                    "orders": orders,
                    "plays": plays,
                    "plays_3s": float(draw.binomial(int(plays), 0.3)),
                    "likes": float(draw.binomial(int(impressions), 0.01)),
                    "spend_cny": round(impressions * 0.2, 4),
                    "boost_spend_cny": round(impressions * 0.05, 4),
                    "gmv_cny": gmv,
                    "net_gmv_cny": round(gmv * (1 - draw.binomial(max(int(orders), 1), 0.1) / max(orders, 1)), 4),
                }
            )
    return loaded(pd.DataFrame(metrics), pd.DataFrame(creatives))


@pytest.fixture(scope="session")
def checked() -> Callable[[pd.DataFrame, pd.DataFrame], Loaded]:
    """`loaded`, for tests that make their own frames."""
    return loaded


def loaded(metrics_: pd.DataFrame, creatives_: pd.DataFrame) -> Loaded:
    """Checked and in the store's order."""
    for frame in (metrics_, creatives_):
        for name in [name for name in frame if frame[name].dtype.kind == "O"]:
            frame[name] = frame[name].astype("str")
        for name in frame.select_dtypes("datetime"):
            frame[name] = frame[name].astype("datetime64[us]")
    return Loaded(
        check_metrics(metrics_.sort_values([*KEY, "period_start"], ignore_index=True)),
        check_creatives(creatives_.sort_values(KEY, ignore_index=True)),
    )


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket on the S3 server whose address GPMCAST_TEST_S3 holds; without one the test is skipped.

    For example: `pip install 'moto[server]'` elsewhere, `moto_server -p 5657`, then
    `GPMCAST_TEST_S3=http://127.0.0.1:5657 pytest -k s3`. A server that checks keys takes those of AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY. The bucket stays there.
    """
    endpoint = os.environ.get("GPMCAST_TEST_S3")
    if not endpoint:
        pytest.skip("GPMCAST_TEST_S3 names no S3 server")
    for name, value in {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, os.environ.get(name, "testing"))
    name = f"gpmcast-test-{uuid4().hex[:20]}"
    pyarrow.fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True).create_dir(name)
    return f"s3://{name}"


@pytest.fixture(scope="session")
def snapshots_of() -> Callable[..., pd.DataFrame]:
    """Snapshots of loaded data as a pandas frame."""

    def make(loaded: Loaded, ages: Sequence[int], *, weekly: bool = False) -> pd.DataFrame:
        rows = MetricRows.of(loaded)
        return snapshot_frame(snapshots(rows, ages, weekly=weekly), rows.creatives)

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one module: while it runs, this thread has an event loop and can start no other."""
    program = find_chromium()
    if program is None:
        pytest.skip(NONE_FOUND)
    expect.set_options(timeout=90_000)
    with chromium(program) as started:
        yield started


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens addresses and files, each in a profile of its own; at the end they must have kept quiet and to themselves.

    A test that provokes complaints names them in `provoked`, as a regular expression.
    """
    opened: list[tuple[Page, list[str], str | None]] = []

    def open_(address: str | Path, provoked: str | None = None, **options: object) -> Page:
        if isinstance(address, Path):
            address = address.as_uri()
        page = browser.new_context(locale="zh-CN", **options).new_page()
        page.set_default_timeout(90_000)
        opened.append((page, watch(page, address), provoked))
        page.goto(address)
        return page

    yield open_
    for page, complaints, provoked in opened:
        page.context.close()
        assert [one for one in complaints if provoked is None or not re.search(provoked, one)] == []

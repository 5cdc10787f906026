"""One small world on disk, and full ones in memory, shared by the tests of the sample."""

import functools
from pathlib import Path

import pandas as pd
import pytest

from sample.__main__ import main
from sample.simulation import Simulation, simulate_world
from sample.worlds import DEFAULT, WORLDS

SMALL = ["--creatives", "200", "--days", "30"]


@pytest.fixture(scope="session")
def small_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    assert (
        main(
            [
                "--out",
                str(folder / "exports"),
                "--truth",
                str(folder / "truth.parquet"),
                "--until",
                "2026-06-30",
                *SMALL,
            ]
        )
        == 0
    )
    return folder


@pytest.fixture(scope="session")
def small_simulation() -> Simulation:
    return simulate_world(7, 200, 30)


@pytest.fixture(scope="session")
def full_simulation() -> Simulation:
    return full(DEFAULT)


@pytest.fixture(scope="session")
def additive_simulation() -> Simulation:
    return full("additive")


@pytest.fixture(scope="session", params=list(WORLDS))
def each_simulation(request: pytest.FixtureRequest) -> Simulation:
    return full(request.param)


@functools.cache
def full(world: str) -> Simulation:
    return simulate_world(7, 4000, 90, world)


@pytest.fixture(scope="session")
def small_csv(small_out: Path) -> pd.DataFrame:
    """All daily CSV rows that are one creative's, as text."""
    tables = []
    for path in sorted((small_out / "exports").glob("*/*.csv")):
        table = pd.read_csv(path, encoding="gbk", dtype=str)
        table["账户"], table["类型"] = path.parent.name, path.name.split("-")[2]
        tables.append(table)
    rows = pd.concat(tables, ignore_index=True)
    return rows[rows["素材ID"].str.fullmatch(r"\d{19}")].reset_index(drop=True)

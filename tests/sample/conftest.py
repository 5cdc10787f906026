"""One small world on disk and one full world in memory, shared by the tests of the sample."""

from pathlib import Path

import pandas as pd
import pytest

from sample.__main__ import main
from sample.simulation import Simulation, simulate_world

SMALL = ["--creatives", "200", "--days", "30"]


@pytest.fixture(scope="session")
def small_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    assert main(["--out", str(folder / "exports"), "--truth", str(folder / "truth.parquet"), *SMALL]) == 0
    return folder


@pytest.fixture(scope="session")
def small_simulation() -> Simulation:
    return simulate_world(7, 200, 30)


@pytest.fixture(scope="session")
def full_simulation() -> Simulation:
    return simulate_world(7, 4000, 90)


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

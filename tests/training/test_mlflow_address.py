"""Which MLflow is followed: a setting, else the environment, else a file; one rule for training and the service."""

from pathlib import Path

import pytest

from training.mlflow_address import REGISTRY_URI, TRACKING_URI, mlflow_address

FILE = Path("var/mlflow.db")
OWN = "sqlite:///var/mlflow.db"
SERVER, OTHER = "http://tracking:5000", "https://models.example.com/mlflow"


@pytest.mark.parametrize(
    ("named", "tracking", "registry", "expected", "by"),
    [
        ("", None, None, (OWN, OWN), f"neither a setting nor {TRACKING_URI} names another"),
        ("", SERVER, None, (SERVER, SERVER), TRACKING_URI),
        ("", None, OTHER, (OWN, OTHER), REGISTRY_URI),
        ("", SERVER, OTHER, (SERVER, OTHER), f"{TRACKING_URI} and {REGISTRY_URI}"),
        ("", "", "", (OWN, OWN), f"neither a setting nor {TRACKING_URI} names another"),
        ("models/registry.db", SERVER, OTHER, ("sqlite:///models/registry.db",) * 2, "setting registry"),
        ("/srv/registry.db", None, None, ("sqlite:////srv/registry.db",) * 2, "setting registry"),
        (SERVER, OTHER, OTHER, (SERVER, SERVER), "setting registry"),
        ("databricks", None, None, ("databricks", "databricks"), "setting registry"),
    ],
)
def test_a_setting_goes_before_the_environment_and_that_before_the_file(
    monkeypatch, named, tracking, registry, expected, by
) -> None:
    for name, value in ((TRACKING_URI, tracking), (REGISTRY_URI, registry)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    found = mlflow_address(FILE, named)
    assert (found.tracking, found.registry) == expected
    assert str(found).endswith(f"({by})")


def test_what_is_shown_holds_no_password(monkeypatch) -> None:
    monkeypatch.setenv(TRACKING_URI, "postgresql://me:s3cret@db/runs")
    monkeypatch.setenv(REGISTRY_URI, "https://me:s3cret@models/mlflow?token=s3cret")
    found = mlflow_address(FILE)
    assert "s3cret" not in f"{found} {found.place}"
    assert "models/mlflow" in found.place
    error = "API request to https://me:s3cret@models/mlflow/api failed; could not log in with s3cret"
    assert (
        found.without_secrets(error) == "API request to https://***@models/mlflow/api failed; could not log in with ***"
    )


def test_a_database_a_server_and_others_are_told_apart() -> None:
    assert mlflow_address(FILE, "x/y.db").database == Path("x/y.db")
    assert mlflow_address(FILE, SERVER).database is None
    assert mlflow_address(FILE, SERVER).is_server
    assert mlflow_address(FILE, SERVER).keeps_artifacts
    assert not mlflow_address(FILE, "postgresql://db/runs").is_server

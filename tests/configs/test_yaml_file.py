"""An error in a settings file names the file, the key and the nearest known key."""

import pytest

from configs.errors import ConfigError
from configs.settings import Dask, Settings, load_settings


@pytest.fixture
def file(tmp_path):
    def write(content: bytes):
        path = tmp_path / "team.yaml"
        path.write_bytes(content)
        return path

    return write


def test_an_empty_file_is_the_defaults(file):
    assert load_settings(file(b"")) == Settings()


def test_a_key_keeps_the_defaults_of_the_others(file):
    assert load_settings(file(b"dask: {workers: 3}")).dask == Settings().dask.model_copy(update={"workers": 3})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"dask: {wrokers: 3}", "dask.wrokers: no setting has this name; did you mean workers?"),
        (b"open_day: 1", "open_day: no setting has this name; did you mean open_days?"),
        (b"dask: {workers: 0}", "dask.workers: Input should be greater than or equal to 1, found 0"),
        (b"dask: {scheduler: 10.0.0.5}", "dask.scheduler: Value error, expected the address of a scheduler"),
        (b"dask: {scheduler: 'tcp://10.0.0.5'}", "with its port, such as tcp://10.0.0.5:8786"),
        (b"dask: {memory: 4 gigs}", "dask.memory: Value error, expected a size with its unit, such as 4GiB"),
        (b"dask: {memory: '4'}", "expected a size with its unit"),
        (b"- 1", "(the whole file): Input should be a valid dictionary"),
        (b"a: [", "is not a YAML file in UTF-8"),
        ("name: \u53f7".encode("gbk"), "is not a YAML file in UTF-8"),
    ],
)
def test_what_cannot_be_used_is_named(file, content, message):
    path = file(content)
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    assert str(path) in str(raised.value)
    assert message in str(raised.value)


@pytest.mark.parametrize("scheduler", ["tcp://10.0.0.5:8786", "tls://[::1]:8786", "wss://gate.example/a", ""])
@pytest.mark.parametrize("memory", ["auto", "0", "4GiB", "4 GB", "1.5GB", "800MB"])
def test_what_dask_takes_is_taken(scheduler, memory):
    assert Dask(scheduler=scheduler, memory=memory).memory == memory


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no such settings file"):
        load_settings(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="cannot be read as a settings file"):
        load_settings(tmp_path)

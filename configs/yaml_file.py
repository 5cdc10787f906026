"""Validate YAML files with pydantic; errors name the key, its place in the file and the nearest known key."""

from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from configs.errors import ConfigError

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Both give plain values only; the one in C reads the shipped files in a tenth of the time."""

Model = TypeVar("Model", bound=BaseModel)


class Section(BaseModel):
    """A frozen group of settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_yaml(path: Path) -> object:
    """Return the content of a YAML file; an empty file is an empty mapping.

    Raises:
        ConfigError: The file is absent, cannot be read, or is not YAML in UTF-8.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such settings file.", zh=f"{path}：没有这个配置文件。处理：检查 CONFIG 的路径。"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read as a settings file: {error.strerror}.", zh=f"{path}：读不了：{error.strerror}。"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: is not a YAML file in UTF-8: {error}", zh=f"{path}：不是 UTF-8 编码的 YAML 文件：{error}"
        ) from None
    return {} if content is None else content


def parse(model: type[Model], content: object, path: Path) -> Model:
    """Validate the content of a YAML file as this model.

    Args:
        path: The file's name, for messages only.

    Raises:
        ConfigError: One line per unknown or wrong key, with its path and the nearest known key.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [f"{path}: {error.error_count()} setting(s) cannot be used:"]
        zh = [f"{path}：{error.error_count()} 项设置不能用（每项的含义见 configs/settings.py）："]
        for found in error.errors():
            where = ".".join(str(part) for part in found["loc"]) or "(the whole file)"
            lines.append(f"  - {where}: {found['msg']}, found {found['input']!r:.80}")
            if found["type"] == "extra_forbidden":
                lines[-1] = f"  - {where}: no setting has this name{_closest(model, found['loc'])}"
            zh.append(lines[-1])
        raise ConfigError("\n".join(lines), zh="\n".join(zh)) from None


def _closest(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    fields = model.model_fields
    for part in loc[:-1]:
        inner = fields[part].annotation if isinstance(part, str) and part in fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        fields = inner.model_fields
    near = get_close_matches(str(loc[-1]), list(fields), n=1)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(fields)}"

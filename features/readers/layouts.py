"""The known export layouts, and the units of their columns."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from configs.errors import ConfigError
from configs.export_layout import ExportLayout, Unit, read_layout
from configs.settings import Settings
from features.schema import ATTRIBUTES, COUNTS, NUMBERS, SUMS, TAGS, TEXTS, TIMES, VALUES

ROW_KEY_COLUMNS = ["creative_id", "account_id", "promotion_type", "date", "hour", "read_at"]
"""Canonical columns that identify a row; `read_at` is the time of a running total."""

CANONICAL_COLUMNS = [*ROW_KEY_COLUMNS, *VALUES, *ATTRIBUTES, *TAGS]
"""Every canonical column that a layout can name."""

_DEFAULT_UNITS: dict[str, Unit] = {
    **dict.fromkeys(["creative_id", "account_id", "product_id", "creator_id"], "id"),
    **dict.fromkeys(COUNTS, "count"),
    **dict.fromkeys(SUMS, "cny"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(TIMES, "time"),
    **dict.fromkeys([name for name in [*TEXTS, *TAGS] if not name.endswith("_id")], "text"),
    "promotion_type": "text",
    "date": "date",
    "hour": "hour",
    "read_at": "time",
    "watch_s": "s",
    "duration_s": "duration",
    "platform_label": "list",
}


def load_layouts(settings: Settings) -> list[ExportLayout]:
    """Load all layouts of `source_dirs`; one in a later folder replaces one of the same name.

    Raises:
        ConfigError: A layout cannot be used, or `sources` names one that does not exist.
    """
    known: dict[str, ExportLayout] = {}
    for folder in settings.source_dirs:
        if not folder.is_dir():
            raise ConfigError(
                f"source_dirs: {folder} is no folder.",
                zh=f"source_dirs：{folder} 不是文件夹。处理：检查配置里的路径。",
            )
        for path in sorted(folder.glob("*.yaml")):
            layout = read_layout(path)
            _check_names(layout, path)
            known[layout.name] = layout
    unknown = [name for name in settings.sources if name not in known]
    if unknown:
        raise ConfigError(
            f"sources: there is no source config called {', '.join(unknown)}; known: {', '.join(sorted(known))}.",
            zh=f"sources：没有叫 {', '.join(unknown)} 的来源配置；已有：{', '.join(sorted(known))}。",
        )
    chosen = settings.sources or tuple(known)
    return [layout for name, layout in known.items() if name in chosen]


def unit_of(name: str, unit: Unit | None) -> Unit:
    """Return the unit that a layout gives, or the default unit of the canonical name."""
    return unit or _DEFAULT_UNITS[name]


def _check_names(layout: ExportLayout, path: Path) -> None:
    _all_known(layout.columns, CANONICAL_COLUMNS, path, "columns")
    _all_known([r.gives for r in layout.ratios.values()], VALUES, path, "ratios (gives)")
    _all_known([r.of for r in layout.ratios.values()], VALUES, path, "ratios (of)")
    _all_known(layout.constants, ["account_id", "promotion_type", *ATTRIBUTES, *TAGS], path, "constants")
    taken = [name for name in (*layout.tags.values(), *layout.ratios) if name in CANONICAL_COLUMNS]
    if taken:
        raise ConfigError(
            f"{path}: {', '.join(taken)}: is a canonical name; give it under columns, or use another name.",
            zh=f"{path}：{'、'.join(taken)} 是系统自己的列名。处理：写到 columns 下面，或换一个名字。",
        )


def _all_known(names: Iterable[str], known: list[str], path: Path, where: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            hint_zh = f"是不是 {near[0]}？" if near else f"这里可以写：{'、'.join(known)}。"
            raise ConfigError(
                f"{path}: {where}: there is no canonical column called {name}; {hint}",
                zh=f"{path}：{where}：没有叫 {name} 的列；{hint_zh}",
            )

"""The one stylesheet of tokens and components that report, service page and evaluation share."""

from importlib.resources import files

from training.charts.palette import tokens


def theme() -> str:
    """CSS: colours, type, grid, tiles, pills, chips, badges, tables, tabs, panels, dialogs, charts, print."""
    return tokens() + files("training.charts").joinpath("theme.css").read_text("utf-8")

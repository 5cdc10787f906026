"""The report as one HTML file: a template block, a stylesheet and a script for each section, in one shell."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from configs import __version__
from features.bilingual import Words
from features.sanitise import template_text, visible_texts
from features.targets import TARGETS
from serving.report import wording
from serving.report.blocks import (
    core,
    creatives,
    diversity,
    first_screen,
    kocs,
    levers,
    plan,
    reliability,
    track_record,
)
from serving.report.blocks.numbers import number, whole
from serving.report.data import ReportData
from serving.report.effects import LIKELY
from training.charts.theme import theme
from training.decision.rules import VERDICT_LABELS

Made = Callable[[ReportData], dict[str, object]]


@dataclass(frozen=True)
class PageSection:
    """A section of the page.

    Attributes:
        name: Its id, and the name of `templates/sections/<name>.html.j2`, `style/<name>.css` and `script/<name>.js`;
            the last two may be absent.
        title: Heading, and entry of the menu.
        values: What its block is given as `part`.
        embedded: What its script reads as `report.data.<name>`.
        more_scripts: Names of further scripts, which run after its own.
    """

    name: str
    title: Words
    values: Made | None = None
    embedded: Made | None = None
    more_scripts: tuple[str, ...] = ()


SECTIONS = (
    PageSection("first_screen", wording.first_screen.TITLE, first_screen.values, first_screen.embedded),
    PageSection("levers", wording.levers.TITLE, levers.values, levers.embedded),
    PageSection("creatives", wording.creatives.TITLE, creatives.values, creatives.embedded, ("cards",)),
    PageSection("plan", wording.plan.TITLE, plan.values),
    PageSection("kocs", wording.kocs.TITLE, kocs.values, kocs.embedded),
    PageSection("diversity", wording.diversity.TITLE, diversity.values, diversity.embedded),
    PageSection("track_record", wording.track_record.TITLE, track_record.values),
    PageSection("reliability", wording.reliability.TITLE, reliability.values),
)
"""In the order of the page."""


def render(data: ReportData, lang: str = "zh") -> str:
    """The page.

    Args:
        data: Numbers of the report.
        lang: Language that it opens in: zh or en.
    """
    environment = _environment()
    level = data.model_quality.level
    labels = {stage.name: Words(stage.zh, stage.en) for stage in data.stages}
    labels |= {name: wording.common.target(name) for name in (data.gpm, data.roi) if name}
    shared: dict[str, object] = {
        "data": data,
        "quality": data.model_quality,
        "level": level,
        "level_words": f"{level:.0%}",
        "likely": f"{LIKELY:.0%}",
        "labels": labels,
    }
    blocks = [
        (
            section,
            Markup(
                environment.get_template(f"sections/{section.name}.html.j2").render(
                    part=section.values(data) if section.values else {}, **shared
                )
            ),
        )
        for section in SECTIONS
    ]
    names = [section.name for section in SECTIONS]
    scripts = [script for section in SECTIONS for script in (section.name, *section.more_scripts)]
    style = theme() + _joined("style", "css", ["shell", *names])
    script = f"{_joined('script', 'js', ['core'])}\n{shared_files()}\n{_joined('script', 'js', scripts)}"
    return environment.get_template("report.html.j2").render(
        lang=lang,
        version=__version__,
        blocks=blocks,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        embedded=visible_texts(embedded(data)),
        **shared,
    )


def embedded(data: ReportData) -> dict[str, object]:
    """JSON that the scripts read: `core`, and one key for each section that embeds something."""
    found = {section.name: section.embedded(data) for section in SECTIONS if section.embedded}
    return {"core": core.embedded(data), **found}


def _joined(folder: str, ending: str, names: list[str]) -> str:
    """Files of these names one after the other; a section need not have one."""
    found = [files("serving.report").joinpath(f"templates/{folder}/{name}.{ending}") for name in names]
    return "\n".join(file.read_text("utf-8") for file in found if file.is_file())


def shared_files() -> str:
    """The modules by which the service's page saves tables, as one object `sharedFiles` of a plain script.

    A file opened from a disk can import nothing, so imports and the word `export` are taken out.
    """
    page = files("serving").joinpath("page")
    modules = [page.joinpath(f"{name}.js").read_text("utf-8") for name in ("xlsx", "download")]
    plain = [re.sub(r"^export ", "", re.sub(r"^import .*;\n", "", text, flags=re.M), flags=re.M) for text in modules]
    own = "".join(plain)
    return f"const sharedFiles = (() => {{\nconst {{ el }} = report;\n{own}return {{ csv, xlsx, save }};\n}})();"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("serving.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=template_text,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    environment.policies["json.dumps_function"] = json.dumps
    environment.globals |= {
        "wording": wording,
        "text": wording.text,
        "num": number,
        "whole": whole,
        "targets": TARGETS,
        "verdicts": VERDICT_LABELS,
    }
    return environment

"""Make text from files safe for the medium that shows it: console, HTML page, Markdown table, spreadsheet.

Titles, ids and tags come from exports, so they may contain anything. HTML is escaped by Jinja's autoescape; what these
functions add is what escaping does not cover.
"""

import re
from urllib.parse import urlsplit

_FORMULA = re.compile(r"^(?:[\t\r\n]|[\s\x00-\x1f\u200b-\u200f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Start of a text that a spreadsheet evaluates or misplaces; the same rule as in `serving/page/download.js`."""


def visible_text(value: object) -> str:
    """Return text for a console or a page: control and direction characters become U+FFFD, except line breaks.

    >>> visible_text("a\\x1b[31mb")
    'a\ufffd[31mb'
    """
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def visible_texts(value: object) -> object:
    """Return nested dicts, lists and tuples with every string made `visible_text`: for JSON inside a page."""
    if isinstance(value, str):
        return visible_text(value)
    if isinstance(value, dict):
        return {key: visible_texts(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [visible_texts(held) for held in value]
    return value


def template_text(value: object) -> object:
    """Return a template's value as `visible_text`: the `finalize` of a Jinja environment with autoescape.

    Markup that is already escaped (`__html__`) and values that are not strings stay as they are.
    """
    return visible_text(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def web_address(text: str) -> str:
    """Return an http or https address that may become a link; empty for everything else.

    >>> web_address("https://v.example.com/1"), web_address("javascript:alert(1)"), web_address("封面.png")
    ('https://v.example.com/1', '', '')
    """
    try:
        parts = urlsplit(text.strip())
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    except ValueError:
        return ""
    return text.strip() if plain and text.strip().isprintable() and not set(text.strip()) & set(' "<>\\') else ""


def markdown_text(value: object) -> object:
    """Return a template's value for Markdown: one line without characters that start a column, a link or code."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    flat = visible_text(value).replace("\n", " ").replace("|", "/").replace("`", "'")
    return flat.replace("[", "(").replace("]", ")")


_LONG_ID = re.compile(r"\d{16,}", re.ASCII)
"""Digits of which a spreadsheet would keep the first 15; the same rule as in `serving/page/download.js`."""


def spreadsheet_id(value: object) -> object:
    """Return a CSV cell: a tab follows a long id, so that a spreadsheet reads text and keeps all its digits.

    >>> spreadsheet_id("2414659736757654895"), spreadsheet_id("棚拍")
    ('2414659736757654895\\t', '棚拍')
    """
    return f"{value}\t" if isinstance(value, str) and _LONG_ID.fullmatch(value) else value


def spreadsheet_cell(value: object) -> object:
    """Return a CSV cell: a text that a spreadsheet would evaluate as a formula gets an apostrophe in front.

    >>> spreadsheet_cell("=1+1")
    "'=1+1"
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value

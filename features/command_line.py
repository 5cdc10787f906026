"""What all command lines share: options, amounts and counts that are typed, and how errors are told."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from configs.errors import GpmcastError
from configs.settings import CONFIG_DIR
from features.bilingual import Language, language_of_locale, series
from features.console import error_lines
from features.errors import InputError
from features.sanitise import visible_text

DEFAULT_CONFIG = CONFIG_DIR / "default.yaml"

DataPaths = Annotated[list[str], typer.Option("--data", help="Folder, file or pattern of exports; may be repeated.")]
ConfigFile = Annotated[Path, typer.Option("--config", help="YAML file with the settings of the run.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse the run if any file or row cannot be used.")]
WithoutTags = Annotated[
    bool, typer.Option("--without-tags", help="Go on where the tag sheet does not join the metrics.")
]
Lang = Annotated[
    Literal["zh", "en"] | None, typer.Option("--lang", help="Language of messages; default: that of the locale.")
]

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""The class of all errors about a command line, for which typer has no public name."""
_EXPECTED = {
    "valid integer": "整数",
    "valid number": "数字",
    "valid boolean": "true 或 false",
    "greater than or equal to": "不小于下限的数",
    "less than or equal to": "不大于上限的数",
}
"""What a message of typer says → what is expected, in Chinese."""
_QUOTED = re.compile(r"'([^']*)'")


def run_command(app: typer.Typer, name: str) -> None:
    """Run a command line; print a GpmcastError, or what is wrong with the command line, to stderr; exit with code 2."""
    gc.freeze()  # what was imported stays until the end: the collector need not search it before
    try:
        if language_asked_for(sys.argv) == "en":
            app(prog_name=f"python -m {name}")
        sys.exit(app(prog_name=f"python -m {name}", standalone_mode=False))  # errors in English are not printed
    except UsageError as error:
        print(visible_text(usage_error_zh(error)), file=sys.stderr)
        sys.exit(2)
    except typer.Abort:
        sys.exit(1)
    except InputError as error:
        print("\n".join(error_lines(error, language_asked_for(sys.argv))), file=sys.stderr)
        sys.exit(2)
    except GpmcastError as error:
        print(visible_text(error.in_language(language_asked_for(sys.argv))), file=sys.stderr)
        sys.exit(2)
    finally:
        gc.unfreeze()


def amount(text: str) -> float:
    """Parse the CNY of an option, written as in an export: 5000, 5,000, 5000元, 1.2万.

    Raises:
        InputError: It is no number.
    """
    # Imported here: commands without such an option start half a second earlier without pandas.
    import numpy as np
    import pyarrow as pa

    from features.readers.typed_cells import parse_numbers

    found = parse_numbers(pa.array([text], pa.string()))
    if found.bad[0] or found.percent[0] or np.isnan(found.values[0]):
        raise InputError(
            f"“{text}” is no amount. Give CNY as a number, such as 5000 or 5,000.",
            zh=f"“{text}”不是金额。处理：写元数，例如 5000、5,000 或 1.2万。",
        )
    return float(found.values[0])


def whole_number(text: str) -> int:
    """Parse how many, 1 or more.

    Raises:
        InputError: It is nothing of the kind.
    """
    if not text.strip().isdecimal() or not int(text):
        raise InputError(
            f"“{text}” is no number of them. Give a whole number, 1 or more, or leave the option away.",
            zh=f"“{text}”不是个数。处理：写 1 或更大的整数，或去掉这个选项。",
        )
    return int(text)


def language_asked_for(arguments: Sequence[str]) -> Language:
    """Return the language that `--lang` names on a command line, else that of the locale."""
    for option, value in zip(arguments, [*arguments[1:], ""]):
        stated = value if option == "--lang" else option.removeprefix("--lang=")
        if option.startswith("--lang") and stated in ("zh", "en"):
            return "zh" if stated == "zh" else "en"
    return language_of_locale()


def usage_error_zh(error: Exception) -> str:
    """Say in Chinese what was typed, what is expected, and how to list all of it.

    Args:
        error: A UsageError; its message is typer's, in English.
    """
    stated = cast(typer.BadParameter, error)  # all of UsageError have these two
    context, message = stated.ctx, stated.format_message()
    path = context.command_path if context else "python -m …"
    quoted = _QUOTED.findall(message)
    if (option := getattr(error, "option_name", "")) and "requires" in message:
        said = f"{option} 后面要写值"
    elif option:
        options = [name for one in context.command.params for name in one.opts] if context else []
        said = f"没有 {option} 这个选项" + (f"；应为 {series(options).zh} 之一" if options else "")
    elif message.startswith("No such command") and quoted:
        commands = list(getattr(context.command, "commands", ())) if context else []
        said = f"没有 {quoted[0]} 这个命令；应为 {series(commands).zh} 之一"
    elif message.startswith("Missing") and quoted:
        said = f"缺少 {quoted[0]}"
    elif "is not one of" in message:
        choices = series(_QUOTED.findall(message.partition("is not one of")[2])).zh
        said = f"{quoted[0]} 的值“{quoted[1]}”不对；应为 {choices} 之一"
    elif message.startswith("Invalid value for") and quoted:
        expected = next((zh for said_so, zh in _EXPECTED.items() if said_so in message), "")
        said = f"{quoted[0]} 的值不对" + (f"；应为{expected}" if expected else f"（{message.partition(': ')[2]}）")
    else:
        said = f"命令写错了（{message}）"
    return f"{said}。处理：改正；全部写法见 {path} --help。"

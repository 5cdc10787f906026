"""What is wrong with a command line, in Chinese: unknown commands and options, values that are not taken."""

from __future__ import annotations

import re
from typing import cast

import typer

from features.bilingual import series

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

"""Encodings of text files: by content, and repairs of text that a program has read in the wrong encoding and saved.

`decode` takes what the bytes are. Where the result has no known header, `repairs` gives what they may have been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from features.readers.findings import Findings

_CUT_CHARACTER = ("unexpected end", "incomplete", "truncated")
"""Reasons of a UnicodeDecodeError at the end of a file that was cut."""
_NUL_SEARCHED = 10_000
_HEAD = 20_000
"""Characters of a file's start, in which a repair is tried before it is applied to the whole."""
_DAMAGED = 1 / 1000
"""Share of characters that may be unreadable in a file that is read all the same."""
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MARK = b"\xef\xbb\xbf"
"""Byte order mark of UTF-8."""
_COMMON_WORDS = ("素材", "日期", "消耗", "账户", "视频", "推广")
"""Words of headers by which text in the right encoding is known."""
_WINDOWS = {
    ord(byte.decode("cp1252")): byte[0]
    for byte in (bytes([code]) for code in range(0x80, 0xA0) if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
}
"""Characters of cp1252 that Latin-1 lacks → their byte."""


@dataclass(frozen=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: All of it; of a repair its head.
        encoding: As a person calls it.
        repaired: What was wrong with the bytes; empty if nothing.
        whole: Function that gives all of the text; raises UnicodeError where the bytes do not allow it.
    """

    text: str
    encoding: str
    repaired: str = ""
    whole: Callable[[], str] | None = None

    def all_text(self) -> str:
        """Return all of the text."""
        return self.whole() if self.whole else self.text


def decode(content: bytes, findings: Findings, *, mend: bool = True) -> Decoded:
    """Decode UTF-16 (by its byte order mark), UTF-8 (if valid), else GB18030 (which includes GBK).

    Args:
        content: The bytes of a file.
        findings: Makes the error.
        mend: Also read lines in two encodings, or text with a few damaged characters.

    Raises:
        UnusableFile: The bytes are text in none of them.
    """
    if content.startswith(_UTF_16_MARKS):
        encodings = {"utf-16": "UTF-16"}
    else:
        encodings = {"utf-8": name_of_utf_8(content), "gb18030": "GBK"}
        content = content.removeprefix(MARK)
    furthest = 0
    for encoding, name in encodings.items():
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            furthest = max(furthest, error.start)
            if error.start < len(content) - 4 or not error.reason.startswith(_CUT_CHARACTER):
                continue
            # The file was cut inside a character; the row that was cut is reported where rows are read.
            text = content[: error.start].decode(encoding)
        if "\0" not in text[:_NUL_SEARCHED]:
            return Decoded(text, name)
    for mended in _mended(content) if mend else ():
        return mended
    raise findings.unusable(
        found=f"bytes that are no text (from byte {furthest + 1})",
        expected="text in UTF-8, UTF-16 with a byte order mark, or GBK/GB18030 (all were tried)",
        cure="Export the report again as CSV or XLSX.",
        zh=f"不是文字（从第 {furthest + 1} 个字节起），也不是表格；应为 UTF-8、UTF-16 或 GBK 的文字。处理："
        f"把报表重新导出为 CSV 或 XLSX。",
    )


def name_of_utf_8(content: bytes) -> str:
    """Return what people call the encoding of bytes that are UTF-8."""
    if content.startswith(MARK):
        return "UTF-8 BOM"
    return "ASCII" if content.isascii() else "UTF-8"


def repairs(content: bytes, decoded: Decoded) -> Iterator[Decoded]:
    """Give other readings of a file in which no header is known, most likely ones first.

    Args:
        content: Its bytes.
        decoded: What `decode` made of them.
    """
    head = decoded.text[:_HEAD].rpartition("\n")[0] or decoded.text[:_HEAD]
    if head.isascii():
        return
    if decoded.encoding != "UTF-16":
        yield from _mended(content.removeprefix(MARK))
    for what, undo in _MISREADINGS.items():
        try:
            mended = undo(head)
        except UnicodeError:
            continue
        yield Decoded(
            mended,
            f"{decoded.encoding} ← {what.partition(' ')[0]}",
            f"text of {what}",
            partial(undo, decoded.text),
        )


def _mended(content: bytes) -> Iterator[Decoded]:
    """Give readings of bytes that are valid in no one encoding: each line in its own, or with a few characters lost."""
    if b"\0" in content[:_NUL_SEARCHED]:
        return
    lines = content.split(b"\n")
    try:
        texts = [_utf8_or_gbk(line) for line in lines]
    except UnicodeDecodeError:
        texts = []
    kinds = {encoding for _, encoding in texts if encoding}
    if len(kinds) > 1:
        mixed = sum(encoding == "gb18030" for _, encoding in texts)
        what = f"lines in two encodings: {mixed:,} in GBK, the others in UTF-8"
        yield Decoded("\n".join(text for text, _ in texts), "UTF-8 + GBK", what)
    for encoding, name in (("utf-8", "UTF-8"), ("gb18030", "GBK")):
        text = content.decode(encoding, errors="replace")
        lost = text.count("\N{REPLACEMENT CHARACTER}")
        if 0 < lost <= _DAMAGED * len(text):
            yield Decoded(
                text, name, f"{lost:,} damaged characters, which were replaced by “\N{REPLACEMENT CHARACTER}”"
            )


def _utf8_or_gbk(line: bytes) -> tuple[str, str]:
    """Return a line, and its encoding; empty for a line that is the same in both."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("gb18030"), "gb18030"
    return text, "" if text.isascii() else "utf-8"


def _gbk_of_utf8(text: str) -> str:
    # Windows reads the byte 80 as €, which GB18030 writes in two bytes.
    return b"\x80".join(part.encode("gb18030") for part in text.split("€")).decode("utf-8")


def _latin_of_gbk(text: str) -> str:
    return text.translate(_WINDOWS).encode("latin-1").decode("gb18030")


def _latin_of_utf8(text: str) -> str:
    return text.translate(_WINDOWS).encode("latin-1").decode("utf-8")


_MISREADINGS: dict[str, Callable[[str], str]] = {
    "UTF-8 that was read as GBK": _gbk_of_utf8,
    "UTF-8 that was read as Western European": _latin_of_utf8,
    "GBK that was read as Western European": _latin_of_gbk,
}
"""What a program did before it saved the file → function that undoes it, or raises UnicodeError."""


def misread(text: str) -> str:
    """State that text looks like another one that was read in the wrong encoding; empty if it does not.

    For text that `repairs` could not read, because characters were lost when it was saved.
    """
    for what, encoding, meant in (
        ("UTF-8 that was read as GBK", "gb18030", "utf-8"),
        ("UTF-8 that was read as Western European", "latin-1", "utf-8"),
        ("GBK that was read as Western European", "latin-1", "gb18030"),
    ):
        raw = (text.translate(_WINDOWS) if encoding == "latin-1" else text).encode(encoding, "replace")
        if any(word in raw.decode(meant, "ignore") for word in _COMMON_WORDS) and not any(
            word in text for word in _COMMON_WORDS
        ):
            return f"it looks like {what}"
    return ""

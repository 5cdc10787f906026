"""The first screen: what to do today and what to shoot next."""

from features.bilingual import Words

TITLE = Words("今天", "Today")
"""Heading, and entry of the menu."""
TEXTS = {
    "at_hand": Words("手上的创意", "The creatives at hand"),
    "shoot_next": Words("下一条先拍", "Shoot next"),
}
"""Headings and paragraphs, by name."""

"""KOC, product and price."""

from features.bilingual import Words

TITLE = Words("达人 × 商品 × 价格", "KOC × product × price")
"""Heading, and entry of the menu."""
TEXTS = {
    "how_kocs": Words(
        "创意最多的 {first} 位达人(共 {second:,} 位)。因子已按证据多少收缩:证据越少越靠近达人自己的平均;“·” = 没"
        "有拍过。",
        "The {first} KOCs with most creatives (of {second:,}). Factors are shrunk for evidence: the less of it, "
        "the nearer to the KOC's own mean; “·” = never shot.",
    ),
    "kocs": Words("达人与商品", "KOC and product"),
    "who_lifts": Words("谁拉动哪一步", "Who lifts which step"),
    "koc_product": Words("达人 × 商品", "KOC × product"),
    "koc_prices": Words("达人带得动的价格带", "Prices that a KOC can carry"),
}
"""Headings and paragraphs, by name."""

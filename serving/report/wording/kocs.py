"""KOC, product and price."""

from features.bilingual import Words

TITLE = Words("达人 × 商品 × 价格", "KOC × product × price")
"""Heading, and entry of the menu."""
TEXTS = {
    "how_kocs": Words(
        "倍数对比同推广方式的平均素材。达人没怎么拍过的商品，数字靠近他自己的平均；灰字 = 现有数据分不出。"
        "账户筛选只决定列出谁，数字来自全部账户。",
        "Factors are against the mean creative of the promotion type. Where a KOC has hardly shot a product, the "
        "figure is near the KOC's own mean; grey = these data cannot tell. The account filter decides who is listed; "
        "the figures are from all accounts.",
    ),
    "koc": Words("达人", "KOC"),
    "product": Words("商品", "product"),
    "price": Words("价格（元）", "price (CNY)"),
    "whole_matrix": Words("整张表：达人 × 商品", "The whole table: KOC × product"),
}
"""Headings and paragraphs, by name."""
SENTENCES = {
    "koc_best": Words(
        "达人里 {who} 最好：{target} ×{factor}（{low}–{high}，{sure}，{n} 条）。",
        "Best KOC: {who}, {target} ×{factor} ({low}–{high}, {sure}, n = {n}).",
    ),
    "koc_unclear": Words("达人之间：现有数据分不出谁更好。", "KOCs: these data cannot tell who is better."),
    "koc_for": Words(
        "“{product}”先找 {who}：{target} ×{factor}（{low}–{high}，{sure}，在这个商品上 {n} 条）。",
        "“{product}”: {who} first, {target} ×{factor} ({low}–{high}, {sure}, n = {n} of this product).",
    ),
    "koc_for_unclear": Words(
        "“{product}”：{kocs} 位达人拍过，现有数据分不出谁更好，不必换人。",
        "“{product}”: {kocs} KOCs shot it, and these data cannot tell who is better: no reason to change.",
    ),
    "koc_untried": Words(
        "没拍过它、但在别的商品上好的达人，值得试拍：{who}。",
        "Worth a test: KOCs who never shot it and do well elsewhere: {who}.",
    ),
    "product_for": Words(
        "{who} 拍“{product}”最好：{target} ×{factor}（{low}–{high}，{sure}，{n} 条）。",
        "{who} does best with “{product}”: {target} ×{factor} ({low}–{high}, {sure}, n = {n}).",
    ),
    "product_for_unclear": Words(
        "{who}：拍过 {products} 个商品，现有数据分不出哪个更好。",
        "{who}: {products} products shot, and these data cannot tell which is better.",
    ),
    "pair": Words(
        "{who} × “{product}”：{target} ×{factor}（{low}–{high}，{sure}，{n} 条）。",
        "{who} × “{product}”: {target} ×{factor} ({low}–{high}, {sure}, n = {n}).",
    ),
    "pair_untried": Words(
        "{who} 没拍过“{product}”；他在别的商品上：{target} ×{factor}（{low}–{high}，{sure}，{n} 条）。",
        "{who} never shot “{product}”; elsewhere: {target} ×{factor} ({low}–{high}, {sure}, n = {n}).",
    ),
    "price_best": Words(
        "价格带里 {band} 元的商品{target}最高：×{factor}（{low}–{high}，{sure}，{n} 条）。",
        "Products at {band} CNY have the highest {target}: ×{factor} ({low}–{high}, {sure}, n = {n}).",
    ),
    "price_unclear": Words("价格：现有数据分不出哪一档更好。", "Price: these data cannot tell which band is better."),
    "price_of": Words(
        "它现在卖 {band} 元；这一档 {target} ×{factor}（{low}–{high}，{sure}，{n} 条）。",
        "It sells at {band} CNY; that band has {target} ×{factor} ({low}–{high}, {sure}, n = {n}).",
    ),
    "price_for": Words(
        "{who} 最带得动 {band} 元：{target} 比同价位的平均达人 ×{factor}（{low}–{high}，{sure}，{n} 条）。",
        "{who} does best at {band} CNY: {target} ×{factor} against the mean KOC there ({low}–{high}, {sure}, n = {n}).",
    ),
    "price_for_unclear": Words(
        "{who} 的价格带：现有数据分不出哪一档比同价位的别人好。",
        "{who}'s prices: these data cannot tell at which one this KOC does better than others.",
    ),
    "who_shoots": Words("谁来拍", "Who shoots"),
    "who_shoots_it": Words("谁来拍“{product}”", "Who shoots “{product}”"),
    "what_for": Words("{who} 拍什么", "What {who} shoots"),
    "which_price": Words("卖什么价", "Which price"),
    "his_prices": Words("{who} 在各价位（对比同价位的平均达人）", "{who} by price (against the mean KOC there)"),
    "price_comes_with": Words(
        "价格随商品而定：这是卖不同价的商品之间的差别，不是同一个商品改价的效果。",
        "Prices come with products: this compares products at these prices, not one product at another price.",
    ),
    "untried": Words(
        "还没拍过它的达人（按他们在别的商品上的表现）", "KOCs who never shot it (by what they do elsewhere)"
    ),
    "few": Words("{n} 条", "{n}"),
    "all_products": Words("全部商品", "all products"),
    "all_kocs": Words("全部达人", "all KOCs"),
    "nobody": Words("这些筛选下没有达人。", "No KOC passes these filters."),
    "more": Words("再列 {n} 个", "{n} more"),
}
"""Sentences with figures, for block and script; the script gets them with `{target}` filled in."""

"""What does the team write down about its creatives? One row each, in its own words, UTF-8 with BOM."""

import csv
import io

import numpy as np
import pandas as pd

from sample.randomness import stream
from sample.world import World, chinese

HEADERS = {
    "素材ID": "creative_id",
    "账户ID": "account_id",
    "推广方式": "promotion",
    "商品ID": "product_id",
    "达人ID": "creator_id",
    "达人粉丝数": "followers",
    "类目": "category",
    "价格": "price",
    "目标ROI": "target_roi",
    "文案": "copy_text",
    "开头类型": "hook",
    "场景": "scene",
    "人物": "face",
    "脚本结构": "script",
    "风格": "style",
    "视角": "viewpoint",
    "卖点": "selling_point",
    "人群": "audience",
    "音乐": "bgm",
    "投放时间": "launched",
    "剪辑师": "editor",
}


def tag_sheet(seed: int, world: World) -> bytes:
    """The sheet as bytes.

    About 10 % of the creatives are missing (their tags stand in the name only), some cells are empty,
    投放时间 is known for a part, and the last rows are creatives that have not run yet.
    """
    generator = stream(seed, "tag sheet")
    running = world.creatives[world.creatives["in_sheet"]]
    rows = pd.concat([running, world.announced], ignore_index=True)
    launched = rows["launched_at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    noted = (generator.random(len(rows)) < 0.3) & (np.arange(len(rows)) < len(running))
    table = rows.assign(
        promotion=[chinese(promotion) for promotion in rows["promotion_type"]],
        launched=launched.where(noted, ""),
        selling_point=rows["selling_point"].str.replace("|", "、"),
        followers=rows["followers"].astype(int),
        price=rows["price"].astype(int),
    )[list(HEADERS.values())].astype(str)
    for name, share in (("bgm", 0.08), ("viewpoint", 0.05), ("copy_text", 0.04), ("target_roi", 0.03)):
        table[name] = table[name].mask(generator.random(len(table)) < share, "")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADERS)
    writer.writerows(table.itertuples(index=False))
    return text.getvalue().encode("utf-8-sig")

"""Responses of the report API: hourly rows of the first four days of each creative, in pages of 5 000.

Fields are called as clients of the real API get them.
"""

import json
import zlib

import numpy as np
import pandas as pd

from sample.files import share
from sample.randomness import Floats
from sample.world import HOURLY_ACCOUNTS, World

TOPICS = {"live": "SITE_PROMOTION_POST_DATA_VIDEO", "product": "SITE_PROMOTION_PRODUCT_POST_DATA_VIDEO"}
PAGE_SIZE = 5000
DAYS_OF_HOURS = 4
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

ONE_SIDED = {
    "live": {
        "impressions": "live_show_count_for_roi2_v2",
        "clicks": "live_watch_count_for_roi2_v2",
        "base_spend": "basic_stat_cost_for_roi2_v2",
    },
    "product": {
        "impressions": "product_show_count_for_roi2",
        "clicks": "product_click_count_for_roi2",
        "cpm": "product_ecpm_for_roi2",
        "cpc": "product_cpc_for_roi2",
    },
}
SHARED = {
    "spend": "stat_cost_for_roi2",
    "boost_spend": "additional_delivery_stat_cost_for_roi2_assist",
    "orders": "total_pay_order_count_for_roi2",
    "gmv": "total_pay_order_gmv_include_coupon_for_roi2",
    "net_gmv": "total_order_settle_amount_for_roi2_1h",
    "net_orders": "total_order_settle_count_for_roi2_1h",
    "settled_7d_gmv": "total_order_settle_amount_for_roi2_7d",
    "plays": "video_play_count_for_roi2_v2",
    "rate_3s": "video_play_duration_3s_rate_for_roi2",
    "rate_5s": "video_play_duration_5s_rate_for_roi2",
    "rate_10s": "video_play_duration_10s_rate_for_roi2",
    "rate_finish": "video_play_finish_rate_for_roi2_v2",
    "likes": "video_like_count_for_roi2",
    "comments": "video_comment_count_for_roi2_v2",
    "shares": "video_share_count_for_roi2",
    "follows": "video_follow_count_for_roi2",
}


def api_pages(world: World, hours: pd.DataFrame) -> dict[str, bytes]:
    """File name → JSON, for the accounts with hourly access; whole days, so that hours add up to days."""
    creatives = world.creatives
    row = hours["row"].to_numpy()
    first_day = creatives["launch_hour"].to_numpy()[row] // 24
    early = hours["clock"].to_numpy() // 24 < first_day + DAYS_OF_HOURS
    hourly = creatives["account_code"].to_numpy()[row] < HOURLY_ACCOUNTS
    chosen = hours[early & hourly]
    chosen = chosen.assign(
        base_spend=(chosen["spend"] - chosen["boost_spend"]).round(2),
        cpm=_price(1000 * chosen["spend"], chosen["impressions"]),
        cpc=_price(chosen["spend"], chosen["clicks"]),
        **{
            rate: _percent(chosen, count)
            for rate, count in (
                ("rate_3s", "plays_3s"), ("rate_5s", "plays_5s"),
                ("rate_10s", "plays_10s"), ("rate_finish", "finishes"),
            )
        },
    )  # fmt: skip
    pages: dict[str, bytes] = {}
    attributes = creatives.loc[chosen["row"], ["account_id", "promotion_type", "creative_id", "name", "created_at"]]
    chosen = pd.concat([chosen.reset_index(drop=True), attributes.reset_index(drop=True)], axis=1)
    for (account, promotion), rows in chosen.groupby(["account_id", "promotion_type"]):
        rows = rows.sort_values(["clock", "creative_id"])
        count = -(-len(rows) // PAGE_SIZE)
        for page in range(count):
            part = rows.iloc[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
            topic = TOPICS[str(promotion)]
            name = f"{account}/{topic}-hourly-{world.start:%Y%m%d}-{world.end:%Y%m%d}-{page + 1:03d}.json"
            info = {"page": page + 1, "page_size": PAGE_SIZE, "total_number": len(rows), "total_page": count}
            pages[name] = _page(world, str(account), str(promotion), part, info)
    return pages


def _page(world: World, account: str, promotion: str, part: pd.DataFrame, info: dict[str, int]) -> bytes:
    fields = ONE_SIDED[promotion] | SHARED
    values = {field: part[name].tolist() for name, field in fields.items()}
    moments = world.start + pd.to_timedelta(part["clock"], unit="h")
    uploads = part["created_at"].dt.strftime(TIME_FORMAT)
    texts = {
        "material_id": part["creative_id"],
        "material_name_v2": part["name"],
        # Topics of 推商品 state the upload alone.
        "material_create_time_v2": uploads if promotion == "live" else ["-"] * len(part),
        "roi2_material_upload_time": uploads,
        "stat_time_day": moments.dt.strftime("%Y-%m-%d"),
        "range_stat_time_hour": moments.dt.strftime(TIME_FORMAT),
    }
    rows = [
        {
            "dimensions": {field: _text(field, text) for field, text in zip(texts, cells)},
            "metrics": {field: _number(column[number]) for field, column in values.items()},
        }
        for number, cells in enumerate(zip(*texts.values()))
    ]
    answer = {
        "advertiser_id": account,
        "topic": TOPICS[promotion],
        "code": 0,
        "message": "OK",
        "data": {"rows": rows, "page_info": info},
        "request_id": f"{world.end:%Y%m%d}{zlib.crc32(f'{account} {promotion} {info}'.encode()):010d}",
    }
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _percent(chosen: pd.DataFrame, count: str) -> Floats:
    """Play rate in percent with two decimals; 0 without plays, as the platform returns it."""
    rate = share(chosen[count].to_numpy(np.float64), chosen["plays"].to_numpy(np.float64))
    return np.asarray(np.nan_to_num(100 * rate).round(2))


def _price(cost: pd.Series, count: pd.Series) -> Floats:
    """Cost per count with two decimals; 0 without any, as the platform returns it."""
    price = share(cost.to_numpy(np.float64), count.to_numpy(np.float64))
    return np.asarray(np.nan_to_num(price).round(2))


def _text(field: str, text: str) -> dict[str, int | str]:
    return {"Value": int(text) if field == "material_id" else text, "ValueStr": text}


def _number(value: float) -> dict[str, float | str]:
    exact = int(value) if float(value).is_integer() else float(value)
    return {"Value": exact, "ValueStr": str(exact)}

"""Every sentence of a plan on the console, in Chinese and in English; those of refusals: `refusals.py`."""

from features.bilingual import Words

LAUNCHES = Words("先投哪些（元）", "Launch (CNY)")
RUNNING = Words("在投素材，今天怎么分（元）", "Running: today's money, CNY")
CREATIVE = Words("素材", "creative")
TEST = Words("测试", "test")
DAYS = Words("几天", "days")
ROI = {"net_roi": Words("净ROI", "net ROI"), "roi": Words("ROI", "ROI")}
HIT = Words("爆款概率", "hit")
GAIN = Words("预计净增", "gain")
CALL = Words("证据", "evidence")
YESTERDAY = Words("日均", "a day")
TODAY = Words("今日", "today")
CHANGE = Words("变化", "change")
FUNDED = Words("应投", "funded")
CALLS = {
    "stop": Words("关停", "stop"),
    "scale": Words("加量", "scale"),
    "watch": Words("观察", "watch"),
}
MORE = Words("…… 另有 {count} 个，见文件", "… and {count} more, in the file")

LAUNCH_ALL_THE_SAME = Words("一定要投，用 LAUNCH=<个数>。", "LAUNCH=<n> launches some all the same.")
NO_CANDIDATES = Words(
    "没有待投的素材：只分今天的预算。候选写进标签表，或用 CANDIDATES=<标签表>。",
    "No creative is waiting, so only today's money is split. Add candidates to the tag sheet, or give "
    "CANDIDATES=<tag sheet>.",
)
NONE_RUNNING = Words("没有在投的素材。", "No creative is running.")
FILES = Words("文件：", "Files:")

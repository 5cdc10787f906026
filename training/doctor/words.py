"""Every sentence and title that the doctor shows, in both languages."""

from features.bilingual import Words
from training.doctor.amounts import Amounts
from training.labels.calibration import MOST_WEEKS
from training.labels.judged import MIN_GROUP_ROWS, UNTIL_JUDGED

FILES = Words("文件", "Files")
FILE = Words("文件", "file")
LAYOUT = Words("识别为", "recognised as")
KNOWN_HEADERS = Words("认识的表头", "headers known")
ENCODING = Words("编码", "encoding")
ROWS = Words("行数", "rows")
FINDINGS = Words("问题", "findings")
NEAREST = Words("未识别（最接近“{zh}”）", "unknown (nearest: {en})")
UNUSABLE = Words("（不能用）", " (cannot be used)")
CHECKED = Words("（数值抽查前 {rows} 行）", " (values of the first {rows} checked)")
SEVERITY = {
    "file": Words("整个文件不能用", "file unusable"),
    "row": Words("行略过", "rows left out"),
    "note": Words("条提示", "notes"),
}
HEADERS = Words("表头 → 列", "Headers → columns")
FILES_OF_KIND = Words("文件", "files")
HEADER_COLUMN = Words("表头 → 列", "header → column")
NOT_READ = Words("不读取", "not read")
OWN_TAG = Words("自有标签", "tag of your own")
SUGGESTIONS = Words("不认识的表头，可能是", "Unknown headers may be")
HEADER = Words("表头", "header")
MAYBE = Words("可能是", "may be")
LIKE = Words("{header}（{name}）", "{header}? ({name})")
YAML_LINE = Words("加一行到来源配置，或改表头", "line of the source config, or rename the header")
HOW_TO_SUGGESTED = Words(
    "写出这份来源配置：make doctor DATA=… WRITE_SOURCE=my-sources/mine.yaml；"
    "再在自己的配置里写 source_dirs: [configs/sources, my-sources]，用 CONFIG=… 运行。",
    "To write that source config: make doctor DATA=… WRITE_SOURCE=my-sources/mine.yaml; then name its folder in a "
    "config of your own, source_dirs: [configs/sources, my-sources], and run with CONFIG=….",
)
STATE_TYPE = Words(
    "{files} 没有说明推广方式：在文件名里写上“推直播”或“推商品”，短表头也就直接识别。",
    "{files}: the promotion type is not stated. Write 推直播 or 推商品 into the file's name; short headers are then "
    "read too.",
)
NO_LAYOUT = Words("未识别", "unknown")
PROBLEMS = Words("问题（同类合并）", "Findings, folded by kind")
ALIKE = Words("（另有 {count} 个文件相同）", " ({count} more files alike)")
MORE_FILES = Words("  ✗ 另有 {count} 个文件", "  ✗ {count} more files")
MORE_PROBLEMS = Words("  · 另有 {count} 类", "  · {count} more kinds")
ACCOUNTS = Words("账户与日期", "Accounts and days")
TYPE = Words("推广方式", "type")
ACCOUNT = Words("账户", "account")
CREATIVES = Words("素材", "creatives")
FROM = Words("从", "from")
TO = Words("到", "to")
MISSING_DAYS = Words("缺的日期", "missing days")
DAYS = Words("{count} 天：{days}", "{count}: {days}")
TARGETS = Words("能预测什么", "What can be predicted")
TARGET = Words("指标", "target")
POSSIBLE = Words("可以", "possible")
NEEDS = Words("需要", "needs")
LACKS = Words("缺", "lacks")
STAGE_LACKS = Words(
    "{type}缺列，“{stage}”这一步不能预测，模型会差一些：缺 {missing}。导出时加上它。",
    "{type} lacks columns: the step “{stage}” cannot be predicted and the model will be worse; missing: {missing}. Add "
    "it to the export.",
)
COPIES = Words(
    "{count} 个文件与别的文件内容相同。同一账户里只算一次；在另一个账户的文件夹里又算一遍：放错了就删掉。",
    "{count} files are copies of others. Each counts once within an account, and again in another account's folder: "
    "remove it if it is there by mistake.",
)
DAYS_REPLACED = Words(
    "{count} 个日行与小时行重叠，用小时行，不重复计算。",
    "{count} daily rows cover the same time as hourly rows: the hours stand, nothing is added twice.",
)
WITHOUT_ACCOUNT = Words(
    "标签表里有 {count} 个素材还没有数据，也不知道账户或推广方式：它们不算待投，不预测，也不进计划。"
    "要把它们算上，在标签表里写上账户ID和推广方式。",
    "{count} creatives of the tag sheet have no metrics yet, and no known account or promotion type: they are neither "
    "predicted nor planned as waiting. Write account id and promotion type into the sheet to have them counted.",
)
SHEET = Words(
    "标签表：{ids} 个素材ID，{matched} 个有数据；{creatives} 个有数据的素材中 {listed} 个在表中。",
    "Tag sheet: {ids} ids, {matched} of them with metrics; {listed} of {creatives} creatives with metrics stand in it.",
)
NO_SHEET = Words(
    "没有标签表（标签只来自素材名称）。", "There is no tag sheet: tags come from the names of creatives alone."
)
ACCOUNTS_FOUND = Words(
    "导出文件没有账户：{by_sheet} 个素材按标签表归户，{by_exports} 个按其他导出文件，"
    "{unknown} 个未知（记为 unnamed）。",
    "Exports without an account: {by_sheet} creatives got theirs from the tag sheet, {by_exports} from other exports, "
    "{unknown} have none (unnamed).",
)
FOLDERS = Words("没有账户的文件，从其余素材看属于", "Files without an account, judging by their other creatives")
BELONGS = Words("应放进文件夹", "belong into the folder")
AMOUNTS = Words("数据量", "Amounts")
AMOUNT = Words("", "")
THERE = Words("现有", "there")
FOR_FULL = Words("完整模型需要", "for the full model")
FOR_SMALL = Words("小模型需要", "for the small one")
TRAINING = Words("可训练的素材（结果已出）", "creatives for training (outcome closed)")
ORDERS = Words("它们的订单", "their orders")
JUDGED = Words(
    "能检验GPM、ROI的行（留作检验、展示够多）", "rows to judge GPM and ROI by (held out, enough impressions)"
)
CALIBRATES = Words(
    "能校准区间和概率的行（结果已出、展示够多）", "rows to calibrate intervals and chances by (enough impressions)"
)
HOLDOUT = Words("留作检验的素材", "creatives held out for the evaluation")
BETWEEN = Words("两者之间（结果与检验期重叠）", "closed between the two")
WAITING = Words("结果未出的素材", "waiting for their outcome")
UNDELIVERED = Words("没有投放的素材", "not delivered")
CUT = Words(
    "数据很大：{count} 个文件只看了开头的行，账户、日期和数据量都是下限，标签表是否对得上到训练读入后才知道。",
    "The data are large: of {count} files only the first rows were read. Accounts, days and amounts are lower bounds, "
    "and whether the tag sheet joins shows when training has read them all.",
)
LEFT_OUT = Words(
    "{count} 个文件不能用，训练时会跳过；原因见上。",
    "{count} files cannot be used and are left out of training; the reasons are above.",
)
ALL_OF_IT = Words("全部表格：make doctor，用同样的 DATA。", "All tables: make doctor, with the same DATA.")
CORRECT_FIRST = Words("先改正以上标 ✗ 的问题，再训练。", "Correct what is marked ✗ first, then train.")
NOTHING_DELIVERED = Words(
    "数据里没有展现或消耗，不能训练。", "There are neither impressions nor spend: nothing can be trained."
)


def ready(found: Amounts) -> Words:
    """Say what can be trained now, and when more can."""
    pace = Words(
        f"（近几周每周约 {found.new_a_week:.0f} 个新素材）",
        f" (about {found.new_a_week:.0f} new creatives a week lately)",
    )
    if found.stage == "full":
        return Words("✓ 数据足够：make train", "✓ There is enough: make train")
    full = _when(found.weeks_to_full)
    if found.stage == "small":
        return Words(
            f"✓ 现在可以训练小模型（漏斗模型，无树模型，留 {found.holdout_days} 天检验）；完整模型{full.zh}{pace.zh}："
            "make train",
            f"✓ A small model can be trained now (the funnel model, without trees, with {found.holdout_days} days held "
            f"out), the full one {full.en}{pace.en}: make train",
        )
    small = _when(found.weeks_to_small)
    return Words(
        f"✗ 数据还不够。小模型{small.zh}，完整模型{full.zh}{pace.zh}。导出更早的日期可以立刻补足；"
        "现在可用：make train BASELINE=1。",
        f"✗ There is too little yet. A small model {small.en}, the full one {full.en}{pace.en}. Earlier exports help "
        "at once; until then: make train BASELINE=1.",
    )


def _when(weeks: int | None) -> Words:
    if weeks is None:
        return Words(f"按此速度 {MOST_WEEKS} 周内不够", f"is not possible within {MOST_WEEKS} weeks at this pace")
    return Words(f"约 {weeks} 周后可以", f"will be possible in about {weeks} week{'s' if weeks != 1 else ''}")


def not_judged(found: Amounts) -> Words:
    """Say that a model could be trained and not be judged, and when it can be."""
    there = Words(
        f"训练出来的模型还检验不了GPM、ROI：留作检验的 {found.holdout_days} 天里，"
        f"展示够多、结果已出的只有 {found.judged:,} 行，要 {MIN_GROUP_ROWS} 行。",
        f"GPM and ROI of the model cannot be judged yet: of the {found.holdout_days} days held out {found.judged:,} "
        f"rows have enough impressions and a closed outcome, {MIN_GROUP_ROWS} are needed.",
    )
    if found.judged_days is None or found.weeks_to_judge is None:
        when = Words(
            "按现在的投放速度等多久都不够：要检验，得有更多素材投出量。",
            "At this pace that does not change by waiting: it takes more creatives with traffic.",
        )
    elif found.weeks_to_full is not None and found.weeks_to_full <= found.weeks_to_judge:
        # The holdout of a full model is as long as the settings say.
        when = Words(
            f"按此速度约 {found.weeks_to_judge} 周后可以，那时在配置里写 split: {{holdout_days: {found.judged_days}}}；"
            "导出更早的日期可以立刻补足。",
            f"At this pace that will be possible in about {found.weeks_to_judge} weeks, with split: {{holdout_days: "
            f"{found.judged_days}}} in the config; earlier exports help at once.",
        )
    else:
        when = Words(
            f"按此速度约 {found.weeks_to_judge} 周后可以（那时留 {found.judged_days} 天检验）；"
            "导出更早的日期可以立刻补足。",
            f"At this pace that will be possible in about {found.weeks_to_judge} weeks (with {found.judged_days} days "
            "held out); earlier exports help at once.",
        )
    return Words(f"{there.zh}{when.zh}{UNTIL_JUDGED.zh}", f"{there.en} {when.en} {UNTIL_JUDGED.en}")

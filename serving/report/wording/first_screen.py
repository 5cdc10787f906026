"""The first screen: tiles, what the model can be used for, what to do today, what to shoot next."""

from features.bilingual import Words
from serving.report.data import ReportData
from serving.report.first_screen import Trust
from serving.report.what_to_shoot import Brief
from serving.report.wording.common import GRADES, tag, target, to_add
from training.evaluation.page.sentences import ASPECT_LABELS, VERDICTS

TITLE = Words("今天", "Today")
"""Heading, and entry of the menu."""
TEXTS = {
    "do_today": Words("今天做什么", "Do today"),
    "by_stake": Words("在投素材，按未来 {days} 天牵涉的金额排", "running ones, by money at stake in {days} days"),
    "shoot_next": Words("下一条拍什么", "Shoot next"),
    "video": Words("视频", "video"),
    "all_running": Words("全部在投", "All running"),
    "trust": Words("这些数字能信多少", "How far to trust the figures"),
    "association_pill": Words("关联，不是因果", "Association, not cause"),
    "not_evaluated_pill": Words("还没检验过", "not checked yet"),
    "few_pill": Words("素材太少，只看趋势", "too few creatives: trends only"),
    "why_association": Words(
        "数字是历史数据里学到的关联，平台会把流量给早期赢家，所以“×1.30”不等于“改了就涨 30%”。"
        "要加量，先做只改一处的测试。",
        "The figures are associations in past data: the platform sends traffic to early winners, so ×1.30 is not "
        "“change it and gain 30%”. Before you scale, test one change at a time.",
    ),
    "default_target_pill": Words("目标ROI：默认 {target:.2f}", "ROI target: default {target:.2f}"),
    "why_default_target": Words(
        "{count} 条素材没有自己的目标ROI（共 {creatives} 条），按默认 {target:.2f} 判断："
        "加量、关停、可加可省都对着它算。用自己的目标：在标签表里加一列“目标ROI”，每条素材写一个；"
        "或请负责训练的同事在配置里写 verdict: {{roi_target: 1.5}}。再出报告。",
        "{count} of {creatives} creatives have no ROI target of their own: they are judged against the default "
        "{target:.2f}, and so are scale, stop and the money at stake. To use your own: add a column 目标ROI "
        "(roi_target) to the tag sheet, a target for each creative; or have whoever trains the model write verdict: "
        "{{roi_target: 1.5}} into the config. Then make the report again.",
    ),
    "no_intervals_pill": Words("区间、概率：还没有", "Intervals, chances: none yet"),
    "wide_intervals_pill": Words("区间：数据少，放宽了", "Intervals: wider, little data"),
    "why_few": Words(
        "所选素材里结果已知的不足 {least} 条。条数少的时候单条差别多半是运气，只看方向，不看具体数。",
        "Fewer than {least} of the chosen creatives have known outcomes. With so few a difference is mostly luck: read "
        "directions, not figures.",
    ),
}
"""Headings and paragraphs, by name."""
SCRIPT_TEXTS = {
    "tile_running": Words("在投素材", "Running creatives"),
    "tile_spend": Words("近 {days} 天消耗（元）", "Spend of {days} days (CNY)"),
    "tile_roi": Words("近 {days} 天{roi} / 目标", "{roi} of {days} days / target"),
    "tile_stake": Words("可加 / 可省（元）", "To add / to save (CNY)"),
    "than_before": Words("比前 {days} 天 {change}", "{change} on the last {days}"),
    "was": Words("上期 {value}", "was {value}"),
    "was_one": Words("上期 {value}，一条素材占 {share}", "was {value}; one creative brings {share}"),
    "not_before": Words("上期没有数据", "no data before"),
    "no_spend": Words("报表里没有消耗列", "the exports have no spend"),
    "no_money": Words("报表里没有消耗和成交金额，算不出 ROI", "the exports have no spend and gmv: no ROI"),
    "none_spent": Words("没有消耗", "nothing spent"),
    "stakes": Words(
        "{was}；未来 {ahead} 天对目标：加量 {more} 条、关停 {less} 条",
        "{was}; {ahead} days against target: {more} scale, {less} stop",
    ),
    "stakes_before": Words("{days} 天前 {was}", "{days} days ago {was}"),
    "no_stakes": Words("没有能下结论的在投素材", "no running creative with a decision"),
    "count_cny": Words("{n} 条 · {cny} 元", "{n} · {cny} CNY"),
    "nothing_to_do": Words(
        "所选素材里没有要动的：没有在投素材能下结论。", "Nothing to act on: no running creative here has a decision."
    ),
    "nobody_runs": Words("所选素材里没有在投的。", "None of the chosen creatives is running."),
    "briefs_of_account_id": Words("按账户；选商品或达人，看它的", "by account; choose a product or KOC for its own"),
    "briefs_of_product_id": Words("这个商品的，不随时间变化", "of this product, for any period"),
    "briefs_of_creator_id": Words("这位达人的，不随时间变化", "of this KOC, for any period"),
    "briefs_too_few": Words(
        "所选的素材不足 {least} 条，或没有确定、可能更好的取值，以下按账户给出",
        "fewer than {least} creatives here, or nothing is likely better: by account instead",
    ),
    "no_briefs_here": Words(
        "这里没有一个取值能确定或可能更好，所以不推荐拍法。先在跑得好的素材上每次只换一处来测。",
        "Here no value is certainly or likely better, so nothing is recommended. Test one change at a time on what "
        "runs well.",
    ),
    "video_link": Words("视频", "video"),
}
"""Texts that the script writes, by name."""
ADVICE = {
    ("ranking", "usable"): Words("可以按它给素材排先后。", "Rank creatives by it."),
    ("ranking", "caution"): Words("只拿来粗排，挨得近的不分先后。", "Rank roughly; neighbours are not told apart."),
    ("ranking", "unusable"): Words("不要按它排先后。", "Do not rank by it."),
    ("level", "usable"): Words("预测值可以直接看。", "Take predictions as they are."),
    ("level", "caution"): Words("合计可信，例外见上一句。", "Totals hold, but for the exception above."),
    ("level", "unusable"): Words("不要用绝对值定预算，只比大小。", "Set no budget by it; compare only."),
    ("intervals", "usable"): Words("区间可以照着读。", "Read intervals as they are."),
    ("intervals", "caution"): Words("大体可以照着读，例外见上一句。", "Read them as they are, but for the above."),
    ("intervals", "unusable"): Words("不要用区间。", "Do not use the intervals."),
    ("chances", "usable"): Words("百分数可以照着读。", "Read percentages as they are."),
    ("chances", "caution"): Words("比大小可以，百分数打些折扣。", "Compare them; take percentages with care."),
    ("chances", "unusable"): Words("只比大小，不读百分数。", "Compare them only."),
}
"""Aspect and verdict → what to do with the figure."""
FIGURES = {
    "ranking": Words("，排序相关 {figure:.2f}", ", rank correlation {figure:.2f}"),
    "level": Words("，预测合计是实际的 {figure:.0%}", ", predicted {figure:.0%} of the actual total"),
    "intervals": Words("，区间里实际落了 {figure:.0%}", ", intervals hold {figure:.0%} of what came"),
}
"""Aspect → the figure that the judgement rests on."""
UNDECIDED = Words("留出检验的素材太少，还判断不了。", "Too few held-out creatives to judge yet.")
SHOOT = {
    "scene": Words("场景“{value}”", "scene “{value}”"),
    "face": Words("由“{value}”出镜", "“{value}” on camera"),
    "script": Words("脚本走“{value}”", "script “{value}”"),
    "style": Words("形式用“{value}”", "style “{value}”"),
    "hook": Words("开头用“{value}”", "open with “{value}”"),
}
"""Tag → how a KOC reads it, in the order of shooting."""


WHOSE = {
    "account_id": Words("账户", "account"),
    "product_id": Words("这个商品", "product"),
    "creator_id": Words("这位达人", "KOC"),
}
"""Slice of a brief → whose usual creative it is compared with."""


def pill(one: Trust) -> Words:
    """A question and its answer in a few words."""
    aspect, said = ASPECT_LABELS[one.aspect], VERDICTS[one.verdict]
    if one.verdict == "undecided":
        said = Words("还判断不了", "not judged yet")
    if one.aspect != "level":
        return Words(f"{aspect.zh} {said.zh}", f"{aspect.en}: {said.en}")
    if one.verdict == "caution" and one.factor != 1.0 and one.figure is not None:
        percent, high = round(abs(100.0 * (one.figure - 1.0))), one.figure > 1.0
        read = f"按 {10 * one.factor:.1f} 折看" if high else f"乘 {one.factor:.2f} 看"
        said = Words(
            f"偏{'高' if high else '低'} {percent}%，{read}",
            f"{percent}% too {'high' if high else 'low'}, read × {one.factor:.2f}",
        )
    name = target(one.target)
    return Words(f"{name.zh} 绝对值 {said.zh}", f"{name.en} level: {said.en}")


def why(one: Trust) -> Words:
    """What the answer rests on, and what to do with the figure: two sentences."""
    name = target(one.target)
    if one.verdict == "undecided":
        return UNDECIDED
    advice = ADVICE[one.aspect, one.verdict]
    if one.aspect == "level" and one.verdict == "caution" and one.factor != 1.0:
        advice = Words(
            f"本报告写的是模型原值，读的时候乘 {one.factor:.2f}。",
            f"The report shows what the model says: read it × {one.factor:.2f}.",
        )
    rests = FIGURES[one.aspect].format(figure=one.figure) if one.aspect in FIGURES else Words("", "")
    return Words(f"{name.zh}：{one.why.zh}{rests.zh}。{advice.zh}", f"{name.en}: {one.why.en}{rests.en}. {advice.en}")


def brief(one: Brief) -> Words:
    """What to shoot, as a KOC reads it: the changed values; everything else stays as it usually is."""
    changed = {change.tag: change.new for change in one.changes}
    parts = [SHOOT[name].format(value=changed[name]) for name in SHOOT if name in changed]
    en = ", ".join(part.en for part in parts)
    return Words(f"{'，'.join(part.zh for part in parts)}，其它照平时", f"{en[:1].upper()}{en[1:]}, all else as usual")


def differs(one: Brief) -> Words:
    """What differs from the usual creative, how sure each change is, and what stays."""
    zh, en = [], []
    for change in one.changes:
        name, sure = tag(change.tag), GRADES[change.grade]
        pooled = Words("，据全部素材", ", from all creatives") if change.pooled else Words("", "")
        zh.append(f"{name.zh} {change.old or '无'} → {change.new}（{sure.zh}{pooled.zh}）")
        en.append(f"{name.en} {change.old or 'none'} → {change.new} ({sure.en}{pooled.en})")
    changed = {change.tag for change in one.changes}
    same = [(tag(name), one.tags[name]) for name in SHOOT if name in one.tags and name not in changed]
    if same:
        zh.append(f"平时的{'、'.join(f'{name.zh} {value}' for name, value in same)}不变")
        en.append(f"as usual: {', '.join(f'{name.en} {value}' for name, value in same)}")
    return Words(f"和平时不同：{'；'.join(zh)}", f"Unlike the usual: {'; '.join(en)}")


def gain(one: Brief, level: float) -> Words:
    """What it is expected to bring, from how many creatives, and what to spend on trying it."""
    name, low, high = target(one.target), round(100 * (one.gain_low - 1)), round(100 * (one.gain_high - 1))
    if low > 0:
        zh, en = f"高约 {low}–{high}%", f"about {low}–{high}% higher"
    else:
        ends = f"{'−' if low else ''}{abs(low)}%", f"+{high}%"
        zh, en = f"多半更高（{ends[0]} 到 {ends[1]}）", f"most likely higher ({ends[0]} to {ends[1]})"
    whose, spend = WHOSE[one.by], _rough(one.test_cny)
    try_zh, try_en = (f"，各试约 {spend} 元", f", {spend} CNY on each") if spend else ("", "")
    return Words(
        f"比{whose.zh}平时的素材，{name.zh}{zh}（{level:.0%} 区间），依据 {one.creatives:,} 条；"
        f"拍 {one.copies} 条{try_zh}",
        f"{name.en} {en} than the {whose.en}'s usual ({level:.0%} interval), from {one.creatives:,}; "
        f"shoot {one.copies}{try_en}",
    )


def proof(one: Brief) -> Words:
    """The one-variable test that would prove the brief's largest change."""
    change, spend = one.changes[0], _rough(one.test_cny)
    name, old = tag(change.tag), change.old
    to_zh, to_en = (f"，各投约 {spend} 元再比", f"; compare after {spend} CNY on each") if spend else ("", "")
    return Words(
        f"验证：拍两版，别的都一样，只有{name.zh}不同（“{change.new}”对“{old or '没有'}”）{to_zh}",
        f"Proof: two alike in all but the {name.en} (“{change.new}” or “{old or 'none'}”){to_en}",
    )


def _rough(cny: float | None) -> str:
    """An amount with two significant digits; empty where it is not known."""
    return "" if cny is None else f"{float(f'{max(cny, 1.0):.2g}'):,.0f}"


def no_briefs(data: ReportData) -> Words:
    """Why nothing is recommended."""
    if not data.levers.main:
        return Words(
            "没有消耗或成交金额，说不出哪种拍法更好。", "Without spend or gmv no way to shoot can be called better."
        )
    tags = {one.tag for one in data.levers.levers}
    if not tags & set(SHOOT):
        return to_add(["hook", "scene", "face", "script"])
    return Words(*SCRIPT_TEXTS["no_briefs_here"])

"""The end of a command on the console, and the details of a training run for its log."""

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.bilingual import Language, Words, series
from features.console import print_text
from features.partitions.address import without_password
from features.stages import CLICK, COST, ENGAGE, HOLD, KEEP, ORDER, VALUE
from features.targets import GPM, NET_GPM, NET_ROI, ROI, TARGETS
from training.evaluation.acceptance import Judgement
from training.evaluation.files import HeadFacts
from training.evaluation.metrics import ALL_AGES, METHODS
from training.evaluation.page.render import PAGE
from training.evaluation.page.sentences import five_sentences
from training.run import TrainingRun
from training.workspace import Workspace

CONSOLE_AGES = [0, 24, 168]
"""Ages in the console table; the page has all."""


def details(result: TrainingRun, space: Workspace) -> list[str]:
    """Return the lines of a run for its log: metrics by target and age, heads, rows left out."""
    console = Console(file=StringIO(), width=200)
    for part in ("cold", "warm"):
        console.print(figures_table(result.figures, part))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    lines += [
        "rank: Spearman correlation with the outcome. error: mean |log1p predicted − log1p actual|.",
        "total, mean: predicted over actual, weighted by exposure and by creative.",
        "carry: carry-forward of the value so far. EB: empirical Bayes, no trees. cold: creatives not in training.",
        f"Evaluated on {result.holdout_rows:,} rows with cutoffs after {result.holdout_since:%Y-%m-%d}, by a model "
        f"trained on {result.training_rows:,} rows of {result.training_creatives:,} creatives; the registered model is "
        "the same recipe on all mature rows.",
        result.tagged.words.en,
        f"MLflow run {result.registered.run_id} in {space.mlflow}.",
    ]
    lines += [head_line(head) for head in result.heads]
    if result.left_out:
        reasons = "; ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in result.left_out.items())
        lines.append(f"Left out or resolved: {reasons}.")
    return lines


def show_result(
    result: TrainingRun, space: Workspace, data: list[str], config: str, log: Path, language: Language, out: Console
) -> None:
    """Print the end of a training run: what the model is, what it can be used for, what to do next.

    Args:
        result: Of the run.
        space: Its workspace.
        data: As given on the command line, for the commands to type next.
        config: As given on the command line; empty for the default.
        log: Where the details are.
        language: Of the text.
        out: Console to print on.
    """

    def show(text: Words) -> None:
        print_text(out, text.in_language(language))

    def link(label: Words, path: Path) -> None:
        line = Text(f"  {label.in_language(language)}  ")
        line.append(str(path), style=f"link {path.resolve().as_uri()}")
        out.print(line, soft_wrap=True)

    out.print()
    show(result.tagged.words)
    if result.small:
        show(SMALL)
    if result.calibration.target and (result.small or result.calibration.state != "enough"):
        show(result.calibration.words)
    if heads := heads_words(result.heads):
        show(heads)
    if result.missing:
        show(missing_words(result.missing))
    became = (
        Words("成为冠军模型", "is the champion")
        if result.comparison.promoted
        else Words("已登记，冠军模型不变", "is registered; the champion stays")
    )
    named, reason = result.registered, result.comparison.reason
    show(Words(f"{named.name} 第 {named.version} 版{became.zh}（{reason.zh}）。", f"{named} {became.en}: {reason.en}."))
    out.print()
    show_sentences(result.judged, result.level, language, out)
    out.print()
    given = "" if data == ["var/sample-exports"] else f" DATA='{without_password(data[0])}'"
    given += f" CONFIG='{config}'" if config else ""
    show(Words("下一步：", "Next:"))
    for command, about in NEXT:
        options = "" if command == "make serve" else given  # it has settings of its own
        show(Words(f"  {command}{options}   {about.zh}", f"  {command}{options}   {about.en}"))
    show(Words("文件：", "Files:"))
    predicted = Words(
        f"{result.predicted_creatives:,} 个素材的预测", f"predictions of {result.predicted_creatives:,} creatives"
    )
    for label, path in (
        (predicted, result.predictions),
        (Words("评估", "evaluation"), space.evaluation / PAGE),
        (Words("明细", "details"), log),
    ):
        link(label, path)


NEXT = (
    (
        "make report",
        Words("给策略人员的报告：哪些加量、哪些关停、拍什么", "the strategist's report: what to scale, stop and shoot"),
    ),
    ("make serve", Words("预测服务与页面", "the prediction service and its page")),
    ("make predict", Words("有新导出时再预测", "predict again when new exports came in")),
    ("make ui", Words("在浏览器里看各次训练（MLflow）", "the runs in a browser (MLflow)")),
)
SMALL = Words(
    "数据不多：这次只用漏斗模型，没有 LightGBM 模型头；数据够了再跑 make train 即为完整模型。",
    "Little data: this is the funnel model alone, without LightGBM heads; make train again once there is more.",
)


def missing_words(missing: Mapping[str, str]) -> Words:
    """Say what cannot be predicted for want of columns.

    Args:
        missing: Stage or target → columns that it needs.
    """
    labels = {
        one.name: one.label for one in (HOLD, ENGAGE, CLICK, ORDER, VALUE, KEEP, COST, GPM, NET_GPM, ROI, NET_ROI)
    }
    needs = "; ".join(f"{name}: {columns}" for name, columns in missing.items())
    named = "、".join(labels[name].zh if name in labels else name for name in missing)
    return Words(
        f"缺少列，无法预测：{named}。需要哪些列：make doctor。", f"Not available, columns are missing: {needs}."
    )


def heads_words(heads: Sequence[HeadFacts]) -> Words | None:
    """Say what the trees change of the funnel model's error on the holdout; None without trees, or not measured."""
    parts, worse = [], False
    for head in heads:
        gain = head.holdout_gain("funnel", "tuned" if head.tuned else "hand")
        if not head.weights or not head.rounds or gain is None:
            continue
        worse = worse or gain <= -ALIKE
        if abs(gain) < ALIKE:
            parts.append(Words(f"{head.zh}差不多", f"{head.en} about the same"))
        else:
            grew, percent = Words("大", "larger") if gain < 0 else Words("小", "smaller"), f"{abs(100 * gain):.0f} %"
            parts.append(Words(f"{head.zh}{grew.zh} {percent}", f"{head.en} {percent} {grew.en}"))
    if not parts:
        return None
    listed = series(part.zh for part in parts).zh, series(part.en for part in parts).en
    more = LARGER if worse else Words("", "")
    return Words(
        f"加上树模型（LightGBM）以后，检验期上的误差比只用漏斗模型：{listed[0]}。{more.zh}",
        f"With trees (LightGBM) the error on the holdout, against the funnel model alone: {listed[1]}.{more.en}",
    )


ALIKE = 0.005
"""Change of the error on the holdout, as a share, that is none."""
LARGER = Words(
    "变大的不用处理：一段检验期里这可能只是运气，能用来做什么以下面几句为准；几次训练都变大，再看明细。",
    " Nothing needs to be done about what is larger: on one stretch of days that may be luck, and what the model can "
    "be used for is said below. If it is larger in several trainings, look at the details.",
)


def head_line(head: HeadFacts) -> str:
    """Say what was chosen for a head, what it gains over the funnel and what tuning gains, on folds and holdout."""
    parts = [f"Head {head.name}: {head.rounds} trees"]
    if head.weights:
        parts.append("stack " + ", ".join(f"{member} {weight:.2f}" for member, weight in head.weights.items()))
    chosen = "tuned" if head.tuned else "hand"
    against = [head.head_gain, head.holdout_gain("funnel", chosen)]
    parts.append(f"deviance against {'its offset' if not head.weights else 'the funnel alone'} {_shares(against)}")
    if head.tuning_gain is None:
        parts.append("tuning found nothing better than the hand setting")
    else:
        gain = _shares([head.tuning_gain, head.holdout_gain("hand", "tuned")])
        kept = "taken" if head.tuned else "hand setting kept"
        parts.append(f"tuning {gain} (standard error {100 * (head.tuning_error or 0):.1f} %; {kept})")
    return "; ".join(parts) + "."


def _shares(gains: Sequence[float | None]) -> str:
    """Fall of a deviance on the folds and on the holdout, in percent."""
    named = zip(gains, ("on folds", "on holdout"))
    return ", ".join(f"{-100 * gain:+.1f} % {where}" for gain, where in named if gain is not None) or "not measured"


def show_sentences(judged: Sequence[Judgement], level: float, language: Language, out: Console) -> None:
    """Print the five sentences on what the model can be used for."""
    out.print("能用来做什么：" if language == "zh" else "What it can be used for:", highlight=False)
    sentences = five_sentences(judged, level)
    for number, sentence in enumerate(sentences, start=1):
        label = f"{number}. " if len(sentences) > 1 else ""
        print_text(out, f"{label}{sentence.in_language(language)}")


def show_backtest(table: pd.DataFrame, figures: pd.DataFrame, file: Path, language: Language, out: Console) -> None:
    """Print the end of a backtest: how many predictions, and how they compare with the outcomes.

    Args:
        table: Of `training.backtest.backtest`.
        figures: Of `training.backtest.summary`.
        file: That the table was written to.
        language: Of the text.
        out: Console to print on.
    """
    rows, origins, cold = len(table), table["origin"].nunique(), int(table["cold"].sum())
    said = Words(
        f"{file}：{origins} 个时点的 {rows:,} 次预测，其中 {cold:,} 次的素材当时不在训练数据里",
        f"{file}: {rows:,} rows from {origins} origins, {cold:,} cold",
    )
    print_text(out, said.in_language(language))
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, header in enumerate(BACKTEST_HEADERS):
        shown.add_column(header.in_language(language), justify="right" if place else "left", no_wrap=True)
    for line in figures.to_dict("records"):
        label = TARGETS[line["target"]].label.zh if language == "zh" else line["target"]
        shown.add_row(label, f"{line['rows']:,}", *(_number(line[name]) for name in ("rank", "total", "inside")))
    out.print(shown)


BACKTEST_HEADERS = (
    Words("指标", "target"),
    Words("次数", "rows"),
    Words("排序相关", "rank"),
    Words("预测 ÷ 实际", "total"),
    Words("落在区间里", "inside"),
)


def show_predictions(
    file: Path, table: pd.DataFrame, model: str, unknown: Sequence[Words], language: Language, out: Console
) -> None:
    """Print what was predicted by which model, and what ids the model does not know.

    Args:
        file: That the predictions were written to.
        table: The predictions.
        model: Name and version.
        unknown: Sentences on ids that the model does not know.
        language: Of the text.
        out: Console to print on.
    """
    warned = int((table["warnings"] != "").sum())
    said = Words(
        f"{file}：模型 {model.replace(' version ', ' ')} 预测了 {len(table):,} 个素材，其中 {warned:,} 个有提示",
        f"{file}: {len(table):,} creatives predicted by {model}, {warned:,} with warnings",
    )
    for text in (*unknown, said):
        print_text(out, text.in_language(language))


def figures_table(figures: pd.DataFrame, part: str) -> Table:
    """Return rank correlation, error and calibration by target and age, for one part (`cold`, `warm`) of the rows."""
    table = Table(
        title=f"Holdout, {part} creatives", title_justify="left", box=SIMPLE_HEAD, padding=0, collapse_padding=True
    )
    table.add_column("\ntarget", no_wrap=True)
    short = dict(zip(METHODS, ("carry", "EB", "model")))
    titles = ["\nage h", "\nrows"]
    titles += [f"{figure}\n{short[name]}" for figure in ("rank", "error") for name in METHODS]
    for title in [*titles, "total\nmodel", "mean\nmodel"]:
        table.add_column(title, justify="right", no_wrap=True)
    of_part = figures[(figures["part"] == part) & figures["age_hours"].isin([ALL_AGES, *CONSOLE_AGES])]
    for target, of_target in of_part.groupby("target", sort=False):
        own_rows = of_target[(of_target["method"] == METHODS[-1]) & of_target["spearman"].notna()]
        for age in own_rows["age_hours"]:
            by_method = of_target[of_target["age_hours"] == age].set_index("method")
            own = by_method.loc[METHODS[-1]]
            table.add_row(
                str(target) if age == ALL_AGES else "",
                "all" if age == ALL_AGES else f"{age:g}",
                f"{int(own['rows']):,}",
                *(_number(by_method.loc[name, "spearman"]) for name in METHODS),
                *(_number(by_method.loc[name, "log_error"]) for name in METHODS),
                _number(own["total"]),
                _number(own["mean"]),
                style="bold" if age == ALL_AGES else "",
            )
    return table


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"

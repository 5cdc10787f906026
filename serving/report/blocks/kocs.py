"""KOC, product and price: the findings and strips that stand there without a script, and the JSON of the script."""

from math import exp

from scipy.stats import norm

from features.bilingual import Words
from serving.report import wording
from serving.report.data import ReportData
from serving.report.kocs import Effect, KocsOfType
from serving.report.wording.common import promotion_type, target

MOST_KOCS = 12
"""In the page without its script."""
GRADES = ("certain", "likely", "unclear")


def values(data: ReportData) -> dict[str, object]:
    """Per promotion type: its name, the findings, and rows of KOCs and price bands."""
    table = data.kocs
    return {
        "types": [
            {
                "name": promotion_type(one.promotion_type),
                "findings": _findings(one, data),
                "kocs": [_row(table.kocs[effect.of].name, effect, data) for effect in one.kocs[:MOST_KOCS]],
                "bands": [_row(table.bands[effect.of], effect, data) for effect in one.bands],
            }
            for one in table.types
        ],
        "grades": wording.common.GRADES,
    }


def _findings(one: KocsOfType, data: ReportData) -> list[Words]:
    """Best KOC and best price band, where they can be told."""
    said = []
    for name, effects, names in (
        ("koc", one.kocs, [koc.name for koc in data.kocs.kocs]),
        ("price", one.bands, data.kocs.bands),
    ):
        best = max((effect for effect in effects if told_better(effect)), key=lambda effect: effect.log, default=None)
        if best is not None:
            said.append(_best(f"{name}_best", names[best.of], best, data))
        elif effects:
            said.append(wording.kocs.SENTENCES[f"{name}_unclear"])
    return said


def told_better(effect: Effect) -> bool:
    """Whether an effect is certainly or likely better than the mean creative."""
    return effect.grade != "unclear" and effect.log > 0


def _best(sentence: str, name: str, effect: Effect, data: ReportData) -> Words:
    low, high = _ends(effect, data)
    label, sure = target(data.kocs.target), wording.common.GRADES[effect.grade]
    given = {
        "who": name, "band": name, "factor": f"{exp(effect.log):.2f}", "low": low, "high": high,
        "n": f"{effect.creatives:,}",
    }  # fmt: skip
    words = wording.kocs.SENTENCES[sentence]
    return Words(
        words.zh.format(**given, target=label.zh, sure=sure.zh), words.en.format(**given, target=label.en, sure=sure.en)
    )


def _ends(effect: Effect, data: ReportData) -> tuple[str, str]:
    z = _z(data)
    return f"{exp(effect.log - z * effect.sd):.2f}", f"{exp(effect.log + z * effect.sd):.2f}"


def _z(data: ReportData) -> float:
    return float(norm.ppf(0.5 + data.levers.level / 2))


def _row(name: str, effect: Effect, data: ReportData) -> dict[str, object]:
    low, high = _ends(effect, data)
    return {"name": name, "factor": f"{exp(effect.log):.2f}", "band": f"{low}–{high}", "effect": effect}


def embedded(data: ReportData) -> dict[str, object]:
    """Effects as lists; KOCs, products and bands by index, grades by index of `grades`."""
    table = data.kocs
    label = target(table.target) if table.target else Words("", "")
    return {
        "words": {
            name: [words.zh.replace("{target}", label.zh), words.en.replace("{target}", label.en)]
            for name, words in wording.kocs.SENTENCES.items()
        },
        "names": [wording.kocs.TEXTS[name] for name in ("koc", "product", "price")],
        "whole": wording.kocs.TEXTS["whole_matrix"],
        "grades": [[name, *wording.common.GRADES[name]] for name in GRADES],
        "z": round(_z(data), 4),
        "kocs": [[one.id, one.name] for one in table.kocs],
        "products": [[one.id, one.name] for one in table.products],
        "bands": table.bands,
        "types": [
            {
                "type": one.promotion_type,
                "name": promotion_type(one.promotion_type),
                "kocs": [_listed(effect) for effect in one.kocs],
                "bands": [_listed(effect) for effect in one.bands],
                "products": [[product.of, product.creatives, list(product.bands.items())] for product in one.products],
                "pairs": [[pair.koc, *_listed(pair)] for pair in one.pairs],
                "prices": [[pair.koc, *_listed(pair)] for pair in one.prices],
            }
            for one in table.types
        ],
    }


def _listed(effect: Effect) -> list[float]:
    return [effect.of, effect.creatives, round(effect.log, 4), round(effect.sd, 4), GRADES.index(effect.grade)]

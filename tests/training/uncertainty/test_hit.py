"""What a hit is, and how likely one."""

import numpy as np
import pandas as pd
import pytest

from training.boosting.out_of_fold import out_of_fold
from training.boosting.recipe import Recipe
from training.uncertainty.covariates import situation
from training.uncertainty.fit import fit_uncertainty
from training.uncertainty.hit import LEAST_HITS, fit_hit
from training.uncertainty.regressions import PARTS, Parting


@pytest.fixture(scope="module")
def taught(dataset, cut, quick):
    """Rows that a model had not seen: predictions, situation, outcome."""
    part = out_of_fold(dataset, cut[0], Recipe())[-1]
    frame = situation(part.predicted, part.features, dataset.funnel, ["live", "product"])
    return part.predicted, frame, part.outcome


def learned(taught, dataset, quick, **changed: object):
    predicted, frame, outcome = taught
    parting = Parting(np.arange(len(frame)) % PARTS, np.zeros(len(frame), dtype=np.int64))
    settings = quick.interval.model_copy(update={"hit_share": 0.2, **changed})
    return fit_hit(predicted, frame, outcome, dataset.funnel, settings, parting)


def test_the_top_share_of_each_promotion_type_are_hits(taught, dataset, quick) -> None:
    hit = learned(taught, dataset, quick)
    assert hit is not None
    assert hit.of == "net_gmv"
    frame, outcome = taught[1], taught[2]
    happened = hit.happened(outcome, frame["kind"], dataset.funnel)
    for kind in ("live", "product"):
        mine = (frame["kind"] == kind).to_numpy()
        assert np.nanmean(happened[mine]) == pytest.approx(0.2, abs=0.03)
        assert outcome.loc[mine & (happened == 1), "later:settled_net_cny"].min() >= hit.at_least[kind]


def test_its_mean_chance_is_the_share_of_hits_and_higher_for_those_that_were(taught, dataset, quick) -> None:
    hit = learned(taught, dataset, quick)
    chance = hit.chance(taught[0], taught[1], dataset.funnel)
    happened = hit.happened(taught[2], taught[1]["kind"], dataset.funnel)
    assert chance.mean() == pytest.approx(np.nanmean(happened), abs=0.01)
    assert chance[happened == 1].mean() > 1.5 * chance[happened == 0].mean()


def test_hits_can_be_ranked_by_later_volume(taught, dataset, quick) -> None:
    hit = learned(taught, dataset, quick, hit_of="volume")
    assert hit is not None
    assert hit.of == "volume"
    volume = taught[2]["later:impressions"] / taught[2]["covered_share"]
    happened = hit.happened(taught[2], taught[1]["kind"], dataset.funnel)
    live = (taught[1]["kind"] == "live").to_numpy()
    assert volume[live & (happened == 1)].min() > volume[live & (happened == 0)].max()


def test_of_a_promotion_type_never_seen_nothing_is_said(taught, dataset, quick) -> None:
    hit = learned(taught, dataset, quick)
    strange = taught[1].assign(kind="brand")
    assert np.isnan(hit.chance(taught[0], strange, dataset.funnel)).all()
    assert np.isnan(hit.happened(taught[2], pd.Series("brand", index=strange.index), dataset.funnel)).all()


def test_with_few_hits_nothing_is_said(taught, dataset, quick) -> None:
    assert len(taught[1]) * 0.01 < LEAST_HITS
    assert learned(taught, dataset, quick, hit_share=0.01) is None
    assert (
        fit_uncertainty(out_of_fold(dataset, np.zeros(len(dataset.rows), dtype=bool), Recipe()), dataset.funnel, quick)
        is None
    )

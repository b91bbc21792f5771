"""What is drawn of several endpoints: laws, ties, and that nothing moves what was declared before it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import kstest, spearmanr

from tests.study.declared.several.several_trials import engine, only, tables, trial_of
from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared.several.hypotheses import Copula
from trialsim.protocol.declared.several.views import of_endpoint
from trialsim.study.declared.drawing.worlds import survival_world
from trialsim.study.declared.several.dependence import latent_correlation
from trialsim.study.declared.several.illness_death import AfterFirst
from trialsim.trial import simulate_survival
from trialsim.trial.outcomes import PiecewiseHazard, WeibullLaw

NOBODY_LEAVES = {"discontinuation": None}
SCORE = {
    "name": "score", "kind": "score", "direction": "higher_is_better", "weeks": [12.0, 26.0],
    "mean": [50.0, 52.0, 55.0], "sd": [10.0, 10.0, 12.0], "correlation": 0.6, "source": "Assumed",
}  # fmt: skip


def drawn(made, replicates=30, block=0):
    one = engine(made)
    return one.draw(replicates, 7, block, one.streams)


def test_the_first_endpoint_is_drawn_as_in_a_trial_with_it_alone():
    trial = trial_of(only("pfs"))
    one = engine(tables())
    from functools import partial

    from trialsim.streams import stream

    alone = simulate_survival(survival_world(trial), 20, partial(stream, 7, one.streams, 3))
    several = one.draw(20, 7, 3, one.streams).outcomes["pfs"]
    for name in ("entry", "time", "event", "arm"):
        assert np.array_equal(getattr(alone, name), getattr(several, name)), name


def test_an_endpoint_leaves_those_before_it_as_they_are():
    two, three = drawn(only("pfs", "os")), drawn(tables())
    for name in ("pfs", "os"):
        assert np.array_equal(two.outcomes[name].time, three.outcomes[name].time)
        assert np.array_equal(two.outcomes[name].event, three.outcomes[name].event)


def test_death_has_its_own_law_and_never_comes_before_the_first_event():
    seen = drawn(only("pfs", "os", **NOBODY_LEAVES), replicates=60)
    first, death = seen.outcomes["pfs"], seen.outcomes["os"]
    assert (death.time >= first.time).all()
    for arm, (pfs, os) in enumerate([(1.0, 1.0), (0.68, 0.75)]):
        who = first.arm == arm
        rates = np.log(2) / 7 * pfs, np.log(2) / 18 * os
        for times, rate in zip((first.time[who], death.time[who]), rates, strict=True):
            assert kstest(times, "expon", args=(0, 1 / rate)).pvalue > 1e-3
        same = (first.time == death.time)[who].mean()
        assert abs(same - 0.1) < 4 * np.sqrt(0.1 * 0.9 / who.sum())


def test_a_share_of_deaths_that_is_the_ratio_of_hazards_leaves_death_alone():
    law = AfterFirst.of(PiecewiseHazard((0.10,)), PiecewiseHazard((0.04,)), (1.0, 1.0), 0.4)
    after = law.death(np.array([1.0, 5.0, 20.0]), np.array([0.4, 0.4, 0.4]))
    assert after == pytest.approx([11.0, 15.0, 30.0], rel=1e-4)


def test_closed_form_of_the_hazard_after_progression():
    # With constant hazards H(t) = q λ1 t + (λ2 − q λ1)/(λ1 − λ2) ln(exp((λ1 − λ2) t) − 1).
    first, death, share = 0.10, 0.04, 0.15
    law = AfterFirst.of(PiecewiseHazard((first,)), PiecewiseHazard((death,)), (1.0, 1.0), share)
    at = np.array([0.5, 2.0, 10.0, 60.0])
    gap = first - death
    exact = share * first * at + (death - share * first) / gap * np.log(np.expm1(gap * at))
    found = np.interp(at, law.months, law.used)
    assert np.diff(found) == pytest.approx(np.diff(exact), rel=1e-4)


@pytest.mark.parametrize(
    "laws",
    [
        (PiecewiseHazard((0.2, 0.08), (0.0, 6.0)), PiecewiseHazard((0.03, 0.05), (0.0, 12.0))),
        (WeibullLaw(8.0, 1.2), WeibullLaw(20.0, 1.2)),
    ],
)
def test_other_laws_keep_their_margins_too(laws):
    chance = np.random.default_rng(3)
    first = laws[0].time_of(chance.standard_exponential(20_000))
    after = AfterFirst.of(*laws, (1.0, 1.0), 0.1)
    died = chance.random(20_000) < 0.1
    death = np.where(died, first, after.death(first, chance.standard_exponential(20_000)))
    assert kstest(death, lambda t: 1 - laws[1].survival(t)).pvalue > 1e-3


def test_laws_that_cannot_be_together_are_refused_with_what_could_be():
    with pytest.raises(DesignError, match=r"at most 0\.5"):
        AfterFirst.of(PiecewiseHazard((0.1,)), PiecewiseHazard((0.05,)), (1.0, 1.0), 0.6)
    with pytest.raises(DesignError, match="before its first event"):
        AfterFirst.of(PiecewiseHazard((0.05,)), PiecewiseHazard((0.1,)), (1.0, 1.0), 0.1)
    too_many = tables()
    too_many["dependence"][0]["share_of_deaths"] = 0.7
    with pytest.raises(ProtocolError, match=r"dependence\[0\].*share_of_deaths.*at most 0.38"):
        engine(too_many)


def with_score(measure, correlation):
    made = only("response")
    made["endpoints"].append(SCORE)
    made["effects"].append(
        {"endpoint": "score", "arm": "active", "kind": "shift", "value": 3.0, "source": "A"}
    )
    made["analyses"].append({"name": "score_ancova", "endpoint": "score", "kind": "ancova"})
    made["hypotheses"].append({"name": "score", "analyses": ["score_ancova"]})
    made["hypotheses"][0]["passes"] = {"score": 1.0}
    made["dependence"] = [
        {"kind": "copula", "between": ["response", "score"], "correlation": correlation, "measure": measure}
    ]
    made |= {"design": {"kind": "fixed", "alpha": 0.025}, "multiplicity": None}
    return {name: table for name, table in made.items() if name != "discontinuation"}


def test_outcomes_have_the_correlation_that_is_asked():
    seen = drawn(with_score("pearson", 0.35), replicates=100)
    control = seen.people.arm == 0
    visits = seen.outcomes["score"].outcomes[control]
    found = np.corrcoef(seen.outcomes["response"][control], visits[:, 1])[0, 1]
    assert abs(found - 0.35) < 4 * (1 - 0.35**2) / np.sqrt(control.sum())
    # Moving the score along keeps its own covariance.
    paths = np.column_stack([seen.outcomes["score"].baseline[control], visits])
    assert np.cov(paths.T) == pytest.approx(
        np.array([[100, 60, 43.2], [60, 100, 72], [43.2, 72, 144]]), abs=4
    )
    assert paths.mean(axis=0) == pytest.approx([50, 52, 55], abs=0.4)


def test_ranks_have_the_correlation_that_is_asked():
    made = with_score("latent", 0.3)
    made["endpoints"][0] = {
        "name": "response", "kind": "time_to_event", "law": {"kind": "median", "median": 9.0}, "source": "A",
    }  # fmt: skip
    made["effects"][0] = {
        "endpoint": "response", "arm": "active", "kind": "hazard_ratio", "value": 0.7, "source": "A",
    }  # fmt: skip
    made["analyses"][0] = {"name": "response_difference", "endpoint": "response", "kind": "log_rank"}
    made["dependence"][0] |= {"measure": "spearman"}
    made["design"] = {"kind": "fixed", "endpoint": "response", "events": 200, "alpha": 0.025}
    seen = drawn(made, replicates=60)
    control = seen.people.arm == 0
    found = spearmanr(seen.outcomes["response"].time[control], seen.outcomes["score"].outcomes[control][:, 1])
    assert abs(found.statistic - 0.3) < 4 / np.sqrt(control.sum())


def test_latent_correlations_are_calibrated_and_what_cannot_be_is_refused():
    trial = trial_of(with_score("pearson", 0.35))
    # A response of probability p and a normal score: ρ_latent = ρ sqrt(p(1 − p)) / φ(Φ⁻¹(p)).
    density = np.exp(-(ndtri(0.3) ** 2) / 2) / np.sqrt(2 * np.pi)
    exact = 0.35 * np.sqrt(0.21) / density
    assert latent_correlation(trial, trial.dependence[0]) == pytest.approx(exact, abs=1e-6)
    too_high = Copula(kind="copula", between=("response", "score"), correlation=0.9, measure="pearson")
    with pytest.raises(ProtocolError, match=r"dependence\[0\].correlation"):
        latent_correlation(trial, too_high)


def test_who_leaves_leaves_every_endpoint():
    seen = drawn(tables(design=tables()["design"] | {"events": [60, 90, 120]}, discontinuation=[
        {"cause": "lost", "cumulative": {"control": 0.5, "active": 0.5}, "by_month": 12.0,
         "mechanism": "MCAR", "source": "A"}
    ]), replicates=40)  # fmt: skip
    pfs, os, response = (seen.outcomes[name] for name in ("pfs", "os", "response"))
    assert np.array_equal(np.isnan(response), seen.leaves < 6)
    assert abs((seen.leaves < 12).mean() - 0.5) < 0.02
    assert (pfs.time <= seen.leaves).all()
    assert (os.time <= seen.leaves).all()
    assert of_endpoint(seen.trial, "os").discontinuation == ()

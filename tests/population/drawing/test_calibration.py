"""Calibrated participants have the printed numbers; targets that contradict each other are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.errors import CardError
from trialsim.population import read_card
from trialsim.population.cards.missing import MissingValues, make_missing, missing_probabilities
from trialsim.population.cards.provenance import Number
from trialsim.population.cards.targets import Target, moment_of, plackett
from trialsim.population.drawing.calibrate import draw_calibrated
from trialsim.population.drawing.tilt import entropy_tilt, systematic_resample
from trialsim.protocol.eligibility import Criterion

EARLY = read_card(Path(__file__).parents[3] / "cohorts" / "alzheimers_early.toml")


def generator(key: int = 7) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key))


def target(kind: str, value: float, covariate: str | None = None, *where: Criterion) -> Target:
    return Target(
        kind=kind, value=value, covariate=covariate, where=where, source="trialsim", evidence="assumed"
    )


OLD = Criterion(covariate="age", at_least=75.0)
WOMAN = Criterion(covariate="female", at_least=1.0)
CARRIER = Criterion(covariate="apoe4_carrier", at_least=1.0)
MIXED = (
    target("median", 25.5, "mmse"),
    target("proportion", 0.2, None, OLD, WOMAN),
    target("subgroup_mean", 14.5, "adas_cog", OLD),
    target("odds_ratio", 1.5, None, WOMAN, CARRIER),
)


def test_every_printed_number_is_met_within_its_rounding():
    drawn = draw_calibrated(EARLY, 30_000, generator())
    assert drawn.effective_share > 0.99
    assert drawn.certificate["error_weighted"].abs().max() < 1e-8
    assert drawn.certificate["within_rounding"].all()
    assert len(drawn.covariates) == 30_000


def test_mixed_targets_are_met():
    card = EARLY.model_copy(update={"targets": MIXED})
    people = draw_calibrated(card, 30_000, generator()).covariates
    age, female, carrier = (people.column(name) for name in ("age", "female", "apoe4_carrier"))
    assert (people.column("mmse") > 25.5).mean() == pytest.approx(0.5, abs=1e-3)
    assert ((age >= 75) & (female == 1)).mean() == pytest.approx(0.2, abs=1e-3)
    assert people.column("adas_cog")[age >= 75].mean() == pytest.approx(14.5, abs=0.03)
    a, b = female == 1, carrier == 1
    odds = (a & b).sum() * (~a & ~b).sum() / ((a & ~b).sum() * (~a & b).sum())
    assert odds == pytest.approx(1.5, rel=0.02)
    assert age.mean() == pytest.approx(71.3, abs=0.05)


def test_the_two_readings_of_a_table_differ_as_they_must():
    criteria = [Criterion(covariate="age", at_most=75.0)]
    enrolled = draw_calibrated(EARLY.model_copy(update={"margins": EARLY.margins}), 20_000, generator())
    assert enrolled.screen_failure_rate == 0.0
    source = draw_calibrated(EARLY.model_copy(update={"describes": "source"}), 20_000, generator(), criteria)
    assert source.covariates.column("age").max() <= 75
    assert source.covariates.column("age").mean() < 69.5
    assert 0.3 < source.screen_failure_rate < 0.5
    with pytest.raises(CardError, match="contradict"):
        # Those who passed cannot have SD 8.19 about 71.3 and all be between 50 and 74.
        draw_calibrated(EARLY, 20_000, generator(), [Criterion(covariate="age", at_most=74.0)])
    kept = draw_calibrated(EARLY, 20_000, generator(), [Criterion(covariate="age", at_most=88.0)])
    assert kept.screen_failure_rate is None
    assert kept.covariates.column("age").mean() == pytest.approx(71.3, abs=0.05)


def test_the_same_stream_gives_the_same_participants():
    first, second = (draw_calibrated(EARLY, 500, generator()).covariates.values for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_contradictory_targets_are_named_and_others_are_not():
    card = EARLY.model_copy(
        update={
            "targets": (
                target("proportion", 0.9, None, WOMAN, OLD),
                target("median", 25.5, "mmse"),
            )
        }
    )
    with pytest.raises(CardError) as caught:
        draw_calibrated(card, 12_000, generator())
    assert "female at least 1 and age at least 75 in 0.9" in str(caught.value)
    assert "share of female 0.494" in str(caught.value)
    assert "mmse" not in str(caught.value)


def test_a_target_beyond_everybody_is_named():
    people = Covariates(("age",), np.linspace(50.0, 90.0, 500)[:, None])
    with pytest.raises(CardError, match=r"mean of age 95.*all lie below it \(nearest 90\)"):
        entropy_tilt([moment_of(target("mean", 95.0, "age"), people, {})])


def test_soft_targets_meet_in_between():
    people = Covariates(("age",), generator().normal(70.0, 8.0, 5000)[:, None])
    moments = [moment_of(target("mean", value, "age"), people, {}) for value in (70.0, 70.4)]
    with pytest.raises(CardError, match="contradict"):
        entropy_tilt(moments)
    found = entropy_tilt(moments, soft=True)
    assert 70.1 < found.weights @ people.column("age") < 70.3


def test_the_dual_equals_a_slow_primal():
    from scipy import optimize

    x = generator().normal(0.0, 1.0, 12)
    tilt = entropy_tilt([moment_of(target("mean", 0.4, "x"), Covariates(("x",), x[:, None]), {})])
    slow = optimize.minimize(
        lambda w: np.sum(w * np.log(12 * w)),
        np.full(12, 1 / 12),
        bounds=[(1e-9, 1)] * 12,
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1},
            {"type": "eq", "fun": lambda w: w @ x - 0.4},
        ],
        tol=1e-14,
    )
    assert np.abs(tilt.weights - slow.x).max() < 1e-5


def test_resampling_gives_whole_shares():
    weights = generator().random(200)
    weights /= weights.sum()
    counts = np.bincount(systematic_resample(weights, 1000, generator()), minlength=200)
    assert counts.sum() == 1000
    assert np.abs(counts - 1000 * weights).max() < 1


def test_plackett_has_its_odds_ratio():
    for a, b, odds in ((0.3, 0.4, 3.0), (0.7, 0.2, 0.2), (0.5, 0.5, 1.0)):
        both = plackett(a, b, odds)
        assert both * (1 - a - b + both) / ((a - both) * (b - both)) == pytest.approx(odds, rel=1e-9)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "mean", "value": 3.0}, "covariate"),
        ({"kind": "proportion", "value": 0.3, "where": ()}, "where"),
        ({"kind": "proportion", "value": 1.3, "where": (OLD,)}, "value"),
        ({"kind": "odds_ratio", "value": 2.0, "where": (OLD,)}, "where"),
        ({"kind": "sd", "value": 0.0, "covariate": "age"}, "value"),
    ],
)
def test_a_target_whose_fields_do_not_fit_is_refused(fields, field):
    from trialsim.protocol.reading import check_model

    with pytest.raises(CardError) as caught:
        check_model(fields | {"source": "us", "evidence": "assumed"}, Target, CardError)
    assert caught.value.field == field


# Missing values


PEOPLE = Covariates(
    ("age", "egfr"), np.column_stack([generator().normal(70, 8, 9999), generator(2).normal(60, 20, 9999)])
)


def missing(rate: float, **more: object) -> MissingValues:
    return MissingValues(covariate="egfr", rate=Number(value=rate, source="us", evidence="assumed"), **more)


@pytest.mark.parametrize(
    ("entry", "mechanism"),
    [
        (missing(0.137), "MCAR"),
        (missing(0.137, depends_on={"age": 1.0}), "MAR"),
        (missing(0.9, depends_on={"age": -2.0}, on_itself=3.0), "MNAR"),
        (missing(0.002, on_itself=-1.0), "MNAR"),
        (missing(0.0), "MCAR"),
    ],
)
def test_rates_are_hit_to_one_participant(entry, mechanism):
    assert entry.mechanism() == mechanism
    gone = np.isnan(make_missing(PEOPLE, [entry], generator()).column("egfr"))
    assert abs(gone.sum() - entry.rate.value * 9999) < 1
    assert missing_probabilities(PEOPLE, entry).mean() == pytest.approx(entry.rate.value, abs=1e-12)


def test_who_is_missing_follows_the_log_odds():
    gone = np.isnan(make_missing(PEOPLE, [missing(0.3, depends_on={"age": 1.0})], generator()).column("egfr"))
    import statsmodels.api as sm

    age = (PEOPLE.column("age") - PEOPLE.column("age").mean()) / PEOPLE.column("age").std()
    fit = sm.Logit(
        gone.astype(float), sm.add_constant(np.column_stack([age, PEOPLE.column("egfr") / 20]))
    ).fit(disp=0)
    assert fit.params[1] == pytest.approx(1.0, abs=4.5 * fit.bse[1])
    assert fit.params[2] == pytest.approx(0.0, abs=4.5 * fit.bse[2])


def test_values_missing_not_at_random_bias_what_is_left():
    left = make_missing(PEOPLE, [missing(0.3, on_itself=1.0)], generator()).column("egfr")
    assert np.nanmean(left) < 56
    assert np.nanmean(make_missing(PEOPLE, [missing(0.3)], generator()).column("egfr")) == pytest.approx(
        60, abs=1
    )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (missing(1.0), r"\[0, 1\)"),
        (missing(30.0), "not in %"),
        (missing(0.1, depends_on={"weight": 1.0}), "no such covariate"),
    ],
)
def test_impossible_missingness_is_refused(entry, words):
    from trialsim.errors import InputError

    with pytest.raises(InputError, match=words):
        make_missing(PEOPLE, [entry], generator())

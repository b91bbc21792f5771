"""A disease model refuses covariates and options that make no sense, and shows no participant's value."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.errors import InputError

DELOR = {"cdr_sb": 2.0, "mmse": 26.0, "adas_cog": 13.0, "faq": 3.0, "hippocampal_volume": 0.9}
CONRADO = {"adas_cog": 23.0, "age": 75.0, "female": 1.0, "apoe4_count": 1.0, "comedication": 1.0}
PEOPLE = {"delor2013_cdr_sb": DELOR, "conrado2014_adas_cog": CONRADO}
OUTSIDE = [
    ("delor2013_cdr_sb", "cdr_sb", 0.2),
    ("delor2013_cdr_sb", "cdr_sb", 18.0),
    ("delor2013_cdr_sb", "mmse", 31.4159),
    ("delor2013_cdr_sb", "mmse", 0.0),
    ("delor2013_cdr_sb", "adas_cog", -1.0),
    ("delor2013_cdr_sb", "faq", 30.5),
    ("delor2013_cdr_sb", "hippocampal_volume", 3.14159),
    ("conrado2014_adas_cog", "adas_cog", 0.0),
    ("conrado2014_adas_cog", "adas_cog", 70.0),
    ("conrado2014_adas_cog", "age", 19.4159),
    ("conrado2014_adas_cog", "apoe4_count", 3.0),
]


def covariates(values: dict[str, float]) -> Covariates:
    return Covariates(tuple(values), np.array([list(values.values())]))


@pytest.mark.parametrize("name", PEOPLE)
def test_sane_covariates_are_taken(name):
    disease_model(name).draw_course(covariates(PEOPLE[name]), np.random.default_rng(1))


@pytest.mark.parametrize(("name", "covariate", "value"), OUTSIDE)
def test_a_value_outside_the_range_is_refused_without_being_shown(name, covariate, value):
    people = covariates({**PEOPLE[name], covariate: value})
    with pytest.raises(InputError, match="row 0") as caught:
        disease_model(name).draw_course(people, np.random.default_rng(1))
    assert caught.value.field == covariate
    assert "4159" not in str(caught.value)


@pytest.mark.parametrize(("name", "covariate"), [(n, c) for n, values in PEOPLE.items() for c in values])
def test_a_missing_covariate_or_value_is_refused(name, covariate):
    model = disease_model(name)
    without = {key: value for key, value in PEOPLE[name].items() if key != covariate}
    with pytest.raises(InputError, match=covariate):
        model.draw_course(covariates(without), np.random.default_rng(1))
    with pytest.raises(InputError, match="for everybody"):
        model.draw_course(covariates({**PEOPLE[name], covariate: np.nan}), np.random.default_rng(1))


def test_an_unknown_model_or_option_is_refused():
    with pytest.raises(InputError, match="delor2013_cdr_sb"):
        disease_model("delor2014")
    with pytest.raises(InputError, match="placebo_points"):
        disease_model("conrado2014_adas_cog", placebo=1.0)
    with pytest.raises(InputError, match="between 0 and 20"):
        disease_model("conrado2014_adas_cog", placebo_points=-1.0)
    with pytest.raises(InputError, match="slow_share_at_centre"):
        disease_model("delor2013_cdr_sb", slow_share_at_centre=1.0)


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("weeks", [[-1.0], [np.nan], [0.0, np.inf]])
def test_weeks_that_are_no_weeks_are_refused(name, weeks):
    model = disease_model(name)
    course = model.draw_course(covariates(PEOPLE[name]), np.random.default_rng(1))
    with pytest.raises(InputError, match="weeks"):
        model.natural_history(course, np.array(weeks))
    with pytest.raises(InputError, match="progression"):
        model.natural_history(course, np.array([1.0]), progression=-0.5)

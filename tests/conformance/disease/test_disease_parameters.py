"""The constants of the disease models against the parameter cards that were read from the sources."""

from __future__ import annotations

import json
from pathlib import Path

from trialsim.disease.neurology import conrado2014
from trialsim.disease.neurology import delor2013_numbers as delor2013

CARDS = json.loads((Path(__file__).parents[1] / "data" / "disease_parameters.json").read_text())


def test_constants_of_delor_2013():
    card = CARDS["ad_cdrsob_delor2013"]
    pairs = {
        "rate_fast": delor2013.RATE_FAST,
        "rate_slow": delor2013.RATE_SLOW,
        "DOT": delor2013.ONSET_YEARS,
        "cdr_on_DOT": delor2013.ONSET_ON_CDR,
        "adas_on_DOT": delor2013.ONSET_ON_ADAS,
        "alpha": delor2013.ACCELERATION,
        "mmse_on_alpha": delor2013.ACCELERATION_ON_MMSE,
        "BLC": delor2013.BASELINE_CORRECTION,
        "PL": delor2013.PLACEBO_POINTS,
        "KPL": delor2013.PLACEBO_RATE_PER_YEAR,
        "cdr_on_logit": delor2013.SLOW_ON_CDR,
        "faq_on_logit": delor2013.SLOW_ON_FAQ,
        "rhpnm_on_logit": delor2013.SLOW_ON_HIPPOCAMPUS,
        "cv_DOT": delor2013.CV_ONSET,
        "cv_alpha": delor2013.CV_ACCELERATION,
        "cv_PL": delor2013.CV_PLACEBO,
        "resid_sd_logit": delor2013.RESIDUAL_SD,
    }
    assert pairs == {key: card[key] for key in pairs}


def test_constants_of_conrado_2014():
    card = CARDS["ad_adascog_conrado2014"]
    pairs = {
        "BL": conrado2014.BASELINE,
        "SL": conrado2014.SPEED_PER_YEAR,
        "k": conrado2014.SHAPE,
        "tau": conrado2014.PRECISION,
        "BL_male_factor": conrado2014.BASELINE_MALE_FACTOR,
        "BL_apoe4_per_allele": conrado2014.BASELINE_PER_ALLELE,
        "SL_age_per_year": conrado2014.SPEED_PER_YEAR_OF_AGE,
        "SL_apoe4_per_allele": conrado2014.SPEED_PER_ALLELE,
        "center_age": conrado2014.CENTRE_AGE,
        "center_apoe4_count": conrado2014.CENTRE_ALLELES,
    }
    assert pairs == {key: card[key] for key in pairs}
    assert 1 + card["SL_no_comed"] == conrado2014.SPEED_WITHOUT_COMEDICATION
    effects = card["re_subject"]
    assert effects["log_BL_var"] == conrado2014.VAR_LOG_BASELINE
    assert effects["cov"] == conrado2014.COVARIANCE
    assert effects["SL_additive_var"] == conrado2014.VAR_SPEED

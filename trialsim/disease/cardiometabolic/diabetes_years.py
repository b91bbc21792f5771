"""Complications and death of people with type 2 diabetes, year by year, by the equations of UKPDS-OM2."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trialsim.data import Floats
from trialsim.disease.cardiometabolic.ukpds_om2 import EVENTS, parts_of, risk_of_death, yearly_risks


def standing(
    age: Floats, female: Floats, diabetes_years: Floats, *, sbp: Floats, hdl: Floats, ldl: Floats,
    albuminuria: Floats, smoker: Floats, heart_rate: float, wbc: float, haemoglobin: Floats,
) -> dict[str, Floats]:  # fmt: skip
    """Return what does not change in a person, in the units of the equations.

    Parameters
    ----------
    age, diabetes_years : ndarray (M,)
        Years.
    female, albuminuria, smoker : ndarray (M,)
        0 or 1; albuminuria of at least 50 mg/L.
    sbp : ndarray (M,)
        mmHg.
    hdl, ldl : ndarray (M,)
        mg/dL.
    heart_rate, wbc : float
        Beats a minute, 10⁹/L.
    haemoglobin : ndarray (M,)
        g/dL.
    """
    in_tens = 10 / 38.67
    return {
        "female": female, "age_at_onset": age - diabetes_years, "sbp": sbp / 10, "hdl": hdl * in_tens,
        "ldl": ldl * in_tens, "ldl_over_35": np.maximum(ldl * in_tens - 35, 0), "albuminuria": albuminuria,
        "smoker": smoker, "heart_rate": np.asarray(heart_rate / 10), "wbc": np.asarray(wbc),
        "haemoglobin": haemoglobin,
    }  # fmt: skip


def in_year(
    fixed: Mapping[str, Floats], age: Floats, diabetes_years: Floats, hba1c: Floats, bmi: Floats, egfr: Floats
) -> dict[str, Floats]:
    """Return all covariates of the equations in one year: those that stand, and those that change."""
    return dict(
        fixed, age=age, years_of_diabetes=diabetes_years, hba1c=hba1c, bmi=bmi, egfr=egfr / 10,
        egfr_under_60=np.minimum(egfr, 60) / 10, egfr_over_60=np.maximum(egfr - 60, 0) / 10,
        bmi_under_18_5=(bmi < 18.5).astype(float), bmi_over_25=(bmi >= 25).astype(float),
    )  # fmt: skip


def walk(
    fixed: Mapping[str, Floats], age: Floats, diabetes_years: Floats, hba1c: Floats, bmi: Floats,
    egfr: Floats, ratios: Mapping[str, float | Floats], uniform: Floats,
) -> dict[str, Floats]:  # fmt: skip
    """Walk people through years; events of a year see those of earlier years, death those of its own too.

    Parameters
    ----------
    fixed : mapping
        From `standing`.
    age, diabetes_years : ndarray (M,)
        At the start.
    hba1c, bmi, egfr : ndarray (M, Y)
        In each year.
    ratios : mapping of str to float or ndarray (M,)
        What multiplies the hazard of an event, or of ``death``.
    uniform : ndarray (Y, 9, M)
        In (0, 1), one for each of `EVENTS` and for death: the same in every arm.

    Returns
    -------
    dict of str to ndarray (M,)
        Years to the first of each event and to ``death``; infinite for nobody. Nothing follows death.
    """
    people, years = hba1c.shape
    times = {name: np.full(people, np.inf) for name in (*EVENTS, "death")}
    known = parts_of({name: one for name, one in fixed.items() if name != "female"})
    known["female"] = fixed["female"]
    for year in range(years):
        state = in_year(fixed, age + year, diabetes_years + year, hba1c[:, year], bmi[:, year], egfr[:, year])
        had = {event: times[event] <= year for event in EVENTS}
        state |= {f"{event}_before": one.astype(float) for event, one in had.items() if one.any()}
        latest = np.zeros(people)
        for k, (event, risk) in enumerate(yearly_risks(state).items()):
            raised = _raised(risk, ratios.get(event, 1.0))
            now = (uniform[year, k] < raised) & np.isinf(times["death"])
            when = uniform[year, k] / np.maximum(raised, 1e-300)
            times[event] = np.where(now, np.minimum(times[event], year + when), times[event])
            latest = np.where(now, np.maximum(latest, when), latest)
            state[f"{event}_now"] = now.astype(float)
        again = (state["amputation_now"] > 0) & had["amputation"]
        state["second_amputation_now"] = again.astype(float)
        state["amputation_now"] = state["amputation_now"] - again
        raised = _raised(risk_of_death(state), ratios.get("death", 1.0))
        dies = (uniform[year, -1] < raised) & np.isinf(times["death"])
        when = latest + (1 - latest) * uniform[year, -1] / np.maximum(raised, 1e-300)
        times["death"] = np.where(dies, year + when, times["death"])
    return times


def _raised(risk: Floats, ratio: float | Floats) -> Floats:
    """Return the probability where the hazard is multiplied."""
    return np.asarray(-np.expm1(np.log1p(-np.minimum(risk, 1 - 1e-12)) * ratio))

"""Glucose and insulin minute by minute: the equations of Hovorka et al. 2004, a pump, and who turns it."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.data import Floats
from trialsim.disease.evidence import Parameter

HOVORKA = "Hovorka et al. 2004, Physiol Meas 25:905"
EXCHANGE = Parameter(0.066, "a minute", "published", HOVORKA)
DELAY_TRANSPORT = Parameter(0.006, "a minute", "published", HOVORKA)
DELAY_DISPOSAL = Parameter(0.06, "a minute", "published", HOVORKA)
DELAY_LIVER = Parameter(0.03, "a minute", "published", HOVORKA)
ON_TRANSPORT = Parameter(0.00512, "a minute per mU/L", "published", HOVORKA)
ON_DISPOSAL = Parameter(0.00082, "a minute per mU/L", "published", HOVORKA)
ON_LIVER = Parameter(0.052, "per mU/L", "published", HOVORKA)
LIVER = Parameter(0.0161, "mmol/kg/min", "published", HOVORKA)
BRAIN = Parameter(0.0097, "mmol/kg/min", "published", HOVORKA)
GLUCOSE_VOLUME = Parameter(0.16, "L/kg", "published", HOVORKA)
INSULIN_VOLUME = Parameter(0.12, "L/kg", "published", HOVORKA)
INSULIN_LOSS = Parameter(0.138, "a minute", "published", HOVORKA)
UNDER_SKIN = Parameter(55.0, "minutes", "published", HOVORKA)
IN_GUT = Parameter(40.0, "minutes", "published", HOVORKA)
ABSORBED = Parameter(0.8, "share", "published", HOVORKA)
RENAL = Parameter(0.003, "a minute", "published", HOVORKA)

STEP = 5.0
STEPS_A_DAY = 288
# Mmol of glucose in a gram of carbohydrate.
MMOL = 1000 / 180.156
LOW, HIGH = 3.9, 10.0


def basal_need(glucose: float, weight: Floats, scale: Floats, liver: Floats) -> Floats:
    """Return U/h (M,) that hold a glucose (mmol/L, 4.5 to 9) in a steady state, in closed form.

        (E − F − E S₃ I)(k + S₂ I) = G V S₁ S₂ I²      (I times `scale`; U/h = 0.06 I V_I weight k_e)

    Parameters
    ----------
    glucose : float
        G, mmol/L.
    weight : ndarray (M,)
        kg.
    scale : ndarray (M,)
        By what insulin acts more than in the paper's person.
    liver : ndarray (M,)
        E as a share of the paper's; E must exceed F.

    Examples
    --------
    >>> one = np.ones(1)
    >>> [round(float(basal_need(g, 70 * one, one, one)[0]), 4) for g in (5.0, 6.0, 8.0)]
    [0.4007, 0.3857, 0.3607]
    """
    made = LIVER * liver
    square = made * ON_LIVER * ON_DISPOSAL + glucose * GLUCOSE_VOLUME * ON_TRANSPORT * ON_DISPOSAL
    linear = made * ON_LIVER * EXCHANGE - (made - BRAIN) * ON_DISPOSAL
    insulin = (-linear + np.sqrt(linear**2 + 4 * square * (made - BRAIN) * EXCHANGE)) / (2 * square)
    return np.asarray(0.06 * insulin / scale * INSULIN_VOLUME * weight * INSULIN_LOSS)


_K12, _KA1, _KA2, _KA3 = float(EXCHANGE), float(DELAY_TRANSPORT), float(DELAY_DISPOSAL), float(DELAY_LIVER)
_S1, _S2, _S3 = float(ON_TRANSPORT), float(ON_DISPOSAL), float(ON_LIVER)
_EGP, _F01, _VG, _VI = float(LIVER), float(BRAIN), float(GLUCOSE_VOLUME), float(INSULIN_VOLUME)
_KE, _TI, _TG, _RENAL = float(INSULIN_LOSS), float(UNDER_SKIN), float(IN_GUT), float(RENAL)


@njit(cache=True)
def slopes(y, out, rate, weight, scale, liver, slow):  # type: ignore[no-untyped-def]  # numba: arrays and numbers
    """Put the derivatives of y (10,) into out: glucose 2, insulin's depots 2, plasma, effects 3, gut 2."""
    glucose = y[0] / _VG
    brain = _F01 * min(glucose / 4.5, 1.0)
    renal = _RENAL * (glucose - 9.0) * _VG if glucose > 9.0 else 0.0
    born = _EGP * liver * max(1.0 - y[7], 0.0)
    out[0] = -brain - y[5] * y[0] - renal + _K12 * y[1] + y[9] / (_TG * slow) + born
    out[1] = y[5] * y[0] - (_K12 + y[6]) * y[1]
    out[2] = rate - y[2] / (_TI * slow)
    out[3] = (y[2] - y[3]) / (_TI * slow)
    out[4] = y[3] / (_TI * slow * _VI * weight) - _KE * y[4]
    out[5] = _KA1 * (_S1 * scale * y[4] - y[5])
    out[6] = _KA2 * (_S2 * scale * y[4] - y[6])
    out[7] = _KA3 * (_S3 * scale * y[4] - y[7])
    out[8] = -y[8] / (_TG * slow)
    out[9] = (y[8] - y[9]) / (_TG * slow)


@njit(cache=True)
def advance(y, k, z, rate, weight, scale, liver, slow, step):  # type: ignore[no-untyped-def]  # numba: as slopes
    """Advance y (10,) by a step of Runge–Kutta 4; k (4, 10) and z (10,) are room to work in."""
    slopes(y, k[0], rate, weight, scale, liver, slow)
    for j in range(10):
        z[j] = y[j] + step / 2 * k[0, j]
    slopes(z, k[1], rate, weight, scale, liver, slow)
    for j in range(10):
        z[j] = y[j] + step / 2 * k[1, j]
    slopes(z, k[2], rate, weight, scale, liver, slow)
    for j in range(10):
        z[j] = y[j] + step * k[2, j]
    slopes(z, k[3], rate, weight, scale, liver, slow)
    for j in range(10):
        y[j] += step / 6 * (k[0, j] + 2 * k[1, j] + 2 * k[2, j] + k[3, j])


@njit(cache=True)
def steady(glucose, insulin, weight, scale, slow):  # type: ignore[no-untyped-def]  # numba: numbers
    """Return y (10,) that a steady insulin (mU/L) holds at a glucose."""
    y = np.zeros(10)
    y[0] = glucose * _VG
    y[5], y[6], y[7] = _S1 * scale * insulin, _S2 * scale * insulin, _S3 * scale * insulin
    y[1] = y[5] * y[0] / (_K12 + y[6])
    y[4] = insulin
    y[2] = insulin * _KE * _VI * weight * _TI * slow
    y[3] = y[2]
    return y

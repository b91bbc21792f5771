"""Sums with noise: what a site answers, and what the model makes of it."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
from scipy.special import expit

from trialsim.analysis.federated.messages import Answer, Question
from trialsim.analysis.federated.noise import STEP_BITS, Noise, discrete_gaussian, noise_sd, sensitivity
from trialsim.data import Floats
from trialsim.errors import AnalysisError

_STEP = 2.0**-STEP_BITS
_ROWS_AT_ONCE = 4096


def scaled_values(noise: Noise, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return columns with bounds moved into them and scaled to [-1, 1]; others as they are."""
    found = dict(values)
    for name, (middle, half) in noise.of.items():
        found[name] = np.clip((values[name] - middle) / half, -1.0, 1.0)
    return found


def noise_of(question: Question) -> float:
    """Return the SD of the noise in the sum over the sites, were each to add all of it alone.

    Raises
    ------
    AnalysisError
        The question asks for none.
    """
    if question.noise is None:
        raise AnalysisError("asks for no noise", field="question")
    size = sensitivity(question.family, len(question.covariates), question.site_effects)
    K = len(question.names)
    words = K + K * (K + 1) // 2 + 1
    # Rounding to whole steps moves each number by half of one at most.
    return noise_sd(size * (1 + 1e-9) + math.sqrt(words) * _STEP / 2, question.noise.rho)


def blurred_sums(
    question: Question, y: Floats, x: Floats, site: str, below: Callable[[int], int] = secrets.randbelow
) -> Answer:
    """Return a site's sums with noise.

    Each person's part is counted in whole steps of 2⁻⁴⁰, so that sums are exact; the noise is a discrete
    Gaussian of variance σ². Where answers are masked nobody sees less than the sum of all S sites, and each
    adds σ²/S.

    Parameters
    ----------
    question : Question
        With noise.
    y : ndarray (n,)
        Outcome, scaled where it is Gaussian.
    x : ndarray (n, K)
        Constant, scaled covariates, sites.
    site : str
        Who answers.
    below : callable
        Source of chance, as of `discrete_gaussian`.

    Returns
    -------
    Answer
        ``left_out`` is 0: it is not told.
    """
    exact = _steps(question, y, x)
    share = len(question.present) if question.masked else 1
    sigma_2 = Fraction(math.ceil((noise_of(question) / _STEP) ** 2 / share))
    found = np.array([int(one) + discrete_gaussian(sigma_2, below) for one in exact], dtype=object)
    numbers = (found * _STEP).astype(np.float64)
    K = x.shape[1]
    information = np.zeros((K, K))
    upper = np.triu_indices(K)
    information[upper] = numbers[K:-1]
    information = information + np.triu(information, 1).T
    gaussian = question.family == "gaussian"
    people = max(round(float(information[0, 0] if gaussian else numbers[-1])), 0)
    return Answer(
        site, question.study, question.round, people, 0, tuple(numbers[:K].tolist()),
        tuple(tuple(row) for row in information.tolist()), float(numbers[-1]) if gaussian else 0.0,
    )  # fmt: skip


def _steps(question: Question, y: Floats, x: Floats) -> np.ndarray:
    """Return score, upper triangle of the information, and Σy² or the number of people, in whole steps."""
    left, right = np.triu_indices(x.shape[1])
    beta, gaussian = np.array(question.coefficients), question.family == "gaussian"
    total = np.zeros(x.shape[1] + len(left) + 1, dtype=np.int64)
    for first in range(0, len(y), _ROWS_AT_ONCE):
        own, seen = x[first : first + _ROWS_AT_ONCE], y[first : first + _ROWS_AT_ONCE]
        mean = np.zeros(len(seen)) if gaussian else expit(own @ beta)
        weight = np.ones(len(seen)) if gaussian else mean * (1 - mean)
        last = seen**2 if gaussian else np.ones(len(seen))
        parts = np.column_stack(
            [own * (seen - mean)[:, None], own[:, left] * own[:, right] * weight[:, None], last]
        )
        total += np.rint(parts / _STEP).astype(np.int64).sum(axis=0)
    return total


def in_own_units(question: Question, coefficients: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and their covariance for columns as they are, from those of scaled ones.

    A column is x = c + h z: its coefficient is that of z over h, and the constant takes what c brings.
    """
    assert question.noise is not None
    of, K = question.noise.of, len(coefficients)
    back, moved = np.eye(K), np.zeros(K)
    for place, name in enumerate(question.covariates, 1):
        middle, half = of[name]
        back[place, place] = 1 / half
        back[0, place] = -middle / half
    if question.family == "gaussian":
        middle, half = of[question.outcome]
        back, moved[0] = back * half, middle
    return back @ coefficients + moved, back @ covariance @ back.T


def noise_covariance(family: str, root: Floats, coefficients: Floats, variance: float) -> Floats:
    """Return the covariance that noise gives to coefficients, to first order.

    Every sum has its own noise of the given variance. Logistic: I⁻¹ s² I⁻¹, from the score alone, since the
    noise of the information moves a step that is nearly nothing. Gaussian: the noise of X'y − X'X β,
    s² ((1 + ‖β‖²) I + ββ' − diag(β²)), between I⁻¹.
    """
    K = len(coefficients)
    inner = np.eye(K) * variance
    if family == "gaussian":
        beta = coefficients
        inner = variance * ((1 + beta @ beta) * np.eye(K) + np.outer(beta, beta) - np.diag(beta**2))
    return np.asarray(root @ inner @ root)

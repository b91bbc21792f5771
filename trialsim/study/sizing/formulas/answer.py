"""What a formula answers: the power of a fixed trial by its arms, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from trialsim.design.sizes import Claim
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial
from trialsim.study.declared.claims import favourable_sign
from trialsim.study.declared.refusing import null_of, reader_of

# From controls and active participants, which need not be whole, to the power of one look at the end.
Power = Callable[[float, float], float]


@dataclass(frozen=True)
class Formula:
    """The power of a trial with one look.

    Parameters
    ----------
    name : str
        Whose formula it is.
    power : callable
        From controls and active participants to the power.
    """

    name: str
    power: Power


def power_of_claim(claim: Claim, effect: float, precision: float, alpha: float) -> float:
    """Return the power of a one-sided test at its level, or of the two of an equivalence.

    Parameters
    ----------
    claim : Claim
        What is claimed, on the scale of the estimate.
    effect : float
        True effect on that scale.
    precision : float
        One over the standard error.
    alpha : float
        One-sided level.

    Examples
    --------
    >>> round(power_of_claim(Claim(), 0.3, 10.0, 0.025), 4)
    0.8508
    """
    parts = [float(ndtr(away * precision + ndtri(alpha))) for away in claim.distances(effect)]
    return parts[0] if len(parts) == 1 else max(0.0, parts[0] + parts[1] - 1)


def claim_of(trial: DeclaredTrial, analysis: AnalysisDeclared) -> Claim:
    """Return what an analysis claims, on the scale of its estimate and on the side of benefit."""
    null = null_of(analysis, reader_of(trial, analysis))
    if len(null) == 2:
        return Claim(null)
    return Claim(null, "greater" if favourable_sign(trial, analysis.label) > 0 else "less")


class NoFormula(Exception):  # noqa: N818 - an answer, not an error
    """No formula holds; the message says why."""

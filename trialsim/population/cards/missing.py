"""Baseline values that are missing, in whom, and exactly how often.

    P(M_j = 1 | x) = expit(a_j + Σ_k b_jk s_k + γ_j s_j),   s = (x − mean)/SD

With b = γ = 0 values are missing completely at random, with γ = 0 at random, else not at random. The
intercept a_j is solved so that the mean of the probabilities over the participants at hand is the rate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field
from scipy import optimize, special

from trialsim.data import Covariates, Floats, Ints
from trialsim.errors import InputError
from trialsim.population.cards.provenance import Number
from trialsim.protocol.reading import Strict

_FARTHEST = 60.0


class MissingValues(Strict):
    """How often a baseline value is missing, and in whom.

    Parameters
    ----------
    covariate : str
        The value that may be missing.
    rate : Number
        Share of participants in whom it is, in [0, 1).
    depends_on : dict of str to float
        Log-odds a SD of other covariates, before any of them went missing (missing at random).
    on_itself : float
        Log-odds a SD of the value itself (missing not at random).
    """

    covariate: str
    rate: Number
    depends_on: dict[str, float] = Field(default_factory=dict)
    on_itself: float = 0.0

    def mechanism(self) -> str:
        """Return MCAR, MAR or MNAR."""
        if self.on_itself:
            return "MNAR"
        return "MAR" if any(self.depends_on.values()) else "MCAR"


def make_missing(
    people: Covariates, missing: Sequence[MissingValues], generator: np.random.Generator
) -> Covariates:
    """Return participants some of whose values are NaN.

    Who is missing is drawn by systematic sampling of the probabilities in random order, so that the
    share of missing values differs from the rate by less than one participant.

    Parameters
    ----------
    people : Covariates
        N participants without missing values.
    missing : sequence of MissingValues
        One a covariate.
    generator : Generator
        Source of chance.

    Returns
    -------
    Covariates
        (N, P), NaN where missing.

    Raises
    ------
    InputError
        If a covariate is unknown, or a rate is not in [0, 1).

    Examples
    --------
    >>> people = Covariates(("age",), np.linspace(50.0, 90.0, 1000)[:, None])
    >>> number = Number(value=0.2, source="us", evidence="assumed")
    >>> older = MissingValues(covariate="age", rate=number, on_itself=1.0)
    >>> thinned = make_missing(people, [older], np.random.default_rng(1))
    >>> int(np.isnan(thinned.values).sum()), bool(np.nanmean(thinned.values) < 70.0)
    (200, True)
    """
    values = people.values.copy()
    for k, entry in enumerate(missing):
        probabilities = missing_probabilities(people, entry, f"missing[{k}]")
        values[_systematic(probabilities, generator), people.names.index(entry.covariate)] = np.nan
    return Covariates(people.names, values)


def missing_probabilities(people: Covariates, entry: MissingValues, field: str = "missing") -> Floats:
    """Return each participant's probability of missing the value (N,), whose mean is the rate."""
    for name in (entry.covariate, *entry.depends_on):
        if name not in people.names:
            raise InputError(
                "the card has no such covariate",
                field=f"{field}.covariate" if name == entry.covariate else f"{field}.depends_on",
                value=name,
                mend=f"use one of {', '.join(people.names)}",
            )
    rate = entry.rate.value
    if not 0 <= rate < 1:
        raise InputError(
            "a share missing lies in [0, 1)",
            field=f"{field}.rate",
            value=rate,
            mend="give it as a share, not in %",
        )
    if rate == 0 or len(people) == 0:
        return np.zeros(len(people))
    drivers = dict(entry.depends_on)
    drivers[entry.covariate] = drivers.get(entry.covariate, 0.0) + entry.on_itself
    lean = np.zeros(len(people))
    for name, log_odds in drivers.items():
        column = people.column(name)
        spread = column.std()
        if log_odds and spread > 0:
            lean += log_odds * (column - column.mean()) / spread
    reach = _FARTHEST + float(np.abs(lean).max())
    intercept = optimize.brentq(
        lambda a: float(special.expit(a + lean).mean()) - rate, -reach, reach, xtol=1e-13
    )
    return np.asarray(special.expit(intercept + lean))


def _systematic(probabilities: Floats, generator: np.random.Generator) -> Ints:
    order = generator.permutation(len(probabilities))
    ends = np.concatenate([[0.0], np.cumsum(probabilities[order])]) + generator.random()
    return np.asarray(order[np.diff(np.floor(ends)) > 0], dtype=np.int64)

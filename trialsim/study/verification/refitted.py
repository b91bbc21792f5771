"""V5: the posterior is fitted again, with other random numbers, and compared in distribution."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from trialsim.data import Floats, History
from trialsim.errors import FitError
from trialsim.prognosis import FitSettings, OutcomePrognosis, Prognosis, fit_outcome, fit_prognosis
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.people.learning import ModelledHistory, learnt_of, terms_of
from trialsim.study.verification.verdict import Finding

# Class C: within so many Monte Carlo errors of both fits.
ERRORS = 4.0
_MOST_SHOWN = 8
_NEARLY_ONE = 1 - 1e-9
Model = Prognosis | OutcomePrognosis


def refit(study: BundledTrial, nonce: str) -> Finding:
    """Fit the posterior of a run again, and compare it with the sealed one.

    Parameters
    ----------
    study : BundledTrial
        The run, with its history where that is a file.
    nonce : str
        Text of the verifier that chooses the chance of the fit.

    Returns
    -------
    Finding
        Of ``V5``: mean and SD of every parameter within 4 Monte Carlo errors of both fits, by the smallest
        effective sample size of each, and rank correlations of all pairs within as many as are as rare over
        all pairs (class C). Nothing checked where a run has no posterior.
    """
    learnt = study.registers.learnt
    if learnt is None:
        return Finding("V5", (), (), ("a refit: the run has no posterior",))
    if unsound := unfit(learnt.model):
        return Finding("V5", (), unsound)
    seed = int.from_bytes(hashlib.sha256(f"{nonce}\nrefit".encode()).digest()[:7], "big")
    try:
        again = _fitted(study, learnt, seed)
    except FitError as fault:
        return Finding("V5", (), (f"the history does not give a posterior again: {fault}",))
    problems = differences(learnt.model, again)
    if problems:
        more = f"; and {len(problems) - _MOST_SHOWN} more" if len(problems) > _MOST_SHOWN else ""
        return Finding("V5", (), (f"{'; '.join(problems[:_MOST_SHOWN])}{more}",))
    number = len(parameters(again))
    said = (
        f"mean and SD of {number} parameters, fitted again, within {ERRORS:g} Monte Carlo errors, and the "
        "rank correlations of all their pairs: class C"
    )
    return Finding("V5", (said,))


def _fitted(study: BundledTrial, learnt: ModelledHistory, seed: int) -> Model:
    past, terms = learnt_of(study.trial, learnt.history), terms_of(study.trial)
    if isinstance(past, History):
        return fit_prognosis(past, seed=seed, terms=terms)
    return fit_outcome(past, seed=seed, terms=terms)


def unfit(model: Model, settings: FitSettings | None = None) -> tuple[str, ...]:
    """Return why the diagnostics of a sealed posterior do not pass.

    A small effective sample size widens every Monte Carlo error, and would hide a posterior that was moved.

    Parameters
    ----------
    model : Prognosis or OutcomePrognosis
        As sealed.
    settings : FitSettings, optional
        Limits.  [default: those of a run]

    Returns
    -------
    tuple of str
        One sentence a diagnostic; empty where all pass.
    """
    limits, said = settings or FitSettings(), model.diagnostics
    problems = [
        f"the sealed posterior's {name} is {said[name]:g}, under {limits.min_ess:g}"
        for name in ("min_bulk_ess", "min_tail_ess")
        if name in said and not said[name] >= limits.min_ess
    ]
    if "max_rhat" in said and not said["max_rhat"] <= limits.max_rhat:
        problems.append(f"the sealed posterior's max_rhat is {said['max_rhat']:g}, above {limits.max_rhat:g}")
    return tuple(problems)


def parameters(model: Model) -> dict[str, Floats]:
    """Return the draws (D,) of every parameter, by its name."""
    if isinstance(model, Prognosis):
        named = {"scale": model.scales, "coefficient": model.coefficients}
    else:
        named = {name: np.asarray(values, dtype=np.float64) for name, values in model.params.items()}
    found: dict[str, Floats] = {}
    for name, draws in named.items():
        flat = draws.reshape(len(draws), -1)
        found |= {f"{name}[{k}]" if flat.shape[1] > 1 else name: flat[:, k] for k in range(flat.shape[1])}
    return found


def differences(sealed: Model, again: Model) -> list[str]:
    """Return the parameters whose mean or SD, and the pairs whose correlation, differ beyond chance.

    Parameters
    ----------
    sealed, again : Prognosis or OutcomePrognosis
        Two fits of one history.

    Returns
    -------
    list of str
        One sentence a parameter or a pair. With s the SD and n the smallest effective sample size of a fit,
        means have the error s/√n and SDs s/√(2n). Rank correlations r are compared as artanh r, with the
        error √((1 + r²/2)/(n − 3)) (Bonett and Wright 2000, Psychometrika 65:23).
    """
    one, other = parameters(sealed), parameters(again)
    if {name: draws.shape[1:] for name, draws in one.items()} != {n: d.shape[1:] for n, d in other.items()}:
        return ["the posterior has other parameters than a fit of the history"]
    sizes = [
        _effective(model, len(next(iter(found.values())))) for model, found in ((sealed, one), (again, other))
    ]
    problems = []
    for name, draws in one.items():
        means = draws.mean(), other[name].mean()
        sds = draws.std(ddof=1), other[name].std(ddof=1)
        error = float(np.sqrt(sum(sd**2 / n for sd, n in zip(sds, sizes, strict=True))))
        for what, values, own in (("mean", means, error), ("SD", sds, error / np.sqrt(2))):
            # Said so that a value that is no number differs.
            if not abs(values[0] - values[1]) <= ERRORS * own + 1e-12 * max(map(abs, values)):
                problems.append(
                    f"the {what} of {name} is {values[0]:.4g}, fitted again {values[1]:.4g} ± {own:.2g}"
                )
    return problems + _correlations_differ(one, other, sizes)


def _correlations_differ(
    one: dict[str, Floats], other: dict[str, Floats], sizes: Sequence[float]
) -> list[str]:
    """Return the pairs of parameters whose rank correlations differ between two fits."""
    names = [name for name in one if all(np.ptp(found[name]) > 0 for found in (one, other))]
    if len(names) < 2:
        return []
    first, second = (
        np.corrcoef([rankdata(found[name]) for name in names])[np.triu_indices(len(names), 1)]
        for found in (one, other)
    )
    both = [np.clip(r, -_NEARLY_ONE, _NEARLY_ONE) for r in (first, second)]
    error = np.sqrt(sum((1 + r**2 / 2) / max(n - 3, 1.0) for r, n in zip(both, sizes, strict=True)))
    # As rare over all pairs as the limit of a mean is for one parameter.
    limit = -ndtri(ndtr(-ERRORS) / len(error))
    apart = np.abs(np.arctanh(both[0]) - np.arctanh(both[1])) > limit * error
    rows, columns = np.triu_indices(len(names), 1)
    return [
        f"the rank correlation of {names[rows[k]]} and {names[columns[k]]} is {first[k]:.3f}, fitted again "
        f"{second[k]:.3f} ± {(1 - both[1][k] ** 2) * error[k]:.2g}"
        for k in np.flatnonzero(apart)
    ]


def _effective(model: Model, draws: int) -> float:
    said = [model.diagnostics[name] for name in ("min_bulk_ess", "min_tail_ess") if name in model.diagnostics]
    return min([float(draws), *said])

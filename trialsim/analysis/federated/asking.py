"""The question of the first round."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from trialsim.analysis.federated.messages import FAMILIES, FEWEST_MASKED, PublicKey, Question
from trialsim.analysis.federated.noise import Noise
from trialsim.errors import AnalysisError


def ask(
    family: str,
    outcome: str,
    covariates: Sequence[str],
    sites: Sequence[str],
    *,
    exposure: str | None = None,
    site_effects: bool = True,
    keys: Sequence[PublicKey] = (),
    noise: Noise | None = None,
) -> Question:
    """Return the question of the first round.

    Parameters
    ----------
    family : {"gaussian", "logistic", "poisson"}
    outcome : str
    covariates : sequence of str
        Columns of numbers that each site has; code a category by columns of 0 and 1.
    sites : sequence of str
        Names of the sites, each once.
    exposure : str, optional
        Follow-up of a Poisson model, above 0.
    site_effects : bool
        Whether each site but the first has a constant of its own.
    keys : sequence of PublicKey
        One of each of at least 3 sites, where answers are to be masked.
    noise : Noise, optional
        Where answers are to be blurred; of a Gaussian or logistic model.

    Returns
    -------
    Question
        All coefficients 0.

    Raises
    ------
    AnalysisError
        A name is not one that is served, or stands twice; keys are not those of the sites; noise lacks a
        bound, or is asked for of a Poisson model.

    Examples
    --------
    >>> ask("logistic", "died", ["age"], ["north", "south"]).names
    ['constant', 'age', 'site south']
    """
    if family not in FAMILIES:
        raise AnalysisError(f"must be one of {', '.join(FAMILIES)}", field="family", value=family)
    if exposure is not None and family != "poisson":
        raise AnalysisError("is that of a Poisson model alone", field="exposure", value=exposure)
    for field, names in (("covariates", [outcome, *covariates]), ("sites", list(sites))):
        twice = [name for place, name in enumerate(names) if name in names[:place] or not name]
        if twice:
            raise AnalysisError("must be all different, and not empty", field=field, value=twice[0])
    if not sites:
        raise AnalysisError("are needed", field="sites", mend="name every site that answers")
    question = Question(
        family, outcome, tuple(covariates), exposure, tuple(sites), site_effects, (),
        keys=_keys_of(sites, keys), noise=noise,
    )  # fmt: skip
    if noise is not None:
        _check_noise(question, noise)
    return replace(question, coefficients=(0.0,) * len(question.names))


def _keys_of(sites: Sequence[str], keys: Sequence[PublicKey]) -> tuple[tuple[str, str], ...]:
    if not keys:
        return ()
    if len(sites) < FEWEST_MASKED:
        raise AnalysisError(
            f"are too few for masks: of two, each can take its own sum from the whole; at least "
            f"{FEWEST_MASKED} are needed", field="sites", value=len(sites),
        )  # fmt: skip
    named = [one.site for one in keys]
    for site in [*sites, *named]:
        if named.count(site) != 1 or site not in sites:
            raise AnalysisError(
                "needs exactly one public key, and to be among the sites", field="keys", value=site,
                mend="collect the file that `trialsim federate key` wrote at each site",
            )  # fmt: skip
    owners = [one.key for one in keys]
    if twice := [one.site for one in keys if owners.count(one.key) > 1]:
        raise AnalysisError("have the same key", field="keys", value=", ".join(twice))
    of: Mapping[str, str] = {one.site: one.key for one in keys}
    return tuple((site, of[site]) for site in sites)


def _check_noise(question: Question, noise: Noise) -> None:
    if question.family == "poisson":
        raise AnalysisError(
            "has no noise that is served: its counts have no bound", field="family", value="poisson",
            mend="use logistic (any event) or gaussian",
        )  # fmt: skip
    needed = question.noise_columns()
    given = [name for name, _, _ in noise.bounds]
    for name in [*needed, *given]:
        if given.count(name) != 1 or name not in needed:
            raise AnalysisError(
                "needs one bound, and to be a covariate or a Gaussian outcome", field="bounds", value=name,
                mend=f"give LOW and HIGH of each of {', '.join(needed)}, known without the data",
            )  # fmt: skip
    for name, low, high in noise.bounds:
        if not -math.inf < low < high < math.inf:
            raise AnalysisError(
                "needs a finite LOW below HIGH", field=f"bounds.{name}", value=f"{low}:{high}"
            )
    noise.check(needed)
    if (question.family == "gaussian") != (noise.rounds == 1):
        raise AnalysisError(
            "must be 1 for a gaussian model, and more for a logistic one",
            field="noise.rounds",
            value=noise.rounds,
        )

"""Whether chains have come to the same law."""

from __future__ import annotations

import warnings

from trialsim.data import Floats


def convergence(draws: Floats) -> tuple[float, float, float]:
    """Return rank-normalised split R-hat, bulk and tail effective sample size (Vehtari et al. 2021).

    Parameters
    ----------
    draws : ndarray (chains, draws)
        Of one parameter.
    """
    with warnings.catch_warnings():
        # arviz, which takes a second to import, announces its own next version.
        warnings.simplefilter("ignore")
        import arviz
    return (
        float(arviz.rhat(draws)),
        float(arviz.ess(draws, method="bulk")),
        float(arviz.ess(draws, method="tail")),
    )

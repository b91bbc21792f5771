"""What treatment does to the latent score."""

from __future__ import annotations

import numpy as np

from trialsim.data import DiseaseModel, Floats
from trialsim.protocol.question import Effect


def treated_course(natural: Floats, weeks: Floats, effect: Effect, disease: DiseaseModel) -> Floats:
    """Return the latent score under treatment.

    Parameters
    ----------
    natural : ndarray (..., 1 + V)
        Untreated latent score; the first visit is week 0.
    weeks : ndarray (1 + V,)
        Weeks of the visits; the first is 0.
    effect : Effect
        ``slowing`` s: baseline + (1 − s)(natural − baseline). ``shift``: natural plus the benefit in
        points, reached linearly at `full_by_week`, and kept inside the scale's limits.
    disease : DiseaseModel
        Limits of the scale and the direction that is worse.

    Returns
    -------
    ndarray (..., 1 + V)
        Equal to `natural` at week 0.

    Examples
    --------
    >>> from trialsim.disease import disease_model
    >>> slowing = Effect(kind="slowing", value=0.25, source="assumed")
    >>> model = disease_model("delor2013_cdr_sb")
    >>> treated_course(np.array([4.0, 6.0]), np.array([0.0, 78.0]), slowing, model)
    array([4. , 5.5])
    """
    if effect.kind == "slowing":
        baseline = natural[..., :1]
        return np.asarray(baseline + (1 - effect.value) * (natural - baseline))
    full_by = weeks[-1] if effect.full_by_week is None else effect.full_by_week
    benefit = effect.value * np.minimum(weeks / full_by, 1.0)
    moved = natural - benefit if disease.higher_is_worse else natural + benefit
    # A latent score on the edge of the scale would leave no room for measurement error.
    margin = 1e-6 * (disease.upper - disease.lower)
    return np.clip(moved, disease.lower + margin, disease.upper - margin)

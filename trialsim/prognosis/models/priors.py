"""One point of the priors of the Gaussian models: the scales of effects, spread and noise."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.models.grouped_gram import (
    SD_OF_LOG_SPREAD,
    SD_OF_STUDIES,
)
from trialsim.prognosis.models.terms import ModelTerms


def prior_point(terms: ModelTerms, generator: np.random.Generator) -> Floats:
    """Draw the scales (E,) from their prior, in the order of `grouped_gram.scale_names`."""
    omega = SD_OF_STUDIES * np.abs(generator.standard_normal(2 if terms.studies else 0))
    logs = SD_OF_LOG_SPREAD * generator.standard_normal(2 * len(terms.variance))
    return np.concatenate([prior_scales(generator), omega, logs])


def prior_scales(generator: np.random.Generator) -> Floats:
    """Draw the six scales from their prior, in the order of `trialsim.prognosis.models.gram.SCALES`."""
    tau = 0.25 * np.abs(generator.standard_normal(2))
    spread = np.abs(generator.standard_normal(2))
    correlation = 2 * generator.beta(2.0, 2.0) - 1
    return np.array([*tau, *spread, correlation, abs(generator.standard_normal())])

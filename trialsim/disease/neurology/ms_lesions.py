"""Contrast-enhancing lesions in multiple sclerosis, month by month: Velez de Mendizabal et al. 2013."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.events import negative_binomial_counts
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import WEEKS_PER_MONTH, WEEKS_PER_YEAR, require_option, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_PAPER = "Velez de Mendizabal et al. 2013, PLoS ONE 8:e73361 (9 people, 48 months)"

NEW = Parameter(0.923, "lesions a month", "published", _PAPER)
ON_LAST = Parameter(0.447, "a lesion", "published", _PAPER)
ON_BEFORE = Parameter(0.150, "a lesion", "published", _PAPER)
VAR_LOG_NEW = Parameter(0.438, "variance", "published", _PAPER)
DISPERSION = Parameter(0.132, "1", "published", _PAPER)
VAR_LOG_DISPERSION = Parameter(
    0.127, "variance", "assumed", f"{_PAPER} prints it; that it is of this is assumed"
)
BURN_IN = 40
POOL = 60_000
_HIGHEST_BASELINE = 200.0


class MsLesions(DiseaseModel):
    """Lesions on monthly scans, a negative binomial count whose mean follows the two scans before.

        yₜ ~ NB(mean mₜ, variance mₜ + d mₜ²),   mₜ = dial · b + 0.447 yₜ₋₁ + 0.150 yₜ₋₂
        b = 0.923 exp(N(0, 0.438)),   d = 0.132 exp(N(0, 0.127))

    so that a typical person has 0.923 / (1 − 0.447 − 0.150) = 2.29 in the long run. Each person's own b, d
    and scan before are drawn given the count of the baseline scan: those of one of 60,000 people in the long
    run with the same count, or the nearest above. The endpoint is the sum over the monthly scans.

    Parameters
    ----------
    spread : float
        Multiplies the SD of both normal laws, 0 to 1: 0 makes everybody typical.
    """

    name = "ms_lesions"
    title = "Contrast-enhancing lesions in multiple sclerosis"
    parameters = parameters_in(globals())
    inputs = (
        Input(
            "baseline_lesions", "lesions", 0.0, _HIGHEST_BASELINE, "more than the model ever shows in a scan"
        ),
    )
    dials = (Dial("new_lesions", "multiply", 0.0, 5.0, "ratio", "the lesions that arise of themselves"),)
    endpoints = (Endpoint("lesions", "count", "lesions on monthly scans", True, 4 * WEEKS_PER_YEAR),)
    sources = (
        f"{_PAPER}: structure, typical values, spread between people; steroids are left out",
        "Assumed by trialsim: the second variance is that of the dispersion; treatment acts on what is new",
    )

    def __init__(self, spread: float = 1.0) -> None:
        self.spread = require_option(spread, "spread", 0.0, 1.0)

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw the sum of lesions over monthly scans (M, 1); see `DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        require_people(people, self.inputs, self.name)
        new, dispersion, last, before = self._given_baseline(
            people.column("baseline_lesions"), chance("disease")
        )
        new, generator = new * dialled["new_lesions"], chance("outcome")
        total = np.zeros(len(people))
        for _ in range(max(round(weeks[-1] / WEEKS_PER_MONTH), 1)):
            last, before = _next(new, dispersion, last, before, generator), last
            total += last
        return Realised(total[:, None])

    def _given_baseline(
        self, baseline: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Return b, d, the baseline scan and the scan before (M,), given the baseline scan."""
        new = NEW * np.exp(self.spread * np.sqrt(VAR_LOG_NEW) * generator.standard_normal(POOL))
        dispersion = DISPERSION * np.exp(
            self.spread * np.sqrt(VAR_LOG_DISPERSION) * generator.standard_normal(POOL)
        )
        last = before = np.zeros(POOL)
        for _ in range(BURN_IN):
            size = 1 / dispersion
            mean = new + ON_LAST * last + ON_BEFORE * before
            last, before = generator.negative_binomial(size, size / (size + mean)).astype(np.float64), last
        order = np.argsort(last, kind="stable")
        counts = last[order]
        wanted = np.minimum(np.round(baseline), counts[-1])
        wanted = counts[np.searchsorted(counts, wanted)]
        low, high = np.searchsorted(counts, wanted), np.searchsorted(counts, wanted, side="right")
        chosen = order[low + (generator.random(len(baseline)) * (high - low)).astype(np.int64)]
        return new[chosen], dispersion[chosen], last[chosen], before[chosen]


def _next(
    new: Floats, dispersion: Floats, last: Floats, before: Floats, generator: np.random.Generator
) -> Floats:
    """Return the lesions of the next month (M,), the same quantile of everybody's law in every arm."""
    mean = new + ON_LAST * last + ON_BEFORE * before
    return negative_binomial_counts(mean, dispersion, generator)

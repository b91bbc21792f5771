"""Disease models of a score at visits: a natural history, a placebo response, and how it is measured."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Covariates, Floats
from trialsim.disease.inputs import settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Realised

_FARTHEST_POINTS = 1e9
# A latent score on the edge of the scale would leave no room for measurement error.
_EDGE = 1e-6

SCORE_DIALS = (
    Dial("decline", "multiply", 0.0, 1.0, "ratio", "the share of the change since baseline that is left"),
    Dial("speed", "multiply", 0.0, 100.0, "ratio", "how fast the disease goes on from week 0"),
    Dial("points", "add", -_FARTHEST_POINTS, _FARTHEST_POINTS, "points", "latent points at every visit"),
    Dial("context", "add", -_FARTHEST_POINTS, _FARTHEST_POINTS, "points",
         "points of the placebo response after week 0"),
)  # fmt: skip


class ScoreModel(DiseaseModel):
    """A disease model whose only endpoint is a score at visits.

    A *course* is what the model needs to know of N participants; only the model looks inside. With the
    natural history n(t), which `speed` runs faster, an arm's latent score is
    ``n(0) + decline (n(t) − n(0)) + points``, held inside the scale. The placebo response and `context` come
    on top when it is measured. `points` may be an array that broadcasts to participants and visits (N, V).
    `latent_baseline` is the input that holds n(0).
    """

    endpoint: str
    lower: float
    upper: float
    higher_is_worse: bool
    covariates: tuple[str, ...]
    latent_baseline: str

    @abstractmethod
    def draw_course(self, covariates: Covariates, generator: np.random.Generator) -> object:
        """Draw the participant effects of N participants given their covariates."""

    @abstractmethod
    def take(self, course: object, rows: NDArray[np.generic]) -> object:
        """Return the course of the given participants, by position or mask."""

    @abstractmethod
    def natural_history(self, course: object, weeks: Floats, progression: float = 1.0) -> Floats:
        """Return the untreated latent score (N, V), in (lower, upper), without any placebo response.

        `progression` multiplies the speed of decline of everybody from week 0 on.
        """

    @abstractmethod
    def placebo_response(self, course: object, weeks: Floats) -> Floats:
        """Return what being in a trial adds to the score (N, V), in either arm; 0 at week 0."""

    @abstractmethod
    def measure(self, natural: Floats, placebo: Floats, generator: np.random.Generator) -> Floats:
        """Return measured outcomes for latent scores of any shape (..., V), with fresh error."""

    @abstractmethod
    def measured_mean(self, natural: Floats, placebo: Floats) -> Floats:
        """Return the expectation of `measure` over its error, by quadrature or in closed form."""

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw measured scores (M, V); see `trialsim.disease.interface.DiseaseModel.draw`."""
        self.endpoint_named(endpoint)
        dialled = settings(self, dials)
        course = self.draw_course(people, chance("disease"))
        natural = self.natural_history(course, weeks, progression=float(dialled["speed"]))
        placebo = self.placebo_response(course, weeks) + np.where(weeks > 0, dialled["context"], 0.0)
        return Realised(self.measure(self.treated(natural, dials), placebo, chance("outcome")))

    def treated(self, natural: Floats, dials: Dials) -> Floats:
        """Return the latent score (N, V) of an arm, to the last bit the natural one where no dial moves it.

        `speed` is not among what it reads: it belongs to the natural history.
        """
        dialled = settings(self, dials)
        decline, points = np.asarray(dialled["decline"]), np.asarray(dialled["points"])
        if (decline != 1).any():
            baseline = natural[:, :1]
            share = decline[:, None] if decline.ndim == 1 else decline
            natural = np.asarray(baseline + share * (natural - baseline))
        if not points.any():
            return natural
        margin = _EDGE * (self.upper - self.lower)
        return np.clip(natural + points, self.lower + margin, self.upper - margin)

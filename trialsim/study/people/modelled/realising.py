"""What happens to people of a declared trial under given dials of its disease model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease import DiseaseModel, Realised
from trialsim.disease.inputs import WEEKS_PER_MONTH
from trialsim.disease.interface import Chance
from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.people.history import weeks_of
from trialsim.study.people.modelled.dials import Dials


def realised(
    trial: DeclaredTrial, model: DiseaseModel, people: Covariates, dials: Dials, chance: Chance
) -> Realised:
    """Return what people have under given dials: scores at the visits, or events until the end of follow-up.

    Recurrent events of a model are counted where the trial counts them.
    """
    outcome = trial.outcome
    if outcome.kind == "score":
        weeks = np.array((0.0, *weeks_of(trial)))
    else:
        weeks = np.array([getattr(outcome, "months", np.inf) * WEEKS_PER_MONTH])
    found = model.draw(people, outcome.name, dials, weeks, chance)
    if outcome.kind == "count" and model.endpoint_named(outcome.name).kind == "recurrent":
        counts = np.isfinite(found.outcomes).sum(axis=1).astype(np.float64)
        return Realised(counts[:, None], found.ends)
    return found


def harms_of(
    trial: DeclaredTrial, model: DiseaseModel, people: Covariates, arms: Sequence[Dials], chance: Chance
) -> Floats:
    """Return who is harmed in each arm by the end of the trial (A, M); empty where no harm is declared.

    The same luck in every arm, as for the outcome.
    """
    if trial.safety is None:
        return np.empty((0, 0))
    end = np.array([trial.outcome.known_after * WEEKS_PER_MONTH])
    drawn = [model.draw(people, trial.safety.endpoint, dials, end, chance) for dials in arms]
    return np.stack([one.outcomes[:, 0] for one in drawn])

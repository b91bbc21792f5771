"""People of a history, resampled: who they are, whether they are eligible, and how a drift moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Covariates, Floats, History, Ints, OutcomeHistory
from trialsim.errors import HistoryError, ProtocolError
from trialsim.prognosis.transport.weights import balance_to_table, kish
from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.people.history import BASELINE

FEWEST_ELIGIBLE = 20
# Under so many effective participants a world would be a few people over and over.
FEWEST_EFFECTIVE = 20.0


@dataclass(frozen=True)
class PlaceboPeople:
    """Eligible participants of a history, and the share of a register that each of them has.

    Parameters
    ----------
    rows : ndarray of int (N,)
        Their positions in the history.
    covariates : Covariates
        N of them.
    baseline : ndarray (N,)
        Measured; NaN for one outcome a participant.
    shares : ndarray (N,)
        Adding up to 1.
    """

    rows: Ints
    covariates: Covariates
    baseline: Floats
    shares: Floats

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def effective(self) -> float:
        """Kish effective number of participants."""
        return kish(self.shares)

    def recruit(self, size: int, generator: np.random.Generator) -> Ints:
        """Return positions (size,) drawn with replacement; a shift moves as few of them as it can."""
        edges = np.cumsum(self.shares)
        return np.searchsorted(edges / edges[-1], generator.random(size), side="right").clip(
            max=len(self) - 1
        )


def placebo_people(trial: DeclaredTrial, history: History | OutcomeHistory) -> PlaceboPeople:
    """Return the participants of a history who are eligible for a trial of one world.

    A shift of covariate means weighs participants by ``exp(lambda' x)``, the closest to equal weights that
    move the means so far (entropy balancing): covariates that go with them move along.

    Raises
    ------
    HistoryError
        Too few are eligible, or none of them are such as the drift asks for.
    """
    assert trial.population is not None
    covariates, name_of_outcome = history.covariates, trial.outcome.name
    baseline = history.baseline if isinstance(history, History) else np.full(len(history), np.nan)

    def column(name: str) -> Floats:
        of_endpoint = isinstance(history, History) and name in (BASELINE, name_of_outcome)
        return baseline if of_endpoint else covariates.column(name)

    eligible: Bools = np.ones(len(history), dtype=bool)
    if isinstance(history, History):
        eligible &= np.isfinite(baseline)
    for one in trial.population.eligibility:
        values = column(one.covariate)
        low = -np.inf if one.at_least is None else one.at_least
        high = np.inf if one.at_most is None else one.at_most
        eligible &= (values >= low) & (values <= high)
    rows = np.flatnonzero(eligible)
    if len(rows) < FEWEST_ELIGIBLE:
        raise HistoryError(
            f"{len(rows)} of {len(history)} participants of the history are eligible, at least "
            f"{FEWEST_ELIGIBLE} are needed to draw people from",
            field="population.eligibility", mend="give a larger history or wider criteria",
        )  # fmt: skip
    (world,) = trial.scenarios
    shift = {} if world.drift is None else world.drift.covariate_shift
    named = {name: column(name)[rows] for name in shift}
    return PlaceboPeople(rows, covariates.take(rows), baseline[rows], _shares(named, shift, len(rows)))


def _shares(values: dict[str, Floats], shift: dict[str, float], size: int) -> Floats:
    """Return shares (N,) that move means by so many SDs."""
    if not shift:
        return np.full(size, 1 / size)
    filled = {name: np.where(np.isnan(own), np.nanmean(own), own) for name, own in values.items()}
    table = Covariates(tuple(filled), np.column_stack(list(filled.values())))
    means = {name: float(own.mean() + shift[name] * own.std()) for name, own in filled.items()}
    field = "scenarios.drift.covariate_shift"
    mend = "ask for a smaller shift, or find a history of such people"
    try:
        found = balance_to_table(table, means)
    except HistoryError as refusal:
        raise ProtocolError(
            f"the history has no such people: {refusal.problem}", field=field, value=dict(shift), mend=mend
        ) from None
    if found.effective < FEWEST_EFFECTIVE:
        raise ProtocolError(
            f"leaves {found.effective:.0f} effective participants, under {FEWEST_EFFECTIVE:.0f}",
            field=field, value=dict(shift), mend=mend,
        )  # fmt: skip
    return found.weights / found.weights.sum()

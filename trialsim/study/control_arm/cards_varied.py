"""How far the answer rests on the correlations that the cohort card assumes or does not give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from trialsim.data import Bools, Covariates, Floats
from trialsim.design import PlanningMoments, SizingQuestion, size_for_power
from trialsim.design.sizes.variance import AnalysisName
from trialsim.disease import ScoreModel
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook
from trialsim.population import CohortCard, correlation_sensitivity
from trialsim.prognosis import Prognosis
from trialsim.protocol.eligibility import Criterion
from trialsim.streams import stream
from trialsim.study.control_arm.facts import measured_moments
from trialsim.study.control_arm.plan import ControlArm
from trialsim.study.people.factor_levels import factor_levels
from trialsim.study.people.history import BASELINE, learnt_covariates, weeks_of
from trialsim.study.people.modelled.composition import compose
from trialsim.study.people.modelled.dials import dials_of_arm, dials_of_world

STREAM = "card sensitivity"
PARTICIPANTS = 6000
DRAWS = 40
_FEWEST_ELIGIBLE = 500
_LARGEST_CORRELATION = 0.99
_PARTS = 3
_PUBLISHED = ("published", "computed")


@dataclass(frozen=True)
class CardSensitivity(InNotebook):
    """Sizes in worlds that agree with everything that is published of the population.

    Parameters
    ----------
    frame : DataFrame
        One row a draw of the unknown correlations (``draw`` −1 is the card itself, with the plan's own
        sizes): ``effect``, ``sd``, ``partial_correlation``, ``ancova``, ``prognostic`` (discounted totals;
        NaN where no allowed trial reaches the power), ``saved`` and ``share_saved``.
    errors : dict of str to float
        Monte Carlo standard error of each quantity in one world, from halves of its participants.
    open_pairs, pairs : int
        Pairs of covariates whose correlation nobody published, and all pairs.
    """

    frame: pd.DataFrame
    errors: dict[str, float]
    open_pairs: int
    pairs: int

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity: on the card, over the draws, and the error of a draw."""
        worlds = self.frame[self.frame["draw"] >= 0]
        rows = []
        for name in self.frame.columns.drop("draw"):
            found = worlds[name].dropna()
            rows.append(
                {
                    "quantity": name,
                    "on_the_card": float(self.frame[name].iloc[0]),
                    **{f"quantile_{p}": float(found.quantile(p / 100)) for p in (5, 50, 95)},
                    "lowest": float(found.min()),
                    "highest": float(found.max()),
                    "error": self.errors[str(name)],
                    "draws": len(found),
                }
            )
        return pd.DataFrame(rows)


def card_sensitivity(
    arm: ControlArm, participants: int = PARTICIPANTS, draws: int = DRAWS
) -> CardSensitivity | None:
    """Return how sizes move over a prior of the correlations that the card leaves open.

    Every world has the card's margins, its published correlations and the same random numbers; the twins
    stay those that were fitted. Effect, SD and correlations move the plan's own by their ratio (baseline
    correlations: their difference) to the card's world over the same participants, so that the card's own
    row is the plan. See `trialsim.population.correlation_sensitivity` for the prior.

    Parameters
    ----------
    arm : ControlArm
        Of a card's people.
    participants : int
        Candidates a world, before eligibility.
    draws : int
        Worlds.

    Returns
    -------
    CardSensitivity or None
        None where every correlation of the card is published, hardly anybody of so many is eligible, or the
        disease model is no `ScoreModel`.
    """
    composed = compose(arm.alternative, arm.folder)
    open_pairs, pairs = _open_pairs(composed.card)
    if not open_pairs or not isinstance(composed.disease, ScoreModel):
        return None
    worlds = _Worlds(arm, composed.disease)
    correlation_sensitivity(
        composed.card,
        worlds.add,
        participants,
        stream(arm.trial.seed, STREAM, 0, "register"),
        draws=draws,
    )
    if worlds.found[0] is None:
        return None
    whole, *halves = (_frame(arm, worlds.found, part) for part in range(_PARTS))
    # Halves have twice the variance, and so a difference of four times that of the whole.
    missed = (halves[0] - halves[1]).iloc[1:].drop(columns="draw")
    errors = {str(name): float(np.sqrt((missed[name] ** 2).mean()) / 2) for name in missed}
    return CardSensitivity(whole, errors, open_pairs, pairs)


def _frame(arm: ControlArm, found: list[tuple[_World, ...] | None], part: int) -> pd.DataFrame:
    """Return one row a world, from all participants (part 0) or from one half of them (1 and 2)."""
    card = found[0]
    assert card is not None
    rows = [_row(arm, k - 1, card[part], world[part]) for k, world in enumerate(found) if world is not None]
    return pd.DataFrame(rows)


def _open_pairs(card: CohortCard) -> tuple[int, int]:
    known = {frozenset(one.between) for one in card.correlations if one.evidence in _PUBLISHED}
    pairs = [frozenset(pair) for pair in combinations(card.names, 2)]
    return sum(pair not in known for pair in pairs), len(pairs)


@dataclass(frozen=True)
class _World:
    """True effect and moments of the alternative in one world."""

    effect: float
    moments: PlanningMoments


class _Worlds:
    """Collects what is true in each world; chance is the same in all of them."""

    def __init__(self, arm: ControlArm, disease: ScoreModel) -> None:
        assert isinstance(arm.learnt.model, Prognosis)
        assert arm.alternative.population is not None
        self._trial, self._disease, self._prognosis = arm.alternative, disease, arm.learnt.model
        self._eligibility = arm.alternative.population.eligibility
        self._weeks = np.array((0.0, *weeks_of(arm.alternative)))
        self.found: list[tuple[_World, ...] | None] = []

    def add(self, people: Covariates) -> float:
        """Note the world of these candidates, and return its true effect."""
        kept = _eligible(self._eligibility, people)
        if kept.sum() < _FEWEST_ELIGIBLE:
            self.found.append(None)
            return float("nan")
        worlds = self._worlds(people, kept)
        self.found.append(worlds)
        return worlds[0].effect

    def _worlds(self, people: Covariates, kept: Bools) -> tuple[_World, ...]:
        """Return what is true of all eligible candidates, and of both halves of them."""
        trial, disease, weeks = self._trial, self._disease, self._weeks
        seed = trial.seed
        # Candidates, not the eligible, get the random numbers: who is eligible differs between worlds.
        course = disease.draw_course(people, stream(seed, STREAM, 0, "disease"))
        dials = dials_of_world(trial, disease)
        natural = disease.natural_history(course, weeks, progression=float(dials["speed"]))
        placebo = disease.placebo_response(course, weeks)
        error = stream(seed, STREAM, 0, "outcome")
        untouched = disease.treated(natural, dials)
        measured = disease.measure(untouched[:, :1], placebo[:, :1], error)[:, 0]
        baseline = measured[kept]

        def column(name: str) -> Floats:
            return measured if name == BASELINE else people.column(name)

        levels = factor_levels(trial, len(people), column)
        treated = disease.treated(natural, dials_of_arm(trial, 1, disease, levels))
        means = [latent[:, -1:] for latent in (untouched, treated)]
        control, active = (disease.measure(mean, placebo[:, -1:], error)[kept, 0] for mean in means)
        untreated, benefit = (disease.measured_mean(mean[kept], placebo[kept, -1:]) for mean in means)
        covariates = people.take(kept).select(learnt_covariates(trial))
        score: Floats = self._prognosis.predict(covariates, baseline, weeks=weeks[-1:]).score[:, 0]
        first = np.flatnonzero(kept) % 2 == 0
        return tuple(
            _World(
                float((benefit - untreated)[part].mean()),
                measured_moments(
                    ((control - baseline)[part], (active - baseline)[part]), baseline[part], score[part]
                ),
            )
            for part in (np.full(len(score), True), first, ~first)
        )


def _eligible(eligibility: tuple[Criterion, ...], people: Covariates) -> Bools:
    kept = np.full(len(people), True)
    for criterion in eligibility:
        values = people.column(criterion.covariate)
        if criterion.at_least is not None:
            kept &= values >= criterion.at_least
        if criterion.at_most is not None:
            kept &= values <= criterion.at_most
    return kept


def _row(arm: ControlArm, draw: int, card: _World, world: _World) -> dict[str, float]:
    plan, sizing = arm.plan, arm.trial.sizing
    assert sizing is not None
    point = plan.saving("undiscounted").partial_correlation
    own, there = card.moments, world.moments
    sd = [p * b / a for p, a, b in zip(plan.moments.sd, own.sd, there.sd, strict=True)]
    rho = [
        float(np.clip(p + b - a, -_LARGEST_CORRELATION, _LARGEST_CORRELATION))
        for p, a, b in zip(
            plan.moments.baseline_correlation,
            own.baseline_correlation,
            there.baseline_correlation,
            strict=True,
        )
    ]
    ratio = (
        there.partial_correlation[0] / own.partial_correlation[0] if own.partial_correlation[0] > 0 else 1.0
    )
    r = [
        float(np.clip(p * max(ratio, 0.0) * sizing.correlation_discount, 0.0, _LARGEST_CORRELATION))
        for p in point
    ]
    moments = PlanningMoments((sd[0], sd[1]), (rho[0], rho[1]), (r[0], r[1]))
    moments = moments.with_inflated_sd(sizing.sd_inflation)
    effect = plan.question.effect * world.effect / card.effect
    before, after = _sizes(moments, plan.question, effect)
    saved = max(0.0, before - after)
    return {
        "draw": draw,
        "effect": effect,
        "sd": sd[0],
        "partial_correlation": r[0],
        "ancova": before,
        "prognostic": after,
        "saved": saved if np.isfinite(before) else float("nan"),
        "share_saved": saved / before,
    }


def _sizes(moments: PlanningMoments, question: SizingQuestion, effect: float) -> tuple[float, float]:
    """Return the total with baseline ANCOVA and with prognostic adjustment; NaN where none is allowed."""

    def total(analysis: AnalysisName) -> float:
        try:
            return float(size_for_power(moments, analysis, replace(question, effect=effect)).total)
        except DesignError:
            return float("nan")

    return total("ancova"), total("prognostic")

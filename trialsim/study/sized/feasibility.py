"""Is there any trial that detects the assumed effect? Known before a prognosis is fitted."""

from __future__ import annotations

import numpy as np

from trialsim.data import DiseaseModel
from trialsim.design import PlanningMoments, SizingQuestion, size_for_power
from trialsim.errors import DesignError
from trialsim.population import CohortCard, draw_eligible
from trialsim.protocol import Protocol
from trialsim.streams import stream
from trialsim.study.sized.register import STREAM
from trialsim.trial.outcomes import treated_course

PARTICIPANTS = 20_000
# The effect of a sample of this size misses that of the register by a few per cent, and sizes go with 1/τ².
_MARGIN = 1.5


def require_detectable(protocol: Protocol, card: CohortCard, disease: DiseaseModel) -> None:
    """Refuse an effect that no allowed trial detects with the analyses that need no twin.

    The plan compares prognostic adjustment with the unadjusted and the baseline-adjusted analysis, so
    both must have a size. A sample of the alternative's register shows SD, baseline correlation and
    effect; borderline cases, within a factor of 1.5 of the largest trial, are left to the plan itself.

    Parameters
    ----------
    protocol : Protocol
        Effect, power, and the largest trial that is allowed.
    card : CohortCard
        Who takes part.
    disease : DiseaseModel
        What happens to them.

    Raises
    ------
    DesignError
        Names the effect in points, the SD, and the largest trial.

    Examples
    --------
    >>> from trialsim.disease import disease_model
    >>> from trialsim.population import read_card
    >>> from trialsim.protocol import read_protocol
    >>> protocol = read_protocol("protocols/alzheimers_phase2.toml")
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> require_detectable(protocol, card, disease_model(protocol.disease.model))
    """
    effect, moments = _alternative(protocol, card, disease)
    inflated = moments.with_inflated_sd(protocol.sizing.sd_inflation)
    largest = protocol.sizing.largest_trial
    unit, week = protocol.endpoint.unit, protocol.visits.weeks[-1]
    if effect == 0:
        raise DesignError(
            "comes to nothing in the trial's model, and no size detects no effect",
            field="effect.value",
            value=protocol.effect.value,
            mend="assume a larger effect",
        )
    question = SizingQuestion(
        effect=effect,
        power=protocol.sizing.power,
        alpha=protocol.analysis.alpha,
        allocation=protocol.allocation,
        dropout=protocol.dropout_by_arm,
        slopes=protocol.analysis.slopes,
        variance=protocol.analysis.variance,
        largest_trial=round(_MARGIN * largest),
    )
    try:
        for analysis in ("unadjusted", "ancova"):
            size_for_power(inflated, analysis, question)
    except DesignError:
        raise DesignError(
            f"comes to {abs(effect):.2g} {unit} at week {week:g}, beside an SD of {inflated.sd[0]:.3g}: "
            f"no trial of up to {largest:,} participants reaches a power of {protocol.sizing.power:g} with "
            f"the {analysis} analysis",
            field="effect.value",
            value=protocol.effect.value,
            mend="assume a larger effect, ask for less power, or allow more participants as "
            "sizing.largest_trial",
        ) from None


def _alternative(
    protocol: Protocol, card: CohortCard, disease: DiseaseModel
) -> tuple[float, PlanningMoments]:
    """Return true effect and moments, without a score, of a sample of the alternative's register."""
    weeks = np.array((0.0, *protocol.visits.weeks))
    people = draw_eligible(
        card, PARTICIPANTS, stream(protocol.seed, STREAM, 0, "register"), protocol.eligibility
    ).covariates
    course = disease.draw_course(people, stream(protocol.seed, STREAM, 0, "disease"))
    natural, placebo = disease.natural_history(course, weeks), disease.placebo_response(course, weeks)
    treated = treated_course(natural, weeks, protocol.effect, disease)
    generator = stream(protocol.seed, STREAM, 0, "outcome")
    baseline = disease.measure(natural[:, :1], placebo[:, :1], generator)[:, 0]
    means = [disease.measured_mean(latent[:, -1:], placebo[:, -1:]) for latent in (treated, natural)]
    changes = [
        disease.measure(latent[:, -1:], placebo[:, -1:], generator)[:, 0] - baseline
        for latent in (natural, treated)
    ]
    control, active = (float(change.std(ddof=1)) for change in changes)
    rho = [float(np.corrcoef(change, baseline)[0, 1]) for change in changes]
    return float((means[0] - means[1]).mean()), PlanningMoments(
        (control, active), (rho[0], rho[1]), (0.0, 0.0)
    )

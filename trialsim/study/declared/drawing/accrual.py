"""How many participants a declared trial may need, and how they enter."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial, PlannedEnrolment, SiteEnrolment
from trialsim.protocol.declared.design_kinds import design_kind
from trialsim.study.declared.refusing import refusing
from trialsim.trial import PlannedAccrual, SitePlan, site_plan
from trialsim.trial.enrolment import NO_CAP, Spread


def accrual_of(trial: DeclaredTrial) -> PlannedAccrual | SitePlan:
    """Return how participants enter, refused where the caps let in fewer than planned."""
    enrolment = trial.enrolment
    assert enrolment is not None
    with refusing("enrolment"):
        if not isinstance(enrolment, SiteEnrolment):
            plan = PlannedAccrual(tuple(enrolment.rates), tuple(enrolment.durations))
            needed = largest_size(trial)
            closes = enrolment.spread == "even" or (enrolment.spread == "poisson" and not enrolment.rates[-1])
            if closes and needed > plan.total + 1e-9:
                raise ProtocolError(
                    f"cannot be enrolled: accrual closes at {plan.total:g}",
                    field="participants",
                    value=needed,
                    mend="enrol longer or faster",
                )
            return plan
        sites = _sites(enrolment)
        if largest_size(trial) > sites.most:
            raise ProtocolError(
                f"cannot be enrolled: the sites let in {sites.most}",
                field="participants",
                value=largest_size(trial),
                mend="raise the caps, open more sites, or ask for fewer participants",
            )
        return sites


def spread_of(trial: DeclaredTrial) -> Spread:
    """Return how a planned accrual spreads participants."""
    return trial.enrolment.spread if isinstance(trial.enrolment, PlannedEnrolment) else "poisson"


def largest_size(trial: DeclaredTrial) -> int:
    """Return the participants that a trial may need."""
    size = design_kind(trial.design.kind).size(trial.design, len(trial.arms), trial.participants)
    assert size is not None
    return size


def _sites(enrolment: SiteEnrolment) -> SitePlan:
    counts = [country.sites for country in enrolment.countries]

    def each(values: list[float]) -> Floats:
        return np.repeat(np.asarray(values, dtype=np.float64), counts)

    opens = [
        np.linspace(one.first_activation_month, one.last_activation_month, one.sites)
        for one in enrolment.countries
    ]
    return site_plan(
        np.concatenate(opens),
        rate=each([one.rate_per_site_month for one in enrolment.countries]),
        shape=each([one.rate_shape or np.inf for one in enrolment.countries]),
        ramp=each([one.ramp_months for one in enrolment.countries]),
        screen_failure=each([one.screen_failure for one in enrolment.countries]),
        cap=np.repeat([one.cap_per_site or NO_CAP for one in enrolment.countries], counts),
        country=np.repeat(np.arange(len(counts)), counts),
        country_cap=[one.cap or NO_CAP for one in enrolment.countries],
    )

"""When does each participant come, from which site?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.rates import PlannedAccrual, Spread
    from trialsim.trial.enrolment.forecast import EnrolmentForecast, fit_site_rates, forecast_enrolment
    from trialsim.trial.enrolment.site_plans import (
        NO_CAP,
        InterimEnrolment,
        SitePlan,
        posterior_plan,
        site_plan,
    )
    from trialsim.trial.enrolment.sites import Recruitment, recruit
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "NO_CAP",
    "EnrolmentForecast",
    "InterimEnrolment",
    "PlannedAccrual",
    "Recruitment",
    "SitePlan",
    "Spread",
    "fit_site_rates",
    "forecast_enrolment",
    "posterior_plan",
    "recruit",
    "site_plan",
]

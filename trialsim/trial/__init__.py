"""How a trial runs: recruitment, randomisation, outcomes and dropout of blocks of replicates.

- `Pool`, `TrialSize`: who can be recruited, and how many are.
- `simulate_block`: a block of replicate trials as arrays.
- `allocate`, `enrol`, `drop_out`, `treated_course`: its steps, each usable alone.
- `site_plan`, `recruit`, `PlannedAccrual`: entry by sites with caps and screening, or at planned rates.
- `forecast_enrolment`, `posterior_plan`, `fit_site_rates`: when enrolment will be full.
- `simple_randomisation`, `permuted_blocks`, `minimise`: other ways to allocate, to any number of arms.
"""

from trialsim.trial.accrual import PlannedAccrual
from trialsim.trial.block import Pool, TrialSize, simulate_block
from trialsim.trial.dropout import drop_out
from trialsim.trial.effect import treated_course
from trialsim.trial.enrolment import enrol
from trialsim.trial.enrolment_forecast import EnrolmentForecast, fit_site_rates, forecast_enrolment
from trialsim.trial.minimisation import minimise
from trialsim.trial.randomisation import allocate, permuted_blocks, simple_randomisation
from trialsim.trial.sites import (
    InterimEnrolment,
    Recruitment,
    SitePlan,
    posterior_plan,
    recruit,
    site_plan,
)

__all__ = [
    "EnrolmentForecast",
    "InterimEnrolment",
    "PlannedAccrual",
    "Pool",
    "Recruitment",
    "SitePlan",
    "TrialSize",
    "allocate",
    "drop_out",
    "enrol",
    "fit_site_rates",
    "forecast_enrolment",
    "minimise",
    "permuted_blocks",
    "posterior_plan",
    "recruit",
    "simple_randomisation",
    "simulate_block",
    "site_plan",
    "treated_course",
]

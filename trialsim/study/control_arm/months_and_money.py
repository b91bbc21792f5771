"""What the plan's savings mean in months of enrolment and in money."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.design import Size, controls_for_power, size_for_power
from trialsim.design.control_arm import Prices, Saving
from trialsim.design.control_arm.plan import FigureName
from trialsim.design.sizes.variance import AnalysisName
from trialsim.population import draw_eligible
from trialsim.protocol.declared import DeclaredTrial, SiteEnrolment
from trialsim.streams import stream
from trialsim.study.control_arm.plan import ControlArm
from trialsim.study.declared.drawing.accrual import accrual_of, spread_of
from trialsim.study.people.modelled.composition import compose
from trialsim.study.people.placebo_people import placebo_people
from trialsim.study.sizing.resized import at_size
from trialsim.trial import SitePlan, recruit

STREAM = "time and cost"
_REPLICATES = 2000
_FEWEST_REPLICATES = 20
_NUMBERS = 4_000_000
_SCREENED = 20_000
WAYS = ("fixed allocation", "active arm fixed")
_COMPARED: tuple[AnalysisName, ...] = ("ancova", "prognostic")


@dataclass(frozen=True)
class EnrolmentTimes:
    """Months to enrol so many participants, the same simulated futures for every number.

    Parameters
    ----------
    trial : DeclaredTrial
        Says how participants enter.
    most : int
        The largest number that is asked for.
    """

    trial: DeclaredTrial
    most: int

    @cached_property
    def _every(self) -> Floats:
        return self._drawn(self.most)

    def _drawn(self, participants: int) -> Floats:
        """Return the month of entry (R, N) of so many participants."""
        replicates = int(np.clip(_NUMBERS // self.most, _FEWEST_REPLICATES, _REPLICATES))
        accrual = accrual_of(at_size(self.trial, participants))
        generator = stream(self.trial.seed, STREAM, 0, "enrolment")
        if isinstance(accrual, SitePlan):
            return recruit(accrual, replicates, participants, generator).month
        return accrual.arrivals(replicates, participants, generator, spread_of(self.trial))

    def full(self, participants: int) -> Floats:
        """Return the month of full enrolment (R,) of so many participants."""
        if spread_of(self.trial) == "uniform":
            # Those who enter over the whole accrual leave no first ones for a smaller trial.
            return self._drawn(participants)[:, -1]
        return self._every[:, participants - 1]

    def mean(self, participants: int) -> float:
        """Return the mean month of full enrolment."""
        return float(self.full(participants).mean())

    def saved_error(self, before: int, after: int) -> float:
        """Return the Monte Carlo standard error of the months saved between two sizes."""
        saved = self.full(before) - self.full(after)
        return float(saved.std(ddof=1) / np.sqrt(len(saved)))


def time_and_cost(arm: ControlArm) -> pd.DataFrame:
    """Return participants, controls, months and money saved beyond baseline ANCOVA.

    Parameters
    ----------
    arm : ControlArm
        Its plan, enrolment model and, if the protocol has them, prices.

    Returns
    -------
    DataFrame
        One row a figure (undiscounted, discounted, worst plausible), way to save (fixed allocation,
        active arm fixed) and gain: ``value``, ``lower`` and ``upper`` at the ends of the 95 % interval of the
        partial correlation (NaN for the worst plausible figure, which is a bound itself), ``error``: Monte
        Carlo standard error of the value, 0 where it is a formula. NaN where a way is infeasible; rows
        of cost only where the protocol has prices.

    Notes
    -----
    Months are the mean time from the first site's activation to full enrolment in the protocol's model,
    over the same simulated futures for all sizes, so that differences are those of size. Money is
    participants, months of the trial and of all its sites, and people screened, each at its price.
    """
    prices = _prices(arm)
    most = max(max(saving.ancova.total, saving.prognostic.total) for saving in arm.plan.savings)
    times = EnrolmentTimes(arm.trial, most)
    rows: list[dict[str, object]] = []
    for saving in arm.plan.savings:
        found = [_gains(one, times, prices) for one in (_Sizes.of(saving), *_ends(arm, saving.figure))]
        for way, gains in found[0].items():
            for gain, value in gains.items():
                bounds = [value, *(end[way][gain] for end in found[1:])]
                known = len(found) > 1
                rows.append(
                    {
                        "figure": saving.figure,
                        "way": way,
                        "gain": gain,
                        "value": value,
                        "lower": min(bounds) if known else np.nan,
                        "upper": max(bounds) if known else np.nan,
                        "error": _error(_Sizes.of(saving), way, gain, times, prices),
                    }
                )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Sizes:
    """Sizes with baseline ANCOVA, and with prognostic adjustment in both ways to save."""

    ancova: Size
    prognostic: Size
    active_fixed: Size | None

    @classmethod
    def of(cls, saving: Saving) -> _Sizes:
        """Return a figure's sizes; a score that costs participants is not adjusted for."""
        plain = saving.ancova
        if saving.prognostic.total > plain.total:
            return cls(plain, plain, plain)
        fixed = saving.active_fixed
        return cls(plain, saving.prognostic, plain if fixed and fixed.total > plain.total else fixed)

    def after(self, way: str) -> Size | None:
        """Return the size with prognostic adjustment in one way to save."""
        return self.prognostic if way == WAYS[0] else self.active_fixed


def _ends(arm: ControlArm, figure: FigureName) -> list[_Sizes]:
    """Return the sizes at both ends of the correlation's interval, with the figure's own discounts."""
    if figure == "worst_plausible":
        return []
    sizing, plan = arm.trial.sizing, arm.plan
    assert sizing is not None
    discounted = figure == "discounted"
    moments = plan.moments.with_inflated_sd(sizing.sd_inflation if discounted else 1.0)
    found = []
    for end in arm.gain.partial_correlation_95:
        r = max(end, 0.0) * (sizing.correlation_discount if discounted else 1.0)
        given = moments.with_partial(r, r * plan.gain.active_to_control)
        ancova, best = (size_for_power(given, name, plan.question) for name in _COMPARED)
        fixed = controls_for_power(ancova.active, given, "prognostic", plan.question)
        saving = Saving(figure, (r, r * plan.gain.active_to_control), ancova, best, fixed)
        found.append(_Sizes.of(saving))
    return found


def _gains(sizes: _Sizes, times: EnrolmentTimes, prices: Prices | None) -> dict[str, dict[str, float]]:
    """Return every gain of both ways to save."""
    before, found = sizes.ancova, {}
    for way in WAYS:
        after = sizes.after(way)
        months = np.nan if after is None else times.mean(before.total) - times.mean(after.total)
        gains = {
            "participants": np.nan if after is None else float(before.total - after.total),
            "controls": np.nan if after is None else float(before.controls - after.controls),
            "months": months,
        }
        if prices is not None:
            paid = np.nan if after is None else prices.of(before, 0.0) - prices.of(after, 0.0)
            gains["cost"] = paid + prices.month * months
        found[way] = gains
    return found


def _error(sizes: _Sizes, way: str, gain: str, times: EnrolmentTimes, prices: Prices | None) -> float:
    """Return the Monte Carlo standard error of a gain; participants are a formula."""
    after = sizes.after(way)
    if after is None or gain in ("participants", "controls"):
        return 0.0
    months = times.saved_error(sizes.ancova.total, after.total)
    return months if gain == "months" else months * (prices.month if prices else 0.0)


def _prices(arm: ControlArm) -> Prices | None:
    """Return the protocol's prices by randomised participant and month of enrolment."""
    costs, enrolment = arm.trial.costs, arm.trial.enrolment
    if costs is None:
        return None
    screening = costs.screening / (1 - screen_failure(arm)) if costs.screening else 0.0
    sites = sum(one.sites for one in enrolment.countries) if isinstance(enrolment, SiteEnrolment) else 0
    return Prices(
        control=costs.control + screening,
        active=costs.active + screening,
        month=costs.month + costs.site_month * sites,
    )


def screen_failure(arm: ControlArm) -> float:
    """Return the share of the population that is not eligible for the trial."""
    trial, population = arm.alternative, arm.alternative.population
    assert population is not None
    if population.kind == "history":
        return 1 - len(placebo_people(trial, arm.history)) / len(arm.history)
    generator = stream(trial.seed, STREAM, 0, "register")
    return draw_eligible(
        compose(trial, arm.folder).card, _SCREENED, generator, population.eligibility
    ).screen_failure_rate

"""What a simulation is for, and how much hangs on it: what a report states and no number can say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Slug, Text
from trialsim.protocol.reading import Strict, refuse

Rating = Literal["low", "medium", "high"]
Limit = Annotated[float, Field(ge=-1e9, le=1e9)]


class Rated(Strict):
    """A rating, and why it is this one."""

    rating: Rating
    why: Text


class TechnicalCriterion(Strict):
    """A limit, set beforehand, that a result must keep for the run to answer its question.

    `power`, `type_one_error`, `coverage`, `bias` (its size, on the scale of the estimate) and `failed_share`
    (fits without an estimate) are those of an `analysis`, in a `scenario`; all of them where none is named.
    `calibration_slope` is that of the twins out of sample.
    """

    measure: Literal["power", "type_one_error", "coverage", "bias", "failed_share", "calibration_slope"]
    scenario: Slug | None = None
    analysis: Slug | None = None
    at_least: Limit | None = None
    at_most: Limit | None = None
    why: Text

    @model_validator(mode="after")
    def _check(self) -> TechnicalCriterion:
        if self.at_least is None and self.at_most is None:
            raise refuse("sets no limit", field="at_least", mend="give at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise refuse("lies above at_most: nothing would pass", self.at_least, field="at_least",
                         mend="give the lower limit as at_least")  # fmt: skip
        for field in ("scenario", "analysis"):
            if self.measure == "calibration_slope" and getattr(self, field) is not None:
                raise refuse("the twins are calibrated once, out of any scenario", getattr(self, field),
                             field=field, mend="leave it out")  # fmt: skip
        return self


class ExternalControls(Strict):
    """What is stated of controls from outside the trial, for a reader who asks whether they are comparable.

    Parameters
    ----------
    reason : str
        Why randomised controls alone are not enough.
    sources : str
        Every source that was considered, and why each was kept or dropped.
    eligibility : str
        How the criteria of the trial were applied to them.
    time_zero : str
        From when they are followed, and why that is where the trial's participants are randomised.
    outcome : str
        How their outcome was measured, and at which times.
    confounding : str
        What differs that is measured, what may differ that is not, and what is done about both.
    """

    reason: Text | None = None
    sources: Text | None = None
    eligibility: Text | None = None
    time_zero: Text | None = None
    outcome: Text | None = None
    confounding: Text | None = None


class Context(Strict):
    """What ``trialsim guidance`` states and cannot compute; nothing here moves a number of the run.

    `influence`: of the simulation on the decision, beside all other evidence. `consequence`: of a wrong
    decision. `impact`: how far the simulation departs from what is usually done. `evidence`: what else
    informs the answer. `appropriateness`: why this simulation can answer the question. `criteria`: limits set
    beforehand. `outcome`: what the team concluded. `external_controls`: see there.
    """

    influence: Rated | None = None
    consequence: Rated | None = None
    impact: Rated | None = None
    evidence: Text | None = None
    appropriateness: Text | None = None
    criteria: tuple[TechnicalCriterion, ...] = ()
    outcome: Text | None = None
    external_controls: ExternalControls | None = None

"""Placebo twins of a declared trial: learned from a history, assumed with a strength, or given."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Slug, Text
from trialsim.protocol.reading import Strict, duplicates, refuse

Strength = Literal["partial_correlation", "auc", "c_index"]

_OF_SOURCE = {
    "learned": (
        "family", "covariates", "splines", "interactions", "variance_covariates", "study_effects",
        "visit_scales",
    ),
    "assumed": ("partial_correlation", "auc", "c_index"),
    "given": ("column", "columns"),
}  # fmt: skip


class Twins(Strict):
    """The prognostic score of every participant, fixed before randomisation.

    ``learned``: from the history, by the Bayesian model of a `family` (the first one served where it is
    left out) on `covariates`, with the terms of docs/twins.md. ``assumed``: a score that tells as much of
    the outcome on placebo as is declared: its `partial_correlation` with a score at the last visit given the
    baseline, or with a count; its `auc` for a response or a level; its `c_index` for a time to an event.
    ``given``: a `column` of predictions in the history, or `columns`, one for each visit of a score in their
    order, held to the same gate.
    """

    source: Literal["learned", "assumed", "given"]
    family: Slug | None = None
    covariates: tuple[Slug, ...] = ()
    splines: tuple[Slug, ...] = ()
    interactions: tuple[tuple[Slug, Slug], ...] = ()
    variance_covariates: tuple[Slug, ...] = ()
    study_effects: bool = False
    visit_scales: bool = False
    partial_correlation: Annotated[float, Field(ge=0, lt=1)] | None = None
    auc: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    c_index: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    column: Text | None = None
    columns: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Twins:
        for source, fields in _OF_SOURCE.items():
            for field in fields:
                if source != self.source and getattr(self, field) != type(self).model_fields[field].default:
                    raise refuse(
                        f"belongs to {source} twins", getattr(self, field), field=field, mend="leave it out"
                    )
        if self.source == "learned" and not self.covariates:
            raise refuse("is missing", field="covariates", mend="name the baseline covariates to learn from")
        if repeated := duplicates(self.covariates):
            raise refuse("a covariate is named twice", repeated, field="covariates", mend="name it once")
        if self.source == "assumed" and len(self.strengths) != 1:
            raise refuse(
                "needs one strength", list(self.strengths), field="source",
                mend="give partial_correlation, auc or c_index",
            )  # fmt: skip
        if self.source == "given" and (self.column is None) == (not self.columns):
            raise refuse(
                "needs either column or columns", self.column, field="column",
                mend="name the column of the predictions, or one for each visit as columns",
            )  # fmt: skip
        if repeated := duplicates(self.columns):
            raise refuse("a column is named twice", repeated, field="columns", mend="give column instead")
        self._check_terms()
        return self

    def _check_terms(self) -> None:
        pairs = tuple(" x ".join(sorted(pair)) for pair in self.interactions)
        known = ("baseline", *self.covariates)
        for field, named, covariates in (
            ("splines", self.splines, self.splines),
            ("interactions", pairs, tuple(name for pair in self.interactions for name in pair)),
            ("variance_covariates", self.variance_covariates, self.variance_covariates),
        ):
            if repeated := duplicates(named):
                raise refuse("a term is named twice", repeated, field=field, mend="name it once")
            if unknown := [name for name in covariates if name not in known]:
                raise refuse(
                    "is neither baseline nor a covariate of the twins", unknown[0], field=field,
                    mend="name it under covariates too",
                )  # fmt: skip
        if alone := [pair[0] for pair in self.interactions if pair[0] == pair[1]]:
            raise refuse(
                "cannot interact with itself", alone[0], field="interactions", mend="put it under splines"
            )

    @property
    def strengths(self) -> dict[str, float]:
        """Declared strengths by name."""
        given = {name: getattr(self, name) for name in _OF_SOURCE["assumed"]}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def has_terms(self) -> bool:
        """Whether anything is asked of the model beyond its linear terms."""
        given = (self.splines, self.interactions, self.variance_covariates)
        return any(given) or self.study_effects or self.visit_scales

"""The analyses that a declared trial is read with, each an estimator of `trialsim.registry`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from trialsim.protocol.of_endpoint import OfEndpoint
from trialsim.protocol.question import Positive, Slug
from trialsim.protocol.reading import duplicates, refuse
from trialsim.registry import Reader, readers, simulated_names
from trialsim.registry.block_reader import Value

# What the name of an analysis with a score may end in; its rivals' names do without.
WITH_TWINS = "_with_twins"


def _registered(kind: str) -> str:
    if not readers(kind):
        raise refuse("is no analysis of simulated trials", kind, mend=f"use {', '.join(simulated_names())}")
    return kind


class _Names:
    """What ``trialsim schema`` shows for a kind: the names that are registered when it is asked."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(simulated_names())}


def _with_settings(schema: dict[str, Any]) -> None:
    """Add the numbers of other packages' estimators to the fields of a table, and allow no further ones."""
    schema["additionalProperties"] = False
    for name in simulated_names():
        for setting in (one for reader in readers(name) for one in reader.settings):
            schema["properties"].setdefault(setting.name, setting.schema)


Finite = Annotated[float, Field(allow_inf_nan=False)]
AnalysisKind = Annotated[str, AfterValidator(_registered), _Names()]


class AnalysisDeclared(OfEndpoint):
    """One analysis that the trial is read with; each has its own name in the result.

    `adjust` names what is adjusted for beside a measured baseline: factors, covariates of the twins, all of
    them as ``covariates``, or the prognostic ``score``. `tau` is the horizon of ``rmst`` in months; `rho` and
    `gamma` are those of a Fleming–Harrington weight. Least squares have `slopes` (``common`` fits one of each
    covariate for both arms, ``interacted`` one for each arm) and a `variance`: HC3 (robust, the default), HC0
    to HC2, or ``model`` (ordinary least squares). `null` is the effect that a claim is held against, in the
    units of the estimate, or as a ratio: one number is a margin of non-inferiority, two are limits of
    equivalence. In a trial with several endpoints `endpoint` names the one that is read. Estimators of other
    packages may take further settings.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra=_with_settings)

    kind: AnalysisKind
    name: Slug | None = None
    adjust: tuple[Slug, ...] = ()
    tau: Positive | None = None
    rho: Annotated[float, Field(ge=0, le=10)] | None = None
    gamma: Annotated[float, Field(ge=0, le=10)] | None = None
    slopes: Literal["common", "interacted"] = "common"
    variance: Literal["hc0", "hc1", "hc2", "hc3", "model"] = "hc3"
    null: Finite | tuple[Finite, Finite] | None = None

    @property
    def label(self) -> str:
        """Name in the result."""
        return self.name or self.kind

    @property
    def readers(self) -> tuple[Reader, ...]:
        """How this analysis reads simulated trials, one reader an endpoint."""
        return readers(self.kind)

    @property
    def limits(self) -> tuple[float, ...]:
        """What a claim is held against: nothing, a margin, or the limits of equivalence."""
        if self.null is None:
            return ()
        return self.null if isinstance(self.null, tuple) else (self.null,)

    def settings_of(self, reader: Reader) -> dict[str, Value]:
        """Return the settings that a reader takes, as the file gives them."""
        given = {one.name: self.given(one.name, one.default) for one in reader.settings}
        return {name: value for name, value in given.items() if value is not None}

    def given(self, name: str, default: Value | None = None) -> Value | None:
        """Return a setting of this table by its name; those of other packages' estimators too."""
        value: Value | None = getattr(self, name, None)
        return default if value is None else value

    @model_validator(mode="after")
    def _check(self) -> AnalysisDeclared:
        taken = {one.name: one for reader in self.readers for one in reader.settings}
        for field in ("tau", "rho", "gamma"):
            missing = field in taken and taken[field].default is None and getattr(self, field) is None
            if missing or (field not in taken and getattr(self, field) is not None):
                users = " or ".join(name for name in simulated_names() if _takes(name, field))
                raise refuse(
                    f"is needed by {users}, and by it alone", getattr(self, field), field=field
                )  # fmt: skip
        for field, usual in (("slopes", "common"), ("variance", "hc3")):
            if getattr(self, field) != usual and field not in taken:
                users = ", ".join(name for name in simulated_names() if _takes(name, field))
                raise refuse(f"belongs to {users}", getattr(self, field), field=field, mend="leave it out")
        for field, value in (self.model_extra or {}).items():
            if field not in taken:
                raise refuse("unknown key", field=field, mend="remove the key, or check its spelling")
            if fault := taken[field].fault(value):
                raise refuse(fault, value, field=field, mend="change the number")
        for field, one in taken.items():
            if one.default is None and self.given(field) is None:
                raise refuse(f"is needed by {self.kind}", field=field, mend="add the key")
        self._check_adjust()
        return self

    def _who_adjusts(self) -> str:
        """Name the analyses of the same endpoints that take what this one does not."""
        endpoints = {one.endpoint for one in self.readers}
        others = [
            name
            for name in simulated_names()
            if any(one.adjusts and one.endpoint in endpoints for one in readers(name))
        ]
        return f"leave it out, or use {', '.join(others)}" if others else "leave it out"

    def _check_adjust(self) -> None:
        if self.adjust and not any(one.adjusts for one in self.readers):
            raise refuse(
                f"{self.kind} takes no covariates", self.adjust, field="adjust", mend=self._who_adjusts()
            )
        for other in {one.without_adjust for one in self.readers} - {""}:
            if not self.adjust:
                raise refuse(f"is needed by {self.kind}, else {other} is meant", field="adjust",
                             mend=f'name factors, covariates or "score", or use {other}')  # fmt: skip
        if repeated := duplicates(self.adjust):
            raise refuse("a covariate is named twice", repeated, field="adjust", mend="name it once")


def _takes(name: str, field: str) -> bool:
    return any(one.name == field for reader in readers(name) for one in reader.settings)

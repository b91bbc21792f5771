"""The rules by which a declared trial's bounds are made: efficacy and futility."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from trialsim.protocol.reading import Strict, refuse

_PARAMETER_OF = {"wang_tsiatis": "delta", "hwang_shih_decani": "gamma", "power": "rho"}


class Efficacy(Strict):
    """The rule of the efficacy bounds.

    ``o_brien_fleming``, ``pocock`` and ``wang_tsiatis`` (`delta`) are shapes with one constant;
    ``lan_demets_obf``, ``lan_demets_pocock``, ``hwang_shih_decani`` (`gamma`) and ``power`` (`rho`) spend
    alpha; ``given`` takes the z of each look.
    """

    rule: Literal[
        "o_brien_fleming",
        "pocock",
        "wang_tsiatis",
        "lan_demets_obf",
        "lan_demets_pocock",
        "hwang_shih_decani",
        "power",
        "given",
    ] = "lan_demets_obf"
    delta: float | None = None
    gamma: float | None = None
    rho: float | None = None
    z: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Efficacy:
        _check_parameters(self, ("delta", "gamma", "rho"))
        return self


class Futility(Strict):
    """The rule of the futility bounds: spending of the type II error 1 − `power`, or given z.

    They are obeyed in the simulation; `binding` says whether the efficacy bounds rely on that.
    """

    rule: Literal["lan_demets_obf", "lan_demets_pocock", "hwang_shih_decani", "power", "given"]
    gamma: float | None = None
    rho: float | None = None
    z: tuple[float, ...] = ()
    binding: bool = False

    @model_validator(mode="after")
    def _check(self) -> Futility:
        _check_parameters(self, ("gamma", "rho"))
        return self


def _check_parameters(bounds: Efficacy | Futility, names: tuple[str, ...]) -> None:
    """Refuse a parameter that the rule lacks, or that belongs to another rule."""
    needed = _PARAMETER_OF.get(bounds.rule)
    for name in names:
        if (getattr(bounds, name) is not None) != (name == needed):
            word = "is needed by" if name == needed else "does not belong to"
            raise refuse(f"{word} the rule {bounds.rule}", getattr(bounds, name), field=name)
    if bool(bounds.z) != (bounds.rule == "given"):
        raise refuse("belongs to the rule given, which needs it", bounds.z, field="z")

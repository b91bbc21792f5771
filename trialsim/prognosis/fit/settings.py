"""How a posterior is sampled, and what a fit must pass before any twin is issued."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.errors import InputError


@dataclass(frozen=True)
class FitSettings:
    """How a posterior is sampled, and what it must pass.

    Parameters
    ----------
    chains, tune, draws : int
        Chains, and warm-up and kept iterations of each.
    accept : float
        Target acceptance rate of the No-U-Turn sampler.
    max_rhat : float
        Largest R-hat of any parameter.
    min_ess : float
        Smallest bulk and tail effective sample size of any parameter.
    max_divergences : int
        Divergent iterations that are tolerated.
    cores : int
        Chains that run at once; changes no number.
    """

    chains: int = 4
    tune: int = 1000
    draws: int = 1500
    accept: float = 0.9
    max_rhat: float = 1.01
    min_ess: float = 400.0
    max_divergences: int = 0
    cores: int = 2

    def __post_init__(self) -> None:
        least = {
            "chains": 1,
            "tune": 0,
            "draws": 1,
            "max_rhat": 1,
            "min_ess": 0,
            "max_divergences": 0,
            "cores": 1,
        }
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise InputError(
                    f"must be {bound} or more",
                    field=f"FitSettings.{name}",
                    value=getattr(self, name),
                    mend="leave it at its default",
                )
        if not 0 < self.accept < 1:
            raise InputError(
                "must lie between 0 and 1",
                field="FitSettings.accept",
                value=self.accept,
                mend="give .9 or so",
            )

    def identity(self) -> dict[str, float]:
        """Return the settings that change a result."""
        return {name: value for name, value in vars(self).items() if name != "cores"}

"""How do outcomes other than a repeated score arise: priors, likelihoods and draws, one family a module?

- `binary`: a response, yes or no.
- `ordinal`: one of several ordered levels, proportional odds.
- `count`: events during follow-up, negative binomial.
- `weibull`, `cure`: a time to an event, with a cured share or without.
- `piecewise`: a time to an event, hazard constant within intervals.

The same densities in PyMC are `trialsim.prognosis.fit.outcome_model`; tests hold one against the other.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.families.binary import Binary
    from trialsim.prognosis.families.catalogue import FAMILIES
    from trialsim.prognosis.families.common import (
        Family,
        Params,
        Prior,
        Responses,
        Shape,
        beta,
        concatenate,
        effects,
        linear_predictor,
    )
    from trialsim.prognosis.families.count import Count
    from trialsim.prognosis.families.events import EventFamily
    from trialsim.prognosis.families.ordinal import Ordinal
    from trialsim.prognosis.families.piecewise import Piecewise
    from trialsim.prognosis.families.weibull import Cure, Weibull
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "FAMILIES",
    "Binary",
    "Count",
    "Cure",
    "EventFamily",
    "Family",
    "Ordinal",
    "Params",
    "Piecewise",
    "Prior",
    "Responses",
    "Shape",
    "Weibull",
    "beta",
    "concatenate",
    "effects",
    "linear_predictor",
]

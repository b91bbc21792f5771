"""Who takes part: cohort cards, margins, copula, calibration, eligibility, fidelity and privacy.

- `read_card` reads and proves a card; `check_card` returns its certificate.
- `draw_covariates` draws participants, `draw_eligible` those who meet criteria with the screen-failure rate,
  `draw_calibrated` those whose numbers are the printed ones, `make_missing` takes baseline values away.
- `solve_copula`, `solve_pair`, `attainable`: latent correlations, and what margins can have.
- `family_sensitivity`, `correlation_sensitivity`: how far an answer rests on what a card assumes.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.population import association, card_files, cards, drawing, individual_data, laws
    from trialsim.population.association.nearest import nearest_correlation
    from trialsim.population.association.pairs import PairSolution, attainable, solve_pair
    from trialsim.population.card_files.check import check_card
    from trialsim.population.card_files.reading import read_card
    from trialsim.population.cards.card import CohortCard
    from trialsim.population.cards.criteria import LinearCriterion
    from trialsim.population.cards.missing import MissingValues, make_missing
    from trialsim.population.cards.provenance import Correlation, Number, Source
    from trialsim.population.cards.targets import Moment, Target
    from trialsim.population.drawing.calibrate import CalibratedDraw, draw_calibrated
    from trialsim.population.drawing.copula import Copula, solve_copula
    from trialsim.population.drawing.draw import draw_covariates
    from trialsim.population.drawing.eligibility import EligibleDraw, draw_eligible
    from trialsim.population.drawing.sensitivity import correlation_sensitivity, family_sensitivity
    from trialsim.population.drawing.tilt import Tilt, entropy_tilt, systematic_resample
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "CalibratedDraw",
    "CohortCard",
    "Copula",
    "Correlation",
    "EligibleDraw",
    "LinearCriterion",
    "MissingValues",
    "Moment",
    "Number",
    "PairSolution",
    "Source",
    "Target",
    "Tilt",
    "association",
    "attainable",
    "card_files",
    "cards",
    "check_card",
    "correlation_sensitivity",
    "draw_calibrated",
    "draw_covariates",
    "draw_eligible",
    "drawing",
    "entropy_tilt",
    "family_sensitivity",
    "individual_data",
    "laws",
    "make_missing",
    "nearest_correlation",
    "read_card",
    "solve_copula",
    "solve_pair",
    "systematic_resample",
]

"""Who takes part: cohort cards, margins, copula and eligibility.

`read_card(path)` reads and proves a card; `check_card(card)` returns its certificate;
`draw_covariates(card, n, generator)` draws participants and `draw_eligible(card, criteria, n,
generator)` those who meet the criteria, with the screen-failure rate. `solve_copula(card)` gives the
latent correlations.
"""

from trialsim.population.card import CohortCard, Correlation, Number, Source
from trialsim.population.check import check_card
from trialsim.population.dependence import Copula, PairSolution, attainable, solve_copula, solve_pair
from trialsim.population.draw import EligibleDraw, draw_covariates, draw_eligible
from trialsim.population.reading import read_card

__all__ = [
    "CohortCard",
    "Copula",
    "Correlation",
    "EligibleDraw",
    "Number",
    "PairSolution",
    "Source",
    "attainable",
    "check_card",
    "draw_covariates",
    "draw_eligible",
    "read_card",
    "solve_copula",
    "solve_pair",
]

"""What is drawn from a card has the card's numbers, within Monte Carlo error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trialsim.population import draw_covariates, read_card, solve_copula

COHORTS = sorted((Path(__file__).parents[2] / "cohorts").glob("*.toml"))
N = 400_000
K = 4.5


@pytest.fixture(scope="module", params=COHORTS, ids=lambda path: path.stem)
def drawn(request):
    card = read_card(request.param)
    return card, draw_covariates(card, N, np.random.Generator(np.random.Philox(key=20261121)))


def test_means_and_sds_come_out(drawn):
    card, covariates = drawn
    for name, law in zip(card.names, solve_copula(card).laws, strict=True):
        x = covariates.column(name)
        centred = x - law.mean
        assert abs(centred.mean()) < K * law.sd / np.sqrt(N), name
        error = np.std(centred**2) / np.sqrt(N)
        # A fair coin is always half from its mean: its squares have no error but rounding.
        assert abs(np.mean(centred**2) - law.sd**2) < K * error + 1e-12, name


def test_correlations_come_out(drawn):
    card, covariates = drawn
    standard = (covariates.values - covariates.values.mean(0)) / covariates.values.std(0)
    asked = {
        frozenset(entry.between): entry.value if entry.measure == "pearson" else None
        for entry in card.correlations
    }
    tied = {margin.name for margin in card.margins if margin.kind == "nominal"}
    for i, first in enumerate(card.names):
        for j, second in enumerate(card.names[:i]):
            a, b = standard[:, i], standard[:, j]
            r = np.mean(a * b)
            influence = a * b - r / 2 * (a * a + b * b)
            error = np.std(influence) / np.sqrt(N)
            target = asked.get(frozenset((first, second)), 0.0)
            if target is None or tied & {first, second}:
                continue
            assert abs(r - target) < K * error, (first, second)

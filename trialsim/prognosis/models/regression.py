"""Rows of the regression at any weeks that the history covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.models.design_matrix import Standardisation
from trialsim.prognosis.models.gram import regression_rows


@dataclass(frozen=True)
class Regression:
    """What the rows of a prediction at V weeks share.

    Parameters
    ----------
    hats : ndarray (V, W)
        Weights of the history's W visit means.
    clock : ndarray (V,)
        Time, from -1 at the history's first visit to 1 at its last.
    scale : ndarray (V,)
        Spread of the change at each week relative to that of all visits: 1 unless visits have scales of
        their own.
    """

    hats: Floats
    clock: Floats
    scale: Floats

    @classmethod
    def at(cls, standardisation: Standardisation, weeks: Floats) -> Regression:
        """Return the regression at some weeks.

        Raises
        ------
        HistoryError
            A week lies before the first or after the last visit of the history.
        """
        return cls(standardisation.hats(weeks), standardisation.clock(weeks), standardisation.scale_at(weeks))

    def rows(self, x: Floats) -> Floats:
        """Return rows (N, V, C) of participants' columns (N, K); times the coefficients, changes in units."""
        rows = regression_rows(self.hats, x, self.clock)
        # In place, as these are most of the memory; by ones no bit changes.
        rows *= self.scale[:, None]
        return np.asarray(rows)

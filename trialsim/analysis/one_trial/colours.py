"""Colours of the two arms in every figure of one trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


# Okabe and Ito's colours: told apart by people with any colour vision.
COLOURS = ("#000000", "#0072B2")

ARM_COLOURS = (*COLOURS, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

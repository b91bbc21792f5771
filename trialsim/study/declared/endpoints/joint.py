"""A marker at visits, and an event whose hazard follows it: carried out as a plan an analysis."""

from __future__ import annotations

from trialsim.study.declared.carried import Carried

MARKER_AND_EVENT = Carried(engine="plan")

"""What a cohort card says: margins, associations, targets, and where each number comes from."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import Field

from trialsim.population.cards.margins import Margin
from trialsim.population.cards.missing import MissingValues
from trialsim.population.cards.provenance import Correlation, Number, Source
from trialsim.population.cards.targets import Target
from trialsim.protocol.reading import Strict


class CohortCard(Strict):
    """A population as published: margins and associations, each number with its source.

    Parameters
    ----------
    name, title, population, period : str
        Identifier, heading, who they are, when they were seen.
    n : int
        Participants behind the numbers.
    describes : str
        ``enrolled``: the numbers describe participants who already passed the eligibility criteria;
        ``source``: people before any criterion. The two must not be confused.
    sources : dict of Source
        By key.
    margins : tuple of Margin
        One a covariate.
    correlations : tuple of Correlation
        One a pair.
    unlisted_pairs : str, optional
        ``independent`` says that pairs without an entry are assumed independent; without it every pair
        needs an entry.
    contradictions : str
        What to do with correlations that no population can have together: ``refuse``, or ``nearest``:
        take the nearest possible matrix, in which published pairs move least; the moves are reported.
    targets : tuple of Target
        Further printed numbers that a calibrated draw meets: subgroup means, cells, medians, odds ratios.
    missing : tuple of MissingValues
        Which baseline values are missing in practice, how often, and in whom.
    note : str, optional
        What else a reader should know.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    population: str = Field(min_length=1)
    period: str = Field(min_length=1)
    n: int = Field(ge=1)
    describes: Literal["enrolled", "source"]
    sources: dict[str, Source] = Field(min_length=1)
    margins: tuple[Margin, ...] = Field(min_length=1)
    correlations: tuple[Correlation, ...] = ()
    unlisted_pairs: Literal["independent"] | None = None
    contradictions: Literal["refuse", "nearest"] = "refuse"
    targets: tuple[Target, ...] = ()
    missing: tuple[MissingValues, ...] = ()
    note: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the covariates, in the order of the card."""
        return tuple(margin.name for margin in self.margins)

    def numbers(self) -> dict[str, Number]:
        """Return every number of the card by its field."""
        margins = {
            f"margins[{i}].{field}": number
            for i, margin in enumerate(self.margins)
            for field, number in margin.numbers().items()
        }
        entries = {f"correlations[{k}]": entry for k, entry in enumerate(self.correlations)}
        targets = {f"targets[{k}]": target for k, target in enumerate(self.targets)}
        rates = {f"missing[{k}].rate": entry.rate for k, entry in enumerate(self.missing)}
        return {**margins, **entries, **targets, **rates}

    def content_hash(self) -> str:
        """Return the SHA-256 of the card's content: of what it says, not of how its file is laid out."""
        content = json.dumps(_named(self.model_dump(mode="json")), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


def _named(content: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the first format did not have and the card does not use, so that names stay."""
    defaults: dict[str, object] = {"contradictions": "refuse", "targets": [], "missing": []}
    kept = {key: value for key, value in content.items() if defaults.get(key, ...) != value}
    kept["margins"] = [
        {key: value for key, value in margin.items() if (key, value) != ("joined", False)}
        for margin in content["margins"]
    ]
    kept["correlations"] = [
        {key: value for key, value in entry.items() if (key, value) != ("measure", "pearson")}
        for entry in content["correlations"]
    ]
    return kept

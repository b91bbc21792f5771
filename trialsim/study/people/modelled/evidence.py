"""What the numbers of a trial's cohort card and disease model rest on, counted by label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from trialsim.disease import Table, disease_model
from trialsim.disease.evidence import LABELS
from trialsim.population import CohortCard, read_card
from trialsim.population.cards.provenance import Number
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.course import ModelCourse


def evidence_of(trial: DeclaredTrial, folder: Path) -> pd.DataFrame:
    """Return how many numbers of card and disease model have each label, by source.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    folder : Path
        Of the protocol: the path of a card is relative to it.

    Returns
    -------
    DataFrame
        One row a part and source: ``part``, ``source``, and a column a label. Without a row where the trial
        has neither.
    """
    rows: list[tuple[str, str, str, int]] = []
    if trial.population is not None and trial.population.card is not None:
        card = read_card(folder / trial.population.card)
        rows += [
            (f"Cohort card {card.name}", card.sources[one.source].citation, one.evidence, 1)
            for one in _numbers_of(card)
        ]
    course = trial.outcome.course
    if isinstance(course, ModelCourse):
        model = disease_model(course.model, **course.options)
        rows += [
            (
                f"Disease model {model.name}",
                one.source,
                one.evidence,
                len(one) if isinstance(one, Table) else 1,
            )
            for one in model.parameters.values()
        ]
    columns = ["part", "source", *LABELS]
    if not rows:
        return pd.DataFrame(columns=columns)
    frame = pd.DataFrame(rows, columns=["part", "source", "label", "numbers"])
    wide = frame.pivot_table(
        index=["part", "source"], columns="label", values="numbers", aggfunc="sum", sort=False, fill_value=0
    )
    return wide.reindex(columns=list(LABELS), fill_value=0).astype(int).reset_index()[columns]


def _numbers_of(value: object) -> Iterator[Number]:
    """Yield every number with a provenance that a card holds, at any depth."""
    if isinstance(value, Number):
        yield value
    elif isinstance(value, CohortCard) or hasattr(value, "__pydantic_fields__"):
        for name in type(value).__pydantic_fields__:
            yield from _numbers_of(getattr(value, name))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _numbers_of(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _numbers_of(one)

"""Every result of an offered function shows itself in a notebook, and gives its numbers as a table."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import trialsim as ts
from trialsim.data import Covariates, Twins
from trialsim.lazy import offers
from trialsim.notebook import InNotebook, axes_of

# What functions return to be handed on: questions, rules, laws and plans, not results.
HANDED_ON = {
    "Adjustment", "AdjustmentPrior", "BundledTrial", "Copula", "DeclaredPlan", "DeclaredSums", "DeclaredWork",
    "DesignKind", "Discontinuation", "Endpoint", "Engine", "Graph", "LogRankLooks", "LogitNormalLaw",
    "MonotoneFit", "NoBorrowing", "NullLibrary", "Point", "QuartileLaw", "RiskCourse", "SitePlan",
    "StageAction", "StepLaw", "TruncatedNormalLaw", "VinePopulation", "VisitEffect",
}  # fmt: skip


def rooms(room: str = "trialsim") -> Iterator[str]:
    yield room
    for home, called in offers(room).values():
        if home == room and hasattr(import_module(f"{room}.{called}"), "__path__"):
            yield from rooms(f"{room}.{called}")


def returned() -> set[type]:
    found = set()
    for room in rooms():
        for name in getattr(import_module(room), "__all__", ()):
            function = getattr(import_module(room), name)
            if inspect.isfunction(function):
                try:
                    kind = typing.get_type_hints(function).get("return")
                except NameError:  # a name that type checkers alone import, none of ours
                    continue
                found |= {one for one in (*typing.get_args(kind), kind) if inspect.isclass(one)}
    return {one for one in found if dataclasses.is_dataclass(one) and one.__module__.startswith("trialsim")}


RESULTS = sorted(returned(), key=lambda one: (one.__module__, one.__name__))


def test_there_are_results() -> None:
    assert len(RESULTS) > 100
    assert {one.__name__ for one in RESULTS} >= HANDED_ON


@pytest.mark.parametrize("result", [one for one in RESULTS if one.__name__ not in HANDED_ON])
def test_a_result_shows_itself_and_gives_its_numbers(result: type) -> None:
    assert issubclass(result, InNotebook), f"give {result.__name__} the base InNotebook"
    assert callable(getattr(result, "frames", None) or result.to_frame)
    given = inspect.signature(result.to_frame).parameters
    assert all(one.default is not one.empty for name, one in given.items() if name != "self")


@pytest.mark.parametrize("result", [one for one in RESULTS if hasattr(one, "plot")])
def test_a_figure_is_one_of_plotly(result: type) -> None:
    assert str(inspect.signature(result.plot).return_annotation).endswith(
        ("go.Figure", "-> Figure", "Figure")
    )


def test_a_size_is_a_row_and_a_table_in_a_notebook() -> None:
    size = ts.size(0.5, 1.0)
    assert size.to_frame()["controls"].to_list() == [size.controls]
    assert f"<td>{size.controls}</td>" in size._repr_html_()


def test_axes_have_the_names_of_the_docstring() -> None:
    twins = Twins(np.array([4.0, 8.0]), np.zeros((5, 2)), np.ones((5, 2)), np.zeros((5, 2, 7)))
    assert dict(twins.to_xarray().sizes) == {"visit": 2, "participant": 5, "draw": 7}
    assert twins.to_xarray()["draws"].dims == ("participant", "visit", "draw")
    people = Covariates(("age", "mmse"), np.ones((4, 2)))
    assert people.to_xarray()["values"].dims == ("participant", "covariate")


@pytest.mark.parametrize("result", [one for one in RESULTS if one.__name__ not in HANDED_ON])
def test_axes_are_of_fields_that_exist(result: type) -> None:
    fields = {one.name for one in dataclasses.fields(result)}
    assert set(axes_of(result)) <= fields | set(dir(result)), "the docstring names an array that is not there"


def test_hostile_words_stay_text_and_missing_numbers_are_dashes() -> None:
    @dataclasses.dataclass(frozen=True)
    class Odd(InNotebook):
        """Odd.

        Parameters
        ----------
        name : str
            Name.
        outcomes : ndarray (R, N)
            Outcomes.
        at : ndarray (R,)
            Where.
        """

        name: str
        outcomes: np.ndarray
        at: np.ndarray

    odd = Odd("<script>alert(1)</script>", np.zeros((2, 3)), np.array([1.0, np.nan]))
    page = odd._repr_html_()
    assert "<script>" not in page
    assert "<td>–</td>" in page
    assert odd.to_xarray().sizes == {"replicate": 2, "participant": 3}
    pd.testing.assert_frame_equal(odd.to_frame(), pd.DataFrame({"name": [odd.name] * 2, "at": odd.at}))

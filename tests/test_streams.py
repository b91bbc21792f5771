"""Streams are keyed by names; their first values never change."""

from __future__ import annotations

import pytest

from trialsim.streams import COMPONENTS, stream, stream_key

# First standard normal of stream(20261121, "alternative", 2, component). A change here changes every result
# that was ever reported: it needs a new FORMAT_TAG.
GOLDEN: dict[str, float] = {
    "history": 0.09369813769832193,
    "register": 2.0980082692050517,
    "disease": -0.4951229543847176,
    "recruitment": -0.3291889656933419,
    "enrolment": 1.2624052165697137,
    "randomisation": -1.4046342032435404,
    "outcome": 0.35902405428516393,
    "dropout": -0.586530447931794,
    "twins": -0.6477818150148165,
    "folds": -1.05763166827719,
    "bootstrap": -0.5289037672355204,
    "fit": 0.3881691363184665,
    "imputation": -0.5661869098876519,
    "analysis": -1.2255680625880874,
}


@pytest.mark.parametrize("component", COMPONENTS)
def test_first_value_of_every_component_is_pinned(component: str) -> None:
    assert stream(20261121, "alternative", 2, component).standard_normal() == GOLDEN[component]


def test_every_name_matters() -> None:
    keys = {
        stream_key(1, "a", 0, "outcome"),
        stream_key(2, "a", 0, "outcome"),
        stream_key(1, "b", 0, "outcome"),
        stream_key(1, "a", 1, "outcome"),
        stream_key(1, "a", 0, "dropout"),
    }
    assert len(keys) == 5


def test_names_cannot_run_into_each_other() -> None:
    assert stream_key(1, "1", 1, "outcome") != stream_key(11, "", 1, "outcome")


@pytest.mark.parametrize(
    ("seed", "block", "component"), [(-1, 0, "outcome"), (0, -1, "outcome"), (0, 0, "x")]
)
def test_impossible_names_are_refused(seed: int, block: int, component: str) -> None:
    with pytest.raises(ValueError, match=r"component|at least 0"):
        stream_key(seed, "", block, component)

"""The ledger finds an analysis right for the estimand it aims at, and wrong for the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis.simulated.visits import ancova_all_observed, mmrm_on_treatment
from trialsim.errors import DesignError
from trialsim.study.designs.ledger import estimand_ledger, usual_analyses
from trialsim.trial import DiscontinuationCause, IntercurrentEvent, LongitudinalWorld, VisitEffect

EFFECT = VisitEffect(np.array([0.0, -1.0, -3.0]))
COVARIANCE = 25 * (0.6 + 0.4 * np.eye(3))


def world(cause: DiscontinuationCause, observed: float = 1.0, gaps: float = 0.0) -> LongitudinalWorld:
    event = IntercurrentEvent(cause, "lost", observed=observed)
    return LongitudinalWorld((12.0, 24.0), np.zeros(3), COVARIANCE, EFFECT, (event,), gaps=gaps, failure=10.0)


def ledger(it: LongitudinalWorld, replicates: int = 2000, **options: object) -> pd.DataFrame:
    settings = {"replicates": replicates, "seed": 20261121, "scenario": "test", "participants": 100_000}
    found = estimand_ledger(it, 60, 60, **(settings | options))  # type: ignore[arg-type]  # test options
    return found.set_index(["estimand", "analysis"])


AT_RANDOM = DiscontinuationCause("lack of efficacy", (0.4, 0.15), previous=0.25)
HIDDEN = DiscontinuationCause("not at random", (0.4, 0.15), current=0.4)


def test_mmrm_is_right_for_the_hypothetical_estimand_under_mar_and_wrong_for_treatment_policy() -> None:
    found = ledger(world(AT_RANDOM), analyses={"mmrm": mmrm_on_treatment})
    right, wrong = found.loc["hypothetical", "mmrm"], found.loc["treatment_policy", "mmrm"]
    assert abs(right["bias"]) < 4 * right["bias_mcse_with_truth"]
    assert abs(right["coverage"] - 0.95) < 4 * right["coverage_mcse"]
    assert abs(wrong["bias"]) > 4 * wrong["bias_mcse_with_truth"]
    assert wrong["rejection_rate"] == right["rejection_rate"]


def test_mmrm_is_wrong_for_the_hypothetical_estimand_under_mnar() -> None:
    row = ledger(world(HIDDEN), analyses={"mmrm": mmrm_on_treatment}).loc["hypothetical", "mmrm"]
    assert abs(row["bias"]) > 4 * row["bias_mcse_with_truth"]


def test_analysing_everyone_is_right_for_treatment_policy_where_everyone_is_retrieved() -> None:
    found = ledger(world(AT_RANDOM), analyses={"all": ancova_all_observed})
    row = found.loc["treatment_policy", "all"]
    assert abs(row["bias"]) < 4 * row["bias_mcse_with_truth"]
    assert abs(row["coverage"] - 0.95) < 4 * row["coverage_mcse"]
    assert abs(found.loc["hypothetical", "all"]["bias"]) > 4 * row["bias_mcse_with_truth"]


def test_each_usual_analysis_is_right_for_the_estimand_that_it_names() -> None:
    found = ledger(world(AT_RANDOM), 1000)
    for estimand, analysis in (
        ("hypothetical", "mmrm, on treatment"),
        ("treatment_policy", "mmrm, all observed"),
        ("while_on_treatment", "ancova, last on treatment"),
        ("composite", "ancova, composite"),
        # What is lost on treatment runs as on control: jump to reference aims at treatment policy here.
        ("treatment_policy", "ancova, all observed"),
    ):
        row = found.loc[estimand, analysis]
        assert abs(row["bias"]) < 4 * row["bias_mcse_with_truth"], (estimand, analysis)
    assert (found["replicates"] == 1000).all()
    assert set(found.index.get_level_values("analysis")) == set(usual_analyses(world(AT_RANDOM)))


def test_the_same_names_give_the_same_ledger_and_gaps_send_mmrm_to_newton() -> None:
    it = world(AT_RANDOM, observed=0.3, gaps=0.05)
    one = ledger(it, 60, participants=2000, block=25)
    two = ledger(it, 60, participants=2000, block=25)
    pd.testing.assert_frame_equal(one, two)
    assert (one["failed"] == 0).all()
    assert "jump to reference" not in one.index.get_level_values("analysis")


def test_failures_are_counted_by_name() -> None:
    everyone = DiscontinuationCause("x", (0.98, 0.98))
    found = estimand_ledger(
        world(everyone, observed=0.0), 3, 3, replicates=40, seed=1, scenario="small",
        analyses={"mmrm": mmrm_on_treatment}, strategies=["hypothetical"], participants=500,
    )  # fmt: skip
    assert found["failed"].item() > 30
    assert found["failures"].item()


@pytest.mark.parametrize("sizes", [(0, 5, 10), (5, 5, 0)])
def test_an_empty_ledger_is_refused(sizes: tuple[int, int, int]) -> None:
    controls, active, replicates = sizes
    with pytest.raises(DesignError):
        estimand_ledger(world(AT_RANDOM), controls, active, replicates=replicates, seed=1, scenario="none")

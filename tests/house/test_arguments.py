"""Arguments: plain lists serve wherever arrays do, and swapped ones are named."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trialsim as ts
from trialsim.analysis.borrowing import NormalMixture, normal_borrowing_estimates
from trialsim.analysis.linear import fit_linear, model_based_type_one_error
from trialsim.analysis.multiplicity import Graph, bonferroni_holm_graph
from trialsim.analysis.survival import log_rank_block
from trialsim.design.borrowing import vague_weight_from_calibration
from trialsim.design.group_sequential import adapted_bounds
from trialsim.design.sizes import MeansQuestion
from trialsim.errors import InputError
from trialsim.population import CohortCard, nearest_correlation, systematic_resample
from trialsim.prognosis.living import in_sample_r2
from trialsim.prognosis.transport import kish
from trialsim.prognosis.validation import leave_one_out_r2
from trialsim.trial import VisitEffect
from trialsim.trial.allocation import reallocate
from trialsim.trial.intercurrent_events import constant_hazard_dropout
from trialsim.trial.interim import intersection_score, predictive_table, probability_best
from trialsim.trial.outcomes import gompertz_of_course

Shape = Callable[[Any], Any]
ARM = [[0, 1, 1, 0]]
CLOSE = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]
NARROW, VAGUE = NormalMixture((1.0,), (0.0,), (1.0,)), NormalMixture((1.0,), (0.0,), (10.0,))
SHIFT = VisitEffect([1.0, 1.0])


def chance() -> np.random.Generator:
    return np.random.default_rng(1)


CALLS: dict[str, Callable[[Shape], Any]] = {
    "holm": lambda a: ts.analysis.holm(a([0.01, 0.02, 0.03])),
    "hochberg": lambda a: ts.analysis.hochberg(a([0.01, 0.02, 0.03])),
    "fixed_sequence": lambda a: ts.analysis.fixed_sequence(a([0.01, 0.02, 0.03])),
    "Graph": lambda a: Graph(a([0.5, 0.5]), a([[0, 1], [1, 0]])).rejects(a([0.01, 0.02]), 0.05),
    "bonferroni_holm_graph": lambda a: bonferroni_holm_graph(2, a([0.4, 0.6])).adjusted(a([0.01, 0.2])),
    "normal_borrowing_estimates": lambda a: (
        normal_borrowing_estimates((a([1.0, 2.0]), 0.3), (a([0.5, 0.5]), 0.3), VAGUE, NARROW).estimate
    ),
    "fit_linear": lambda a: fit_linear(a([[1.0, 2.0, 4.0, 3.0]]), a(ARM)).estimate,
    "model_based_type_one_error": lambda a: model_based_type_one_error(a([1.0]), a([2.0]), a([0.3])),
    "log_rank_block": lambda a: log_rank_block(a([[1, 2, 3, 4]]), a([[1, 1, 0, 1]]), a(ARM)).estimate,
    "vague_weight_from_calibration": lambda a: vague_weight_from_calibration(a([0.1, -0.2]), a([0.1, 0.1])),
    "adapted_bounds": lambda a: adapted_bounds(a([[0.5, 1.0]]), ts.design.OBrienFlemingSpending(), 0.025)[0],
    "nearest_correlation": lambda a: nearest_correlation(a(CLOSE), a(np.ones((3, 3)).tolist())),
    "systematic_resample": lambda a: systematic_resample(a([0.2, 0.3, 0.5]), 10, chance()),
    "in_sample_r2": lambda a: in_sample_r2(a([1.0, 2.0, 4.0, 3.0]), a([[1.0], [2.0], [3.0], [5.0]])),
    "leave_one_out_r2": lambda a: leave_one_out_r2(a([1.0, 2.0, 4.0, 3.0]), a([[1.0], [2.0], [3.0], [5.0]])),
    "kish": lambda a: kish(a([1.0, 2.0])),
    "reallocate": lambda a: reallocate(a(ARM), a([2]), a([[True, True]]), (1, 1), chance()),
    "intersection_score": lambda a: intersection_score(
        a([[1.0, 2.0]]), a([[9.0, 9.0]]), a([[True, True]]), "simes"
    ),
    "predictive_table": lambda a: predictive_table(2, 4, a(np.tri(5, dtype=bool).tolist())),
    "probability_best": lambda a: probability_best(a([[3.0, 5.0]]), a([[10.0, 10.0]])),
    "constant_hazard_dropout": lambda a: constant_hazard_dropout(a(ARM), a([[0.1], [0.2]]), 52.0, chance()),
    "minimise": lambda a: ts.trial.minimise(a([[[0, 1], [1, 1]]]), [1, 1], chance()),
    "stop_at_bounds": lambda a: ts.trial.stop_at_bounds(a([[1.0, 2.5]]), a([2.9, 2.0])).look,
    "binary_outcomes": lambda a: ts.trial.binary_outcomes(a(ARM), a([0.2, 0.3]), chance()),
    "count_outcomes": lambda a: ts.trial.count_outcomes(a(ARM), a([0.2, 0.3]), 1.0, 0.0, chance()),
    "ordinal_outcomes": lambda a: ts.trial.ordinal_outcomes(a(ARM), a([0.2, 0.8]), a([0.0, 0.3]), chance()),
    "recurrent_events": lambda a: ts.trial.recurrent_events(a(ARM), a([0.2, 0.3]), 1.0, 0.0, chance())[0],
    "normal_outcomes": lambda a: ts.trial.normal_outcomes(
        a(ARM), a([0.0, 1.0]), a([[1.0, 0.5], [0.5, 1.0]]), (SHIFT,), chance()
    ),
    "gompertz_of_course": lambda a: gompertz_of_course(a([0.1]), 0.1, 0.2, a([1.0]), a([0.1])),
}


@pytest.mark.parametrize("name", CALLS)
def test_lists_give_what_arrays_give(name: str) -> None:
    np.testing.assert_array_equal(CALLS[name](lambda values: values), CALLS[name](np.array))


def test_one_trial_and_many_have_the_same_adjusted_p_values() -> None:
    one = ts.analysis.holm([0.01, 0.02, 0.03])
    assert one.tolist() == [0.03, 0.04, 0.04]
    assert ts.analysis.holm([[0.01, 0.02, 0.03]]).tolist() == [one.tolist()]


MEANS = MeansQuestion(0.5)
CARD = ts.read_card("cohorts/alzheimers_early.toml")
SWAPPED: dict[str, tuple[Callable[[], Any], str]] = {
    "means_size": (lambda: ts.design.means_size(0.9, MEANS), "question"),  # type: ignore[arg-type]
    "power_of_means": (lambda: ts.design.sizes.power_of_means(MEANS, 100), "question"),  # type: ignore[arg-type]
    "size_for_power": (
        lambda: ts.size_for_power(
            ts.design.SizingQuestion(0.3),
            "ancova",
            ts.design.PlanningMoments((1, 1), (0, 0), (0, 0)),  # type: ignore[arg-type]
        ),
        "moments",
    ),
    "draw_covariates": (lambda: ts.draw_covariates(10, CARD, chance()), "card"),  # type: ignore[arg-type]
    "draw_eligible": (lambda: ts.population.draw_eligible(CARD, [], 10, chance()), "n"),  # type: ignore[arg-type]
    "draw_calibrated": (lambda: ts.population.draw_calibrated(CARD, chance(), 10), "n"),  # type: ignore[arg-type]
    "conditional_power": (
        lambda: ts.design.conditional_power(1, ts.design.group_sequential_design([0.5, 1]), 1.0),  # type: ignore[arg-type]
        "design",
    ),
    "log_rank_block": (lambda: log_rank_block([[1, 0]], [[3, 4]], [[0, 1]]), "event"),
    "fit_linear": (lambda: fit_linear([ARM[0]], [[1.0, 2.0, 4.0, 3.0]]), "arm"),
}


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped_arguments_are_named(name: str) -> None:
    call, field = SWAPPED[name]
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.field == field


def test_an_integer_of_numpy_is_an_integer() -> None:
    assert isinstance(CARD, CohortCard)
    assert len(ts.draw_covariates(CARD, np.int64(3), chance())) == 3


def test_the_everyday_size_is_that_of_the_whole_question() -> None:
    moments = ts.design.PlanningMoments((2.0, 2.0), (0.4, 0.4), (0.3, 0.3))
    question = ts.design.SizingQuestion(0.9, power=0.8, allocation=(1 / 3, 2 / 3), dropout=(0.1, 0.2))
    asked: dict[str, Any] = {"power": 0.8, "allocation": (1 / 3, 2 / 3), "dropout": (0.1, 0.2)}
    whole = ts.size(0.9, 2.0, baseline_correlation=0.4, partial_correlation=0.3, **asked)
    assert whole == ts.size_for_power(moments, "prognostic", question)
    assert ts.size(0.9, 2.0, baseline_correlation=0.4, **asked) == ts.size_for_power(
        moments, "ancova", question
    )
    assert ts.size(0.9, 2.0, **asked) == ts.size_for_power(moments, "unadjusted", question)

"""Every public function says what it takes and gives, and shows it: Parameters, Returns, Examples."""

import inspect
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

import trialsim
from trialsim.lazy import offers

# Functions without an example, by the reason. Each has a test.
FITTED = "samples a posterior, which compiles a model for a minute"
STUDIED = "needs the result of a whole study"
RECORDED = "needs a bundle with its record of replicates"
DECLARED = "needs the plan or the register of a declared trial, as docs/trials.md shows it"
BLOCK = "is a step of characteristics, whose example shows it"
STARTED = "needs a file of past placebo participants, of which `trialsim new` writes a protocol"
OPTIONAL = "needs an optional package"
WITHOUT_EXAMPLE = {
    "trialsim.prognosis.twins.fitting.fit_prognosis": FITTED,
    "trialsim.prognosis.twins.outcome.fit_outcome": FITTED,
    "trialsim.prognosis.validation.longitudinal.cross_validate": FITTED,
    "trialsim.prognosis.validation.outcome.validate_outcome": FITTED,
    "trialsim.prognosis.living.update_value.value_of_updating": FITTED,
    "trialsim.prognosis.living.refit_comparison.compare_with_refit": FITTED,
    "trialsim.study.control_arm.cards_varied.card_sensitivity": STUDIED,
    "trialsim.study.control_arm.facts.facts_of_world": DECLARED,
    "trialsim.study.control_arm.months_and_money.time_and_cost": STUDIED,
    "trialsim.report.trial_page.write_twins_report": FITTED,
    "trialsim.study.validation.validate.validate_twins": FITTED,
    "trialsim.study.control_arm.plan.control_arm_of": FITTED,
    "trialsim.study.control_arm.plan.sizes_at_the_model": STUDIED,
    "trialsim.study.control_arm.risk_over_drift.borrowing_risk": STUDIED,
    "trialsim.study.control_arm.together.supplementary_analyses": STUDIED,
    "trialsim.study.people.learning.learn_twins": FITTED,
    "trialsim.study.bundles.of_declared_trial.write_inputs": RECORDED,
    "trialsim.study.bundles.of_declared_trial.write_tables": RECORDED,
    "trialsim.study.bundles.opening.open_bundle": RECORDED,
    "trialsim.study.bundles.replay.replay_blocks": RECORDED,
    "trialsim.study.bundles.replay_declared.replay_declared_trial": RECORDED,
    "trialsim.report.trial_page.write_trial_report": RECORDED,
    "trialsim.report.guidances.page.write_guidances": RECORDED,
    "trialsim.study.bundles.of_declared_trial.declared_work": DECLARED,
    "trialsim.study.declared.block.run_declared_block": DECLARED,
    "trialsim.study.declared.cells.plan_trial": DECLARED,
    "trialsim.study.declared.result.declared_result": DECLARED,
    "trialsim.study.running.estimate.estimate_work": DECLARED,
    "trialsim.study.running.simulation.run_cells": DECLARED,
    "trialsim.study.starting.checking.check_start": STARTED,
    "trialsim.study.starting.looking.look_at": STARTED,
    "trialsim.study.starting.page.protocol_text": STARTED,
    "trialsim.population.individual_data.release.private_release": OPTIONAL,
    "trialsim.population.individual_data.vine.fit_vine": OPTIONAL,
    "trialsim.study.designs.longitudinal_trials.ancova_at_last_visit": BLOCK,
    "trialsim.study.designs.longitudinal_trials.mmrm_at_last_visit": BLOCK,
    "trialsim.study.designs.longitudinal_trials.simulate_longitudinal_block": BLOCK,
    "trialsim.study.designs.survival_plan.run_survival_block": BLOCK,
}


def functions() -> dict[str, Callable[..., Any]]:
    """Every function that a door offers, by where it stands."""
    rooms = ["trialsim"]
    rooms += [found.name for found in pkgutil.walk_packages(trialsim.__path__, "trialsim.") if found.ispkg]
    found: dict[str, Callable[..., Any]] = {}
    for room in rooms:
        if room.startswith("trialsim.cli"):
            continue
        for module, called in offers(room).values():
            thing = None if module == room else getattr(import_module(module), called)
            if inspect.isfunction(thing) and thing.__module__.startswith("trialsim."):
                found[f"{thing.__module__}.{thing.__qualname__}"] = thing
    return found


FUNCTIONS = functions()


def has(docstring: str, section: str) -> bool:
    return re.search(rf"^{section}\n-{{{len(section)}}}$", docstring, re.MULTILINE) is not None


def missing(function: Callable[..., Any]) -> list[str]:
    """The sections that a function should have and has not."""
    docstring, signature = inspect.getdoc(function) or "", inspect.signature(function)
    gives = signature.return_annotation not in (None, "None")
    lacks = []
    if signature.parameters and not has(docstring, "Parameters"):
        lacks.append("Parameters")
    if gives and not has(docstring, "Returns") and not has(docstring, "Yields"):
        lacks.append("Returns")
    if not has(docstring, "Examples") or ">>> " not in docstring:
        lacks.append("Examples")
    return lacks


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_it_takes_and_gives_and_shows_it(name: str) -> None:
    allowed = {"Examples"} if name in WITHOUT_EXAMPLE else set()
    assert set(missing(FUNCTIONS[name])) <= allowed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_named(name: str) -> None:
    docstring = inspect.getdoc(FUNCTIONS[name]) or ""
    section = docstring.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    heads = [line.split(" : ")[0] for line in section.splitlines() if line and not line.startswith(" ")]
    named = {one.strip(" *") for head in heads for one in head.split(",")}
    assert set(inspect.signature(FUNCTIONS[name]).parameters) <= named


def test_no_exemption_is_out_of_date() -> None:
    assert not WITHOUT_EXAMPLE.keys() - FUNCTIONS.keys()
    assert not [name for name in WITHOUT_EXAMPLE if "Examples" not in missing(FUNCTIONS[name])]


def test_a_function_without_sections_is_found() -> None:
    def bare(data: int) -> int:
        """Return what it got."""
        return data

    assert missing(bare) == ["Parameters", "Returns", "Examples"]

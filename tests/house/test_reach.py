"""No code is kept for its tests alone: a command, the front door or a registry reaches every function."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_rooms import ROOT, modules, parsed
from trialsim.disease.registry import _OWN as DISEASES
from trialsim.protocol.declared.design_kinds import design_kinds
from trialsim.protocol.declared.endpoints import endpoints
from trialsim.registry import estimators
from trialsim.registry.simulated import SIMULATED

Definition = tuple[str, str]
DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

# What nobody on the way needs, and why it is kept.
_BLOCK = "a command's analysis over thousands of trials, by which simulation proves it"
_ENGINE = "docs/trial_engine.md: plans that a program runs by itself"
_MODEL = "the model as PyMC states it, by which the compiled density is proved"
_KINETICS = "docs/diseases.md: what models of other drugs are made of"
KEPT: dict[Definition, str] = {
    ("trialsim.study.bundles.alone.main", "main"): "copied into every bundle as its verify.py",
    ("trialsim.disease.pharmacology.interactions", "exposure_ratio"): _KINETICS,
    ("trialsim.disease.pharmacology.bench_prior", "BenchPrior"): "docs/diseases.md: a bench value as prior",
    ("trialsim.disease.pharmacology.bench_prior", "bench_prior"): "docs/diseases.md: a bench value as prior",
    ("trialsim.disease.pharmacology.kinetics", "absorbed"): _KINETICS,
    ("trialsim.disease.pharmacology.kinetics", "absorbed_into_two"): _KINETICS,
    ("trialsim.disease.pharmacology.kinetics", "repeated"): _KINETICS,
    ("trialsim.prognosis.fit.model", "build_model"): _MODEL,
    ("trialsim.prognosis.fit.model", "log_marginal_likelihood"): _MODEL,
    ("trialsim.prognosis.validation.other_models", "out_of_fold"): "docs/trials.md: any library's model",
    ("trialsim.registry.registered", "register"): "CONTRIBUTING.md: an estimator of one session",
    ("trialsim.disease.registry", "register"): "CONTRIBUTING.md: a disease model of one session",
    ("trialsim.study.designs.sequential_block", "characteristics_of"): _ENGINE,
    ("trialsim.study.designs.survival_plan", "survival_group_sequential"): _ENGINE,
    ("trialsim.study.designs.rule_plans", "ThompsonPlan"): _ENGINE,
    (
        "trialsim.design.group_sequential.levels",
        "graph_over_looks",
    ): "docs/trials.md: the graph of z statistics",
    ("trialsim.analysis.borrowing.tabulated_prior", "normal_on_link"): "a tabulated prior from two numbers",
    ("trialsim.analysis.borrowing.two_sample_characteristics", "NormalBorrowingDesign"): _BLOCK,
    ("trialsim.analysis.borrowing.two_sample_characteristics", "normal_borrowing_estimates"): _BLOCK,
    ("trialsim.analysis.competing_risks.gray", "gray_test_block"): _BLOCK,
    ("trialsim.analysis.competing_risks.incidence", "cumulative_incidence_block"): _BLOCK,
    ("trialsim.analysis.imputation.block", "tipping_point_block"): _BLOCK,
    ("trialsim.analysis.linear.twin_weights", "fit_twin_weighted"): _BLOCK,
    ("trialsim.analysis.repeated_measures.closed_form.block", "fit_monotone"): _BLOCK,
    ("trialsim.analysis.repeated_measures.closed_form.block", "monotone_moments"): _BLOCK,
    ("trialsim.analysis.survival.looks", "log_rank_looks"): _BLOCK,
    ("trialsim.analysis.survival.milestone", "milestone_survival_block"): _BLOCK,
}


class Reach:
    """Which definitions (module, name) of the package use which others, by name.

    A class is one definition: whoever uses it uses its methods. Names are followed through doors and imports.
    """

    def __init__(self, files: dict[str, Path]) -> None:
        self.files = files
        self.imported = {name: _imported(parsed(path)) for name, path in files.items()}
        self.defined: dict[Definition, list[ast.stmt]] = defaultdict(list)
        self.executed: dict[str, list[ast.stmt]] = defaultdict(list)
        for module, path in files.items():
            for line in parsed(path).body:
                names = _names_of(line)
                for name in names:
                    self.defined[module, name].append(line)
                if not names and not (path.name == "__init__.py" and isinstance(line, ast.If)):
                    self.executed[module].append(line)

    def home(self, module: str, name: str) -> Definition | None:
        """Return where a name that a module uses is defined; ``(module, "")`` if it is a module."""
        seen = set()
        while (module, name) not in seen:
            seen.add((module, name))
            if (module, name) in self.defined:
                return module, name
            if f"{module}.{name}" in self.files:
                return f"{module}.{name}", ""
            if name not in self.imported.get(module, {}):
                return None
            module, name = self.imported[module][name]
            if not name:
                return module, ""
        return None

    def used(self, module: str, line: ast.AST) -> Iterator[Definition]:
        """Yield what a piece of a module uses."""
        for node in ast.walk(line):
            if isinstance(node, ast.Name | ast.Attribute):
                found = self.followed(module, node)
                if found:
                    yield found

    def followed(self, module: str, node: ast.expr) -> Definition | None:
        """Return what ``a.b.c`` is, as far as it goes through modules."""
        if isinstance(node, ast.Name):
            return self.home(module, node.id)
        if isinstance(node, ast.Attribute):
            room = self.followed(module, node.value)
            return self.home(room[0], node.attr) if room and not room[1] else None
        return None

    def unreached(self, starts: set[Definition]) -> set[Definition]:
        """Return functions and classes that nobody on the way from `starts` uses."""
        ahead, seen, opened = list(starts), set(), set()
        while ahead:
            one = ahead.pop()
            if one in seen:
                continue
            seen.add(one)
            lines = list(self.defined.get(one, []))
            if one[0] not in opened:
                opened.add(one[0])
                lines += self.executed[one[0]]
            ahead += [used for line in lines for used in self.used(one[0], line)]
        functions = {
            one
            for one, lines in self.defined.items()
            if one[0].startswith("trialsim") and any(isinstance(line, DEFINED) for line in lines)
        }
        return functions - seen


def _imported(tree: ast.Module) -> dict[str, Definition]:
    """Return what a module calls others' names, wherever in it they are imported."""
    found: dict[str, Definition] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {one.asname or one.name: (node.module, one.name) for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.asname: (one.name, "") for one in node.names if one.asname}
    return found


def _names_of(line: ast.stmt) -> list[str]:
    """Return what a line at the top of a module defines; a list of what the module offers is no use of it."""
    if isinstance(line, DEFINED):
        return [line.name]
    if isinstance(line, ast.Assign | ast.AnnAssign):
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return []


def programs() -> dict[str, Path]:
    """Return the modules of the package, and those of the benchmarks."""
    return modules() | {f"benchmarks.{path.stem}": path for path in (ROOT / "benchmarks").rglob("*.py")}


def starts(reach: Reach) -> set[Definition]:
    """Return where users come in: commands, the front door, benchmarks, and what a file or a method names."""
    commands = {one for one in reach.defined if one[0].startswith("trialsim.cli")}
    front = {reach.home("trialsim", name) for name in reach.imported["trialsim"]}
    named = [one.function for one in estimators()]
    named += [where for _, one in SIMULATED for where in (one.function, one.truth, one.looks)]
    named += [one.carried for one in endpoints()]
    named += [where for one in design_kinds() for where in (one.read, one.stages)]
    named += [f"trialsim.disease.{where}" for where in DISEASES.values()]
    timed = {one for one in reach.defined if one[0].startswith("benchmarks")}
    by_name = {reach.home(*where.split(":")) for where in named if isinstance(where, str) and ":" in where}
    return {one for one in commands | front | timed | by_name if one}


def test_every_function_is_reached_by_a_command_the_front_door_or_a_registry() -> None:
    reach = Reach(programs())
    unreached = reach.unreached(starts(reach) | set(KEPT))
    assert not sorted(f"{module}.{name}" for module, name in unreached), (
        "let a command use these, or delete them with their tests"
    )


def test_what_is_kept_by_a_reason_is_reached_by_nobody_else() -> None:
    reach = Reach(programs())
    assert KEPT.keys() <= reach.unreached(starts(reach))

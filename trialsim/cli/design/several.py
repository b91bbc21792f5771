"""``trialsim design graph``: several hypotheses in one trial."""

from __future__ import annotations

from typing import Any

import click

from trialsim.cli.design.answer import Answer, answers
from trialsim.cli.design.options import NUMBERS, Numbers

TRIALS = 100_000


class Rows(click.ParamType[tuple[tuple[float, ...], ...]]):
    """Rows of numbers: commas between numbers, semicolons between rows, such as 0,1;1,0."""

    name = "rows"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[float, ...], ...]:
        """Return the rows of a text."""
        if isinstance(value, tuple):
            return value
        return tuple(Numbers().convert(row, param, ctx) for row in str(value).split(";"))


class Groups(click.ParamType[tuple[tuple[tuple[int, ...], str], ...]]):
    """Groups of hypotheses and their tests, such as 1,2:simes;3,4:bonferroni."""

    name = "groups"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[tuple[int, ...], str], ...]:
        """Return positions from 0 and the test of each group."""
        if isinstance(value, tuple):
            return value
        try:
            parts = [part.split(":") for part in str(value).split(";")]
            return tuple((tuple(int(j) - 1 for j in who.split(",")), test.strip()) for who, test in parts)
        except ValueError:
            self.fail(
                f"{value!r} names no groups. Mend: write hypotheses:test, such as 1,2:simes;3:bonferroni"
            )


@click.command()
@click.option(
    "--weights",
    type=NUMBERS,
    required=True,
    help="Share of alpha that each hypothesis has at the start, such as 0.5,0.5,0,0; at most 1 together.",
)
@click.option(
    "--transitions",
    type=Rows(),
    required=True,
    help="One row a hypothesis, rows parted by semicolons: the shares of its alpha "
    "that go to the others when it is rejected.",
)
@click.option(
    "--p-values",
    type=NUMBERS,
    help="One-sided p value of each hypothesis: gives adjusted p values, and what is rejected.",
)
@click.option(
    "--groups", type=Groups(),
    help="How hypotheses are tested together: bonferroni, simes or parametric. Default: bonferroni.",
)  # fmt: skip
@click.option(
    "--marginal-powers", type=NUMBERS,
    help="Power of each test alone at the whole alpha: gives the power of the graph, " "by simulation.",
)  # fmt: skip
@click.option(
    "--correlation",
    type=Rows(),
    help="Correlation of the test statistics, rows parted by semicolons.  [default: independent]",
)
@click.option("--alpha", type=click.FloatRange(0, 0.5, True, True), default=0.025, show_default=True,
              help="One-sided family-wise level.")  # fmt: skip
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=TRIALS,
    show_default=True,
    help="Simulated trials behind the power.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the random numbers.")
@answers
def graph(
    weights: tuple[float, ...],
    transitions: tuple[tuple[float, ...], ...],
    p_values: tuple[float, ...] | None,
    groups: tuple[tuple[tuple[int, ...], str], ...] | None,
    marginal_powers: tuple[float, ...] | None,
    correlation: tuple[tuple[float, ...], ...] | None,
    alpha: float,
    trials: int,
    seed: int,
) -> Answer:
    """Test several hypotheses by a graph that keeps the family-wise error, or find its power.

    \b
    Example, two primary endpoints that pass their alpha on to two secondary ones:
      trialsim design graph --weights 0.5,0.5,0,0 \\
        --transitions "0,0.5,0.5,0;0.5,0,0,0.5;0,1,0,0;1,0,0,0" \\
        --p-values 0.01,0.005,0.03,0.01 --marginal-powers 0.9,0.9,0.8,0.8
    """
    import numpy as np

    from trialsim.analysis.multiplicity import Graph, graph_power
    from trialsim.errors import DesignError

    if p_values is None and marginal_powers is None:
        raise DesignError(
            "says nothing to find", field="--p-values", mend="give --p-values, --marginal-powers or both"
        )
    made = Graph(np.array(weights), _matrix(transitions))
    together = np.eye(len(made)) if correlation is None else _matrix(correlation)
    tables = {}
    if p_values is not None:
        tables["Hypotheses"] = _tested(made, p_values, groups, together, alpha)
    if marginal_powers is not None:
        found = graph_power(made, marginal_powers, alpha, together, trials, seed)
        tables[f"Power by the sequential test, {trials:,} trials"] = found.to_frame()
    headline = f"{len(made)} hypotheses, one-sided family-wise alpha {alpha:g}."
    note = None
    if groups is not None and marginal_powers is not None:
        note = "The power is that of Bonferroni's tests: Simes and parametric ones reject at least as much."
    return Answer(headline, {}, tables, note)


def _tested(made: Any, p_values: Any, groups: Any, together: Any, alpha: float) -> Any:
    """Return p values, adjusted p values and claims as a frame."""
    import numpy as np
    import pandas as pd

    from trialsim.analysis.multiplicity import GroupTest, closed_test_of_groups

    if groups is None:
        adjusted = made.adjusted(p_values)
    else:
        tests = [
            GroupTest(who, test, together[np.ix_(who, who)] if test == "parametric" else None)
            for who, test in groups
            if _inside(who, len(made))
        ]
        adjusted = closed_test_of_groups(made, tests, p_values)
    return pd.DataFrame(
        {
            "hypothesis": made.names,
            "weight": made.weights,
            "p": np.asarray(p_values, dtype=float),
            "adjusted_p": adjusted,
            "rejected": ["yes" if p <= alpha * (1 + 1e-12) else "no" for p in adjusted],
        }
    )


def _inside(who: tuple[int, ...], m: int) -> bool:
    """Return True, or refuse a hypothesis that the graph has not."""
    from trialsim.errors import DesignError

    if not all(0 <= j < m for j in who):
        raise DesignError(
            "names a hypothesis that is not in the graph", field="--groups",
            value=[j + 1 for j in who], mend=f"count from 1 to {m}",
        )  # fmt: skip
    return True


def _matrix(rows: tuple[tuple[float, ...], ...]) -> Any:
    """Return rows of one length as an array, or refuse them."""
    import numpy as np

    from trialsim.errors import DesignError

    if len({len(row) for row in rows}) != 1:
        raise DesignError(
            "has rows of different lengths", field="--transitions", value=[len(row) for row in rows],
            mend="give each hypothesis a number in every row",
        )  # fmt: skip
    return np.array(rows)

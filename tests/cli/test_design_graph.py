"""``trialsim design graph`` as its user types it."""

from __future__ import annotations

import json

from click.testing import CliRunner

from trialsim.cli.commands import commands

GRAPH = ("graph", "--weights", "0.5,0.5,0,0", "--transitions", "0,0,1,0;0,0,0,1;0,1,0,0;1,0,0,0")


def run(*arguments: str):
    return CliRunner().invoke(commands, ["design", *GRAPH, *arguments])


def test_the_vignettes_graph_says_what_is_rejected_and_its_power() -> None:
    done = run("--p-values", "0.01,0.005,0.03,0.01", "--marginal-powers", "0.9,0.9,0.8,0.8", "--json")
    assert done.exit_code == 0, done.output
    tested, power = json.loads(done.output)["tables"].values()
    assert [row["rejected"] for row in tested] == ["yes", "yes", "no", "yes"]
    assert abs(power[0]["share"] - 0.877) < 0.005


def test_groups_are_read_and_bad_ones_are_refused() -> None:
    done = run("--p-values", "0.01,0.02,0.03,0.04", "--groups", "1,2:simes;3,4:bonferroni")
    assert done.exit_code == 0, done.output
    for groups, words in (
        ("1,2:simes", "must hold each of the 4 hypotheses once"),
        ("1,9:simes;3:simes", "names a hypothesis that is not in the graph"),
        ("1,2,3,4:odd", "is no test of a group"),
    ):
        refused = run("--p-values", "0.01,0.02,0.03,0.04", "--groups", groups)
        assert refused.exit_code != 0
        assert words in str(refused.exception) + refused.output
    assert "says nothing to find" in str(run().exception)

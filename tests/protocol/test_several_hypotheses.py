"""Files with several hypotheses that cannot be: each refusal names the field, the value and the mend."""

from __future__ import annotations

import pytest

from tests.study.declared.several.several_trials import tables, trial_of
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import grid_points, read_trial
from trialsim.protocol.declared.paths import PathError, with_values


def changed(place, **values):
    made = tables()
    table = made
    for step in place:
        table = table[step]
    for name, value in values.items():
        if value is None:
            table.pop(name, None)
        else:
            table[name] = value
    return made


HYPOTHESES = ("hypotheses",)
REFUSED = {
    "weights that do not add up": (changed(("hypotheses", 0), weight=0.7), r"hypotheses.weight: add up to 0.9"),
    "weights above one": (changed(("hypotheses", 0), weight=0.9), r"hypotheses.weight: add up to 1.1"),
    "a cycle that creates alpha": (
        changed(("hypotheses", 0), passes={"os": 0.8, "response": 0.5}), r"passes: passes on 1.3.*creates alpha",
    ),
    "alpha passed to itself": (changed(("hypotheses", 0), passes={"pfs": 0.5}), r"passes alpha to itself"),
    "alpha passed to nobody": (changed(("hypotheses", 0), passes={"qol": 0.5}), r"passes: is no declared hyp"),
    "a gate that can never open": (
        changed(("hypotheses", 0), passes={"os": 1.0}), r"gate that can never open.*response",
    ),
    "a hypothesis that nobody tests": (
        changed(("hypotheses", 1), analyses=["os_cox"]), r"hypotheses.os.analyses: is tested by no declared",
    ),
    "an analysis for nothing": (
        changed(("hypotheses", 2), analyses=["os_log_rank"], planned_events=250), r"analyses: no hypothesis is",
    ),
    "an endpoint twice": (changed(("endpoints", 1), name="pfs"), r"endpoints: an endpoint is named twice.*pfs"),
    "an effect on nothing": (changed(("effects", 0), endpoint="qol"), r"effects.active.endpoint: is no declared"),
    "an effect of no endpoint": (changed(("effects", 0), endpoint=None), r"effects.active.endpoint: is needed"),
    "two effects on one": (changed(("effects", 0), endpoint="os"), r"effects: must name each active arm once"),
    "an arm that is none": (changed(("hypotheses", 0), arm="low"), r"hypotheses.pfs.arm: must be an active arm"),
    "a population that is none": (
        changed(("hypotheses", 0), population={"factor": "sex", "level": "f"}), r"population: is no level",
    ),
    "no dependence": (changed((), dependence=[]), r"dependence: is needed with several endpoints"),
    "a pair twice": (
        changed((), dependence=[{"kind": "copula", "between": pair, "correlation": 0.1}
                                for pair in (["pfs", "os"], ["os", "pfs"])]), r"a pair is named twice",
    ),
    "a death with ties of its own": (
        changed(("dependence", 1), between=["os", "response"]), r"dependence\[1\]: follows from its first event",
    ),
    "ranks with ties": (changed(("dependence", 1), measure="spearman"), r"without ties"),
    "no events planned": (
        changed(("hypotheses", 1), planned_events=None), r"hypotheses.os.planned_events: are needed",
    ),
    "looks that wait for nobody": (changed(("design",), endpoint=None), r"design.endpoint: must name the endp"),
    "looks that wait for a response": (changed(("design",), endpoint="response"), r"design.endpoint: must name"),
    "futility": (changed(("design",), futility={"rule": "lan_demets_obf"}), r"design.futility: is not served"),
    "shapes at unknown information": (
        changed(("design", "efficacy"), rule="pocock"), r"hypotheses.os.efficacy.rule: has no bounds for info",
    ),
    "hochberg over looks": (
        changed((), hypotheses=[{"name": "pfs", "analyses": ["pfs_log_rank"]},
                                {"name": "os", "analyses": ["os_log_rank"], "planned_events": 250},
                                {"name": "response", "analyses": ["response_difference"]}],
                multiplicity={"procedure": "hochberg"}), r"multiplicity.procedure: is a test of one look",
    ),
    "weights of a named procedure": (
        changed(("multiplicity",), procedure="holm"), r"hypotheses.pfs.weight: belongs to a graph",
    ),
    "an end that is none": (changed(("multiplicity",), stop_when=["qol"]), r"multiplicity.stop_when: is no"),
    "leaving one endpoint alone": (
        changed(("discontinuation", 0), by_month=None), r"lost_to_follow_up.by_month: is needed",
    ),
    "no hypotheses": (changed((), hypotheses=[]), r"hypotheses: are needed with several endpoints"),
    "a disease model": (
        changed(("endpoints", 2), probability=None, source=None, course={"kind": "model", "model": "x"}),
        r"endpoints\[2\]: is not served",
    ),
    "a kind that is not served": (
        changed(("endpoints", 2), kind="count", probability=None, direction=None, rate=0.1, dispersion=0.5),
        r"endpoints\[2\]: is not served.*count",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_field_value_and_mend(name):
    made, message = REFUSED[name]
    with pytest.raises(ProtocolError, match=message) as fault:
        trial_of(made)
    assert fault.value.mend


def test_paths_name_effects_by_their_endpoint():
    tables_of = trial_of(tables()).to_dict()
    assert with_values(tables_of, {"effects.os.value": 0.9})["effects"][1]["value"] == 0.9
    assert with_values(tables_of, {"effects.os_active.value": 0.9})["effects"][1]["value"] == 0.9
    with pytest.raises(PathError, match=r"effects.pfs_active or effects.os_active"):
        with_values(tables_of, {"effects.active.value": 0.9})


def test_trials_of_one_endpoint_keep_their_canonical_form():
    one = read_trial("protocols/survival_delayed_effect.toml").to_dict()
    assert not {"hypotheses", "dependence", "multiplicity"} & set(one)
    assert "endpoint" not in one["design"]
    assert all("endpoint" not in row for row in (*one["effects"], *one["analyses"]))


def test_partial_nulls_are_every_set_of_effects():
    points = grid_points(trial_of(tables()))
    assert [one.name for one in points][2:] == [
        f"alternative_no_{gone}"
        for gone in ("pfs", "os", "response", "pfs_os", "pfs_response", "os_response")
    ]
    values = [effect.value for effect in points[6].trial.effects]
    assert values == [1.0, 0.75, 1.0]

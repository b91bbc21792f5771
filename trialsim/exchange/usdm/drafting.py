"""From a USDM study to the draft of a protocol: what it says is written, what it cannot say is left blank."""

from __future__ import annotations

import re
from typing import Any

from trialsim.exchange.usdm.reading import UsdmStudy, inside, key_of, listed, plain_text
from trialsim.protocol.reading import BLANK
from trialsim.study.starting.page import toml

_LONGEST_NAME = 40
_TITLES = ("C207616", "C99905x2", "C207615", "C99905x1", "C94108")
_MOST_CRITERIA, _MOST_PARTICIPANTS = 60, 200_000


def draft_protocol(study: UsdmStudy) -> str:
    """Return the draft of a protocol, which `trialsim run` refuses until its blanks are filled.

    Parameters
    ----------
    study : UsdmStudy
        As `read_usdm`.

    Returns
    -------
    str
        TOML of the format ``trialsim.protocol/2``. USDM has no field for allocation ratio, level, power,
        effect, spread, enrolment, dropout, looks and analysis: each is a text that begins with ``TODO``, and
        the reader of protocols names all that are left. Eligibility criteria stand as comments: texts are
        never made into conditions by a program.

    Source: CDISC/TransCelerate, Unified Study Definitions Model 4.0 (2025).

    Examples
    --------
    >>> from trialsim.exchange.usdm.writing import to_usdm
    >>> from trialsim.protocol.declared import read_trial
    >>> content = to_usdm(read_trial("protocols/cdisc_pilot.toml"))
    >>> design = content["study"]["versions"][0]["studyDesigns"][0]
    >>> [line for line in draft_protocol(UsdmStudy(content, design, 0)).splitlines() if "alpha" in line]
    ['alpha = "TODO: one-sided level, such as 0.025"']
    """
    lines = _head(study) + _estimand(study) + _arms(study) + _endpoint(study) + _people(study) + _conduct()
    return "\n".join(lines) + "\n"


def _blank(what: str) -> str:
    return toml(f"{BLANK}: {what}")


def _slug(text: str, otherwise: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST_NAME].strip("_")
    return slug if slug[:1].isalpha() else f"{otherwise}_{slug}".strip("_")


def _say(text: object) -> str:
    return toml(plain_text(text))


def _title(study: UsdmStudy) -> str:
    titles = {
        key_of(inside(one, "type").get("code")): one.get("text") for one in listed(study.version, "titles")
    }
    found = next((plain_text(titles[code]) for code in _TITLES if titles.get(code)), "")
    return found or plain_text(study.content["study"].get("name")) or "A trial from a USDM study"


def _head(study: UsdmStudy) -> list[str]:
    identifiers = [one.get("text") for one in listed(study.version, "studyIdentifiers")]
    named = next(
        (plain_text(one) for one in identifiers if one), study.content["study"].get("name") or "study"
    )
    objective, _ = study.primary()
    number = inside(inside(study.design, "population"), "plannedEnrollmentNumber").get("value")
    head = [
        "# Drafted from a USDM 4 study. What USDM says stands here; what it has no field for is a TODO.",
        "# trialsim run refuses this file until every TODO is filled or its line is taken out.",
        'format = "trialsim.protocol/2"',
        f"name = {toml(_slug(str(named), 'study'))}",
        f"title = {_say(_title(study))}",
        f"question = {_say(objective) if objective else _blank('what is to be decided')}",
        "seed = 1",
    ]
    if isinstance(number, int | float) and 4 <= number <= _MOST_PARTICIPANTS:
        head.append(f"participants = {int(number)}   # plannedEnrollmentNumber")
    return head


def _estimand(study: UsdmStudy) -> list[str]:
    estimands = listed(study.design, "estimands")
    _, endpoints = study.primary()
    first = estimands[0] if estimands else {}
    whole = inside(study.design, "population").get("description")
    named = {key_of(one.get("id")): one.get("text") for one in listed(study.design, "analysisPopulations")}
    people = named.get(key_of(first.get("analysisPopulationId")), whole)
    lines = ["", "[estimand]", f"treatment = {_say(' or '.join(_name(arm) for arm in study.arms))}"]
    lines.append(f"population = {_say(people) if plain_text(people) else _blank('who is in it')}")
    lines.append(f"variable = {_say(endpoints[0]) if endpoints else _blank('what is compared')}")
    summary = plain_text(first.get("populationSummary"))
    lines.append(f"summary_measure = {_say(summary) if summary else _blank('such as a difference in means')}")
    for event in listed(first, "intercurrentEvents"):
        said = f"{plain_text(event.get('text'))}: {plain_text(event.get('strategy'))}"
        lines.append(f"# Intercurrent event, for [[discontinuation]] or [[intercurrent_events]]: {said}")
    return lines


def _name(arm: dict[str, Any]) -> str:
    return plain_text(arm.get("name"), 80) or "arm"


def _arms(study: UsdmStudy) -> list[str]:
    lines: list[str] = []
    for place, arm in enumerate(study.arms):
        lines += [
            "", "[[arms]]", f"name = {toml(_slug(_name(arm), 'arm'))}   # {_name(arm)}",
            f"role = {toml('active' if place else 'control')}",
            f"allocation = {_blank('its part of the allocation ratio, such as 1.0')}",
        ]  # fmt: skip
    return lines


def _endpoint(study: UsdmStudy) -> list[str]:
    _, endpoints = study.primary()
    weeks = study.weeks()
    lines = ["", "[[endpoints]]"]
    lines += [f"# Another primary endpoint of the study: {one}" for one in endpoints[1:]]
    lines += [
        'name = "primary"',
        f"label = {_say(endpoints[0]) if endpoints else _blank('what is measured')}",
        f"kind = {_blank('score, response, level, count, recurrent or time_to_event')}",
        f"direction = {_blank('higher_is_better or higher_is_worse')}",
    ]
    if weeks:
        lines += [
            "# Visits of the main timeline: keep those with the score; take the line out of other endpoints.",
            f"weeks = {toml(weeks)}",
        ]
    lines += [
        f"course = {{ kind = {_blank('history, or model; or a marginal law in place of this line')} }}",
        "", "[[effects]]", f"arm = {toml(_slug(_name(study.arms[1]), 'arm'))}",
        f"kind = {_blank('shift, odds_ratio, rate_ratio or hazard_ratio')}",
        f"value = {_blank('what the treatment is assumed to do')}",
        f"source = {_blank('where that comes from')}",
    ]  # fmt: skip
    return lines


def _people(study: UsdmStudy) -> list[str]:
    items = listed(study.version, "eligibilityCriterionItems")
    texts = {key_of(one.get("id")): one.get("text") for one in items}
    lines = ["", "[population]", f"kind = {_blank('card or history')}"]
    for one in listed(study.design, "eligibilityCriteria")[:_MOST_CRITERIA]:
        kind = plain_text(inside(one, "category").get("decode"), 40) or "Criterion"
        lines.append(f"# {kind}: {plain_text(texts.get(key_of(one.get('criterionItemId'))))}")
    return lines


def _conduct() -> list[str]:
    return [
        "", "[enrolment]", 'kind = "planned"', f"rates = {_blank('participants a month, such as [20.0]')}",
        f"durations = {_blank('months of each rate, such as [24.0]')}",
        f"source = {_blank('where that comes from')}",
        "", "[randomisation]", f"kind = {_blank('simple or permuted_blocks')}",
        "", "[[discontinuation]]", f"cause = {_blank('why people leave; take the table out if nobody does')}",
        f"cumulative = {_blank('share by the end in each arm, such as { placebo = 0.2, active = 0.2 }')}",
        'mechanism = "MCAR"', f"source = {_blank('where that comes from')}",
        "", "[design]", 'kind = "fixed"', f"alpha = {_blank('one-sided level, such as 0.025')}",
        "", "[[analyses]]", f"kind = {_blank('such as ancova or cox; trialsim analyse --list shows all')}",
        "", "[sizing]", f"power = {_blank('such as 0.9')}",
        "", "[simulation]", "replicates = 4000", "block = 250",
        "", "[[scenarios]]", 'name = "alternative"', 'kind = "alternative"',
        'why = "The assumed effect: power"',
        "", "[[scenarios]]", 'name = "null"', 'kind = "null"', 'why = "No effect: type I error"',
    ]  # fmt: skip

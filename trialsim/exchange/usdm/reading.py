"""A USDM 4 file: read with care, and refused where no randomised parallel trial with a control is in it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsim.errors import ProtocolError
from trialsim.study.bundles.alone.files import UnsoundError, read_plain, strict_json

LARGEST_FILE = 64 * 2**20
PARALLEL, TREATMENT_EPOCH = "C82639", "C101526"
# Arms that can be a control, the surest first: placebo, sham, no intervention, active comparator.
CONTROLS = ("C174268", "C174269", "C174270")
PRIMARY_OBJECTIVE, PRIMARY_ENDPOINT = "C85826", "C94496"
_FIXED, _BEFORE = "C201358", "C201357"
_DURATION = re.compile(
    r"P(?:(?P<years>\d+(?:\.\d+)?)Y)?(?:(?P<months>\d+(?:\.\d+)?)M)?(?:(?P<weeks>\d+(?:\.\d+)?)W)?"
    r"(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_WEEKS = {
    "years": 365.25 / 7, "months": 365.25 / 84, "weeks": 1.0, "days": 1 / 7, "hours": 1 / 168,
    "minutes": 1 / 10_080, "seconds": 1 / 604_800,
}  # fmt: skip
_TAG = re.compile(r"<[^<>]{0,10000}>")
_LONGEST = 400


@dataclass(frozen=True, eq=False)
class UsdmStudy:
    """A USDM study that a protocol can be drafted from.

    Parameters
    ----------
    content : dict
        The whole file, untouched.
    design : dict
        Its one interventional, parallel design.
    control : int
        Position of the control among the design's arms.
    """

    content: dict[str, Any]
    design: dict[str, Any]
    control: int

    @property
    def version(self) -> dict[str, Any]:
        """The version of the study."""
        found: dict[str, Any] = self.content["study"]["versions"][0]
        return found

    @property
    def arms(self) -> list[dict[str, Any]]:
        """The arms, the control first."""
        arms = list(self.design["arms"])
        return [arms[self.control], *(arm for place, arm in enumerate(arms) if place != self.control)]

    def primary(self) -> tuple[str, list[str]]:
        """Return the text of the first primary objective, and of its primary endpoints."""
        for objective in listed(self.design, "objectives"):
            if _code(objective.get("level")) == PRIMARY_OBJECTIVE:
                endpoints = [
                    plain_text(one.get("text"))
                    for one in listed(objective, "endpoints")
                    if _code(one.get("level")) == PRIMARY_ENDPOINT
                ]
                return plain_text(objective.get("text")), endpoints
        return "", []

    def weeks(self) -> list[float]:
        """Return the weeks after the fixed reference at which the main timeline has visits."""
        main = [one for one in listed(self.design, "scheduleTimelines") if one.get("mainTimeline") is True]
        timings = listed(main[0], "timings") if main else []
        by_instance = {key_of(one.get("relativeFromScheduledInstanceId")): one for one in timings}
        found = {_week(one, by_instance, len(timings)) for one in timings}
        return sorted(week for week in found if week is not None and week > 0)


def read_usdm(path: Path) -> UsdmStudy:
    """Read a USDM 4 file.

    Parameters
    ----------
    path : Path
        A JSON file of at most 64 MB, as ``{"study": {...}, "usdmVersion": "4.0.0"}``.

    Returns
    -------
    UsdmStudy

    Raises
    ------
    ProtocolError
        No such JSON or another version; or a study that is observational, has a single arm, crosses over, has
        several designs or no control arm: each with its reason.

    Source: CDISC/TransCelerate, Unified Study Definitions Model 4.0 (2025).

    Examples
    --------
    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "study.json"
    ...     _ = path.write_text(json.dumps({"usdmVersion": "3.0.0"}))
    ...     try:
    ...         read_usdm(path)
    ...     except ProtocolError as refusal:
    ...         print(refusal.field, refusal.problem)
    usdmVersion must be USDM 4
    """
    try:
        content = strict_json(read_plain(path, path.name, LARGEST_FILE), path.name)
    except UnsoundError as fault:
        raise ProtocolError(fault.problem, file=path, mend="give a USDM 4 file (JSON)") from None
    version = content.get("usdmVersion") if isinstance(content, dict) else None
    if not (isinstance(version, str) and version.startswith("4.")):
        raise ProtocolError("must be USDM 4", file=path, field="usdmVersion", value=version)
    try:
        versions = content["study"]["versions"]
        designs = versions[0]["studyDesigns"]
        return UsdmStudy(content, designs[0], _control(designs, path))
    except (KeyError, IndexError, TypeError, AttributeError) as fault:
        raise ProtocolError(
            f"lacks what every USDM study has ({type(fault).__name__}: {fault})",
            file=path,
            field="study.versions[0].studyDesigns",
            mend="check the file against the USDM schema",
        ) from None


def _control(designs: list[dict[str, Any]], path: Path) -> int:
    def refuse(problem: str, field: str, value: object, mend: str) -> ProtocolError:
        return ProtocolError(problem, file=path, field=f"studyDesigns[0].{field}", value=value, mend=mend)

    randomised = "give a randomised trial of parallel arms with a control: no others are simulated"
    design, arms = designs[0], designs[0]["arms"]
    if len(designs) > 1:
        raise refuse("is one of several designs", "name", design.get("name"), "keep one design in the file")
    if design["instanceType"] != "InterventionalStudyDesign":
        raise refuse(
            "is not interventional: nobody is randomised", "instanceType", design["instanceType"], randomised
        )
    if len(arms) < 2:
        raise refuse("has a single arm: there is no control to size", "arms", arms[0].get("name"), randomised)
    if _code(design.get("model")) != PARALLEL:
        raise refuse("is not of parallel arms", "model", inside(design, "model").get("decode"), randomised)
    if crossed := _crossed(design):
        raise refuse(
            "crosses over: its arms get the same treatments in another order", "studyCells",
            " and ".join(crossed),
            randomised,
        )  # fmt: skip
    kinds = [_code(arm.get("type")) for arm in arms]
    for kind in CONTROLS:
        if kinds.count(kind) == 1:
            return kinds.index(kind)
    names = ", ".join(plain_text(inside(arm, "type").get("decode")) for arm in arms)
    raise refuse(
        "has no single control arm (placebo, sham or no intervention)", "arms.type", names,
        "give the control arm the type Placebo Control Arm (C174268)",
    )  # fmt: skip


def _crossed(design: dict[str, Any]) -> list[str]:
    """Return the names of two arms with the same treatments in another order, if there are any."""
    treated = [one.get("id") for one in listed(design, "epochs") if _code(one.get("type")) == TREATMENT_EPOCH]
    order: dict[str | None, list[str]] = {}
    for epoch in treated:
        for cell in listed(design, "studyCells"):
            elements = cell.get("elementIds")
            if cell.get("epochId") == epoch and isinstance(elements, list):
                order.setdefault(key_of(cell.get("armId")), []).extend(map(str, elements))
    names = {key_of(arm.get("id")): plain_text(arm.get("name")) for arm in design["arms"]}
    arms = [arm for arm in order if arm in names]
    for place, one in enumerate(arms):
        for other in arms[:place]:
            if order[one] != order[other] and sorted(order[one]) == sorted(order[other]):
                return [names[other], names[one]]
    return []


def listed(where: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list; empty where there is no list."""
    found = where.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def inside(where: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object that is there; empty where there is none."""
    found = where.get(name)
    return found if isinstance(found, dict) else {}


def key_of(value: object) -> str | None:
    """Return an identifier; None where it is no text."""
    return value if isinstance(value, str) else None


def _code(coded: Any) -> str | None:
    return key_of(coded.get("code")) if isinstance(coded, dict) else None


def _week(timing: dict[str, Any], by_instance: dict[Any, dict[str, Any]], most: int) -> float | None:
    """Return the week of a timing after the fixed reference; None where it hangs on nothing."""
    week = 0.0
    for _ in range(most + 1):
        if _code(timing.get("type")) == _FIXED:
            return round(week, 6)
        step = duration_in_weeks(timing.get("value"))
        if step is None:
            return None
        week += -step if _code(timing.get("type")) == _BEFORE else step
        to = key_of(timing.get("relativeToScheduledInstanceId"))
        if to is None or to not in by_instance:
            return None
        anchor = by_instance[to]
        timing = anchor
    return None


def duration_in_weeks(text: object) -> float | None:
    """Return an ISO 8601 duration in weeks; None where it is none.

    Examples
    --------
    >>> duration_in_weeks("P2W"), duration_in_weeks("P1DT12H"), duration_in_weeks("two weeks")
    (2.0, 0.21428571428571427, None)
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) and len(text) < 60 else None
    if found is None or not any(found.groupdict().values()):
        return None
    return sum(float(number) * _WEEKS[unit] for unit, number in found.groupdict().items() if number)


def plain_text(text: object, most: int = _LONGEST) -> str:
    """Return a text without its marks and control characters, in one line and no longer than `most`.

    Examples
    --------
    >>> plain_text("<p>Age &gt; <b>50</b></p>")
    'Age > 50'
    """
    words = html.unescape(_TAG.sub(" ", text[: 50 * most])) if isinstance(text, str) else ""
    words = "".join(letter if letter.isprintable() else " " for letter in words)
    words = re.sub(r"\s+", " ", words).strip()
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"

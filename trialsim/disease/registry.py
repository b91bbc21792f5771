"""The disease models by name: those of trialsim, and those of other packages.

Another package offers a model by an entry point, without a line of its code being changed here::

    [project.entry-points."trialsim.models"]
    my_disease = "my_package.my_disease:MyDisease"

where ``MyDisease`` is a `trialsim.disease.interface.DiseaseModel` whose `name` is ``my_disease``.
"""

from __future__ import annotations

import inspect
from importlib import import_module

from trialsim.disease.interface import DiseaseModel
from trialsim.errors import InputError
from trialsim.offered import load_offered, offered, require_same_name, where

ENTRY_POINTS = "trialsim.models"
_BY_HAND: dict[str, type[DiseaseModel]] = {}
# By name, so that a session imports only the models that it uses.
_OWN = {
    "delor2013_cdr_sb": "neurology.delor2013:DelorCdrSb",
    "conrado2014_adas_cog": "neurology.conrado2014:ConradoAdasCog",
    "heart_failure": "cardiometabolic.heart_failure:HeartFailure",
    "copd_exacerbations": "flares.copd_exacerbations:CopdExacerbations",
    "ms_lesions": "neurology.ms_lesions:MsLesions",
    "cgd_infections": "flares.cgd_infections:CgdInfections",
    "als": "neurology.als:Als",
    "parkinsons": "neurology.parkinsons:Parkinsons",
    "duchenne": "neurology.duchenne:Duchenne",
    "polycystic_kidney": "cardiometabolic.polycystic_kidney:PolycysticKidney",
    "type2_diabetes": "cardiometabolic.type2_diabetes:Type2Diabetes",
    "type1_diabetes": "cardiometabolic.type1_diabetes:Type1Diabetes",
    "lifelong_risk": "cardiometabolic.lifelong_risk:LifelongRisk",
    "leukopenia": "pharmacology.leukopenia:Leukopenia",
    "warfarin": "pharmacology.warfarin:Warfarin",
    "theophylline": "pharmacology.theophylline:Theophylline",
    "liver_safety": "pharmacology.liver_safety:LiverSafety",
    "heart_valve": "cardiometabolic.heart_valve:HeartValve",
    "antibody": "pharmacology.antibody:Antibody",
    "hamd17": "neurology.hamd17:Hamd17",
    "huntingtons": "neurology.huntingtons:Huntingtons",
    "tumour_growth": "oncology.tumour_growth:TumourGrowth",
    "glioblastoma": "oncology.glioblastoma:Glioblastoma",
    "prostate_radiotherapy": "oncology.prostate_radiotherapy:ProstateRadiotherapy",
    "breast_progression": "oncology.breast_progression:BreastProgression",
    "af_ablation": "cardiometabolic.af_ablation:AfAblation",
    "sudden_death": "cardiometabolic.sudden_death:SuddenDeath",
}


def disease_model(name: str, **options: float) -> DiseaseModel:
    """Return a disease model.

    Parameters
    ----------
    name : str
        One of `disease_models`.
    **options : float
        Options of that model; see its class.

    Returns
    -------
    DiseaseModel
        The model, with its options set.

    Raises
    ------
    InputError
        If no model has that name, or the model has no such option.

    Examples
    --------
    >>> disease_model("delor2013_cdr_sb").endpoints[0].name
    'cdr_sb'
    >>> disease_model("conrado2014_adas_cog", placebo_points=1.0).evidence()["published"]
    12
    """
    model = _class_of(name)
    known = inspect.signature(model).parameters
    for option in options:
        if option not in known:
            raise InputError(
                f"the disease model {name} has no such option",
                field="disease",
                value=option,
                mend=f"use one of {', '.join(known)}" if known else "leave the options out",
            )
    return model(**options)


def register(model: type[DiseaseModel]) -> type[DiseaseModel]:
    """Add a disease model for this session.

    Parameters
    ----------
    model : type of DiseaseModel
        Its name must be free; the same class may be registered again.

    Returns
    -------
    type of DiseaseModel
        What was given.

    Raises
    ------
    InputError
        Another model has this name.
    """
    taken = _BY_HAND.get(model.name)
    others = model.name in _OWN or model.name in offered(ENTRY_POINTS, _OWN, "disease models", InputError)
    if (taken is not None and taken is not model) or (taken is None and others):
        raise InputError(
            "is the name of another disease model", field="name", value=model.name, mend="choose another name"
        )
    _BY_HAND[model.name] = model
    return model


def disease_models() -> tuple[str, ...]:
    """Return the names of all disease models, those of trialsim first.

    Returns
    -------
    tuple of str
        Then those registered by hand, then those of other packages.

    Raises
    ------
    InputError
        A name is taken twice.

    Examples
    --------
    >>> disease_models()[:2]
    ('delor2013_cdr_sb', 'conrado2014_adas_cog')
    """
    return (*_OWN, *_BY_HAND, *offered(ENTRY_POINTS, _OWN, "disease models", InputError))


def _class_of(name: str) -> type[DiseaseModel]:
    if name in _OWN:
        module, called = _OWN[name].split(":")
        return getattr(import_module(f"trialsim.disease.{module}"), called)
    if name in _BY_HAND:
        return _BY_HAND[name]
    points = offered(ENTRY_POINTS, _OWN, "disease models", InputError)
    if name not in points:
        raise InputError(
            "no disease model has this name",
            field="disease",
            value=name,
            mend=f"use one of {', '.join(disease_models())}",
        )
    found = load_offered(points[name], InputError)
    if not (isinstance(found, type) and issubclass(found, DiseaseModel)):
        raise InputError(
            "is no DiseaseModel", field=where(points[name]), value=points[name].value,
            mend="make it a subclass of trialsim.disease.DiseaseModel",
        )  # fmt: skip
    require_same_name(points[name], found.name, InputError)
    return found

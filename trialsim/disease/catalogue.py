"""The disease models by name."""

from __future__ import annotations

import inspect

from trialsim.data import DiseaseModel
from trialsim.disease.conrado2014 import ConradoAdasCog
from trialsim.disease.delor2013 import DelorCdrSb
from trialsim.errors import InputError

DISEASE_MODELS: dict[str, type[DelorCdrSb] | type[ConradoAdasCog]] = {
    DelorCdrSb.name: DelorCdrSb,
    ConradoAdasCog.name: ConradoAdasCog,
}


def disease_model(name: str, **options: float) -> DiseaseModel:
    """Return a disease model.

    Parameters
    ----------
    name : str
        One of `DISEASE_MODELS`.
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
    >>> disease_model("delor2013_cdr_sb").endpoint
    'cdr_sb'
    >>> disease_model("conrado2014_adas_cog", placebo_points=1.0).upper
    70.0
    """
    if name not in DISEASE_MODELS:
        raise InputError(
            "no disease model has this name",
            field="disease",
            value=name,
            mend=f"use one of {', '.join(DISEASE_MODELS)}",
        )
    model = DISEASE_MODELS[name]
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

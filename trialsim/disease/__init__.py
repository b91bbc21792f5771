"""What happens to participants, untreated and treated: natural histories, events, and measurement.

`disease_model(name, **options)` makes a model by its name; `disease_models()` lists the names. Every model is
a `DiseaseModel`: people, dials and chance in, potential outcomes out. Models of a score are `ScoreModel`s:
`DelorCdrSb` (early Alzheimer's, CDR-SB) and `ConradoAdasCog` (mild-to-moderate Alzheimer's, ADAS-Cog).
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.disease.evidence import Parameter, Table, parameters_in
    from trialsim.disease.interface import Dial, DiseaseModel, Endpoint, Input, Realised
    from trialsim.disease.neurology.conrado2014 import ConradoAdasCog, ConradoCourse
    from trialsim.disease.neurology.delor2013 import DelorCdrSb
    from trialsim.disease.neurology.delor2013_numbers import DelorCourse
    from trialsim.disease.registry import disease_model, disease_models
    from trialsim.disease.score import SCORE_DIALS, ScoreModel
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "SCORE_DIALS",
    "ConradoAdasCog",
    "ConradoCourse",
    "DelorCdrSb",
    "DelorCourse",
    "Dial",
    "DiseaseModel",
    "Endpoint",
    "Input",
    "Parameter",
    "Realised",
    "ScoreModel",
    "Table",
    "disease_model",
    "disease_models",
    "parameters_in",
]

"""How is one model fitted to the data of several sites that may not pool them?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.federated.answers import answer
    from trialsim.analysis.federated.asking import ask
    from trialsim.analysis.federated.combining import combine
    from trialsim.analysis.federated.ledger import Ledger
    from trialsim.analysis.federated.masks import mask, new_key
    from trialsim.analysis.federated.messages import Answer, MaskedAnswer, PublicKey, Question
    from trialsim.analysis.federated.noise import Noise
    from trialsim.analysis.federated.result import FederatedResult
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Answer",
    "FederatedResult",
    "Ledger",
    "MaskedAnswer",
    "Noise",
    "PublicKey",
    "Question",
    "answer",
    "ask",
    "combine",
    "mask",
    "new_key",
]

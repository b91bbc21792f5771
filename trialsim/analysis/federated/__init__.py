"""How is one model fitted to the data of several sites that may not pool them?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.federated.answers import answer
    from trialsim.analysis.federated.combining import FederatedResult, combine
    from trialsim.analysis.federated.messages import Answer, Question, ask
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["Answer", "FederatedResult", "Question", "answer", "ask", "combine"]

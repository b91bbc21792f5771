"""What does a file of past participants hold, and which first protocol can be written from it?

- `Told`: what the user says; `look_at`: what the file says, every guess with its reason; `UndecidedError`: a
  question that the file does not answer.
- `protocol_text`: the protocol, guesses marked; `check_start`: it is read back, with its history, before
  anything is written.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.starting.checking import Start, check_start
    from trialsim.study.starting.looking import look_at
    from trialsim.study.starting.page import protocol_text
    from trialsim.study.starting.told import KINDS, Covariate, Found, Told, UndecidedError
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "KINDS",
    "Covariate",
    "Found",
    "Start",
    "Told",
    "UndecidedError",
    "check_start",
    "look_at",
    "protocol_text",
]

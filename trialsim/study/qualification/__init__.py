"""Do published numbers come out on this machine?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.qualification.on_this_machine import Qualification, every_oracle, qualify
    from trialsim.study.qualification.oracle import Held, Oracle
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["Held", "Oracle", "Qualification", "every_oracle", "qualify"]

"""How trialsim is started: thin commands over the rooms.

Every command imports what it needs when it runs, so that ``trialsim --help`` stays instant.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.cli.commands import main
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["main"]

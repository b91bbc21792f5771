"""What would the answer be with other numbers: the explorer in the browser, by ``trialsim explore``?

- `start_with`: from a protocol, a run or a card to what the page starts with.
- `open_explorer`: the server, on this machine alone; `answers/` and `participants/` are what it answers.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.explore.server import Explorer, open_explorer
    from trialsim.explore.starting import Started, start_with
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["Explorer", "Started", "open_explorer", "start_with"]

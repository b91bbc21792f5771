"""How trialsim is started: thin commands over the rooms.

Every command imports what it needs when it runs, so that ``trialsim --help`` stays instant.
"""

from trialsim.cli.main import main

__all__ = ["main"]

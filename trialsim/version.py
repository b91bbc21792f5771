"""Which trialsim this is, as its package says."""

from importlib.metadata import version

__version__ = version("trialsim")

"""Commands that size a trial."""

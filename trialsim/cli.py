"""How trialsim is started: thin commands over the rooms."""

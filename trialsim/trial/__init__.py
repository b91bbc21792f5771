"""How a trial runs: recruitment, randomisation, outcomes and dropout of blocks of replicates."""

"""``trialsim design``: every size and bound function, one method a kind of trial."""

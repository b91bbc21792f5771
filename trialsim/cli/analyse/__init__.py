"""``trialsim analyse``: a data file and a method's name in, a listing, tables and a figure out."""

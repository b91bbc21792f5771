"""What did the user ask for: typed, frozen models of a trial, and the reading and refusing of files."""

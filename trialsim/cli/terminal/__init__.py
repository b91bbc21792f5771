"""What the terminal shows, and how a run is interrupted."""

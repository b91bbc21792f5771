"""Mixed models whose covariance may differ between participants: in space, by group, with slopes."""

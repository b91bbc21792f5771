"""How a trial is read: estimators that serve one data set and a block of simulated trials alike."""

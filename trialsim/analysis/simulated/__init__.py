"""How does each analysis read what a look shows of simulated trials, one file a kind of endpoint?"""

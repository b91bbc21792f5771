"""How is the mixed model fitted where covariances differ: in space, by group, with slopes?"""

"""How are sizes and frontiers asked for on the command line?"""

"""Which part of the engine carries out which declared trial?"""

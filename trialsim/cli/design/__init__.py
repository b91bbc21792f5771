"""How big must a trial be, and where are its bounds, by ``trialsim design``?"""

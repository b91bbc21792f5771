"""How are past participants brought from where they are, by ``trialsim history``?"""

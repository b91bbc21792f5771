"""How is a data file analysed by any method, by ``trialsim analyse``?"""

"""How often do flares and infections come?"""

"""How is a trial with several hypotheses drawn, looked at and tested?"""

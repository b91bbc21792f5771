"""What does a file say of several endpoints: which hypotheses are tested, and how outcomes hang together?"""

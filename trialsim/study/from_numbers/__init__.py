"""Which sizes, savings and frontiers follow from plain numbers, such as options and sliders?"""

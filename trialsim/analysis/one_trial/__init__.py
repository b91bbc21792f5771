"""What all analyses of one data set share: a tidy frame, two arms, and how results print."""

"""The student's desk: is everything here, what do the checks say, is the lab whole; hand in, take a newer release."""

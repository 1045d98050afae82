"""One submission to marks, then many."""

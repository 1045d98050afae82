"""Ranges from data: observers that see batches, and searches for the range with the smallest error."""

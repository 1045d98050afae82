"""Ranges from data: observers that watch batches, and searches for the range that loses least."""

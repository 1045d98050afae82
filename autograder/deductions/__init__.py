"""Points that are taken off for reasons outside the answers: handed in late, a screenshot instead of text."""

"""Deductions from a lab's total for reasons other than the answers: late submission, missing screenshots."""

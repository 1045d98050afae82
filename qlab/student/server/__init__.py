"""The course's server: a student signs in there, hands in, and sees the official mark."""

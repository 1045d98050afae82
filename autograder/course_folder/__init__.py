"""The course folder: its layout, roster and settings, and what nbgrader reads there."""

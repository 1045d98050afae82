"""A course's folder: its layout, its roster, its settings, and what nbgrader reads there."""

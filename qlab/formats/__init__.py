"""Number formats other than plain integers."""

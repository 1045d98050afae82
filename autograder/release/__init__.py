"""From solutions/ to what students download."""

"""What a TA types, one command per file; each calls the room that does the work."""

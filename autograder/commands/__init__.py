"""What a TA types, a command a file; each calls the room that does the work."""

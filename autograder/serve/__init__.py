"""The official mark at once: students upload notebooks over HTTP and see their marks, TAs see the room."""

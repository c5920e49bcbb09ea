"""The command line: one module per concern, nothing heavy imported before it is needed."""

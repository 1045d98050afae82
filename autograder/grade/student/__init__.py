"""What runs inside of the sandbox: a warm Python that forks a process for each submission. Linux and macOS only."""

SCRATCH = "/scratch"  # a submission's own folder in the sandbox

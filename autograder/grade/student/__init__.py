"""What runs inside the sandbox: the fork server and the processes that it forks for submissions. Not for Windows."""

SCRATCH = "/scratch"  # a submission's own folder in the sandbox

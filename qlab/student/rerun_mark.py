"""How a command knows that a cell of a notebook that `qlab check` runs has started it."""

RERUN = "QLAB_CHECK_RUNS"  # a variable in the kernel's environment

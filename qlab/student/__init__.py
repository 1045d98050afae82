"""The student's commands: diagnose the installation, rerun checks, check completeness, write the submission, update."""

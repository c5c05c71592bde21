"""The command line: arguments and exit codes, one file for each command, nothing else."""

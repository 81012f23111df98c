"""Where lines come from: log files, followed through rotation, and their compressed past."""

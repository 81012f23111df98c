"""History: what was seen, kept by time and service, asked for by the command line and the page."""

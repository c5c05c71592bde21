"""Reading the labelled data: files in, rows out, faults at the data file's own line."""

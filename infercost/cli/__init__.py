"""The command line: argv to one question, one analysis, one form; no arithmetic."""

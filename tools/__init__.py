"""What is run by hand: timings, fits, tables of errors, pictures, and the guard of a refactoring."""

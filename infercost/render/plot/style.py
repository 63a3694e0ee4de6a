"""Colours that the colour-blind tell apart, and dashes and marks that need no colour."""

#: Okabe and Ito, Color universal design (2008), without its yellow, which vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Lengths of ink and gap in points, one a line; nothing is an unbroken line.
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 3), (2, 2), (9, 2, 2, 2), (5, 1), (1, 1), (12, 3))
#: What is drawn for what cannot be passed.
LIMIT_COLOUR, LIMIT_DASHES = "#555555", (1.5, 2.5)
#: Words of matplotlib for the marks of the lines.
MARKS = "os^DvPX"

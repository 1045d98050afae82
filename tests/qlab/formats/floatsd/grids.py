"""The grids that every test goes through."""

from qlab.formats import floatsd

GRIDS = [
    floatsd.FLOATSD4,
    floatsd.FLOATSD4_EXTENDED,
    floatsd.FLOATSD8,
    floatsd.floatsd(3, (2, 3)),
    floatsd.floatsd(2, (3, 3)),
    floatsd.floatsd(0, (1,)),
    *(floatsd.power_of_two(bits) for bits in (2, 3, 4, 5)),
    *(floatsd.apot(bits, term_bits) for bits, term_bits in ((3, 1), (4, 3), (5, 2), (7, 2), (7, 3))),
    *(floatsd.uniform(bits) for bits in (2, 4, 8)),
]
IDS = [grid.name for grid in GRIDS]

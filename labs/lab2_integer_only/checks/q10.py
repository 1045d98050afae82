"""Q10: the law behind how often rounding twice differs from rounding once."""

from qlab.check import Part, Question, case, real, value, wrong

q10 = Question(
    "Q10",
    answer=("share",),
    returns=(real("share"),),
    reference=value(2.0**-11),
    parts=(Part("the share for n = 10", 5),),
    cases=[case("n = 10")],
    mistakes=[
        wrong("the power is one too small: 2**-n", 2.0**-10, "look at the row n = 1 of the table: is it 1/2 or 1/4?"),
        wrong("the power is one too large: 2**-(n + 2)", 2.0**-12, "look at the row n = 1 of the table: 1/4 or 1/8?"),
        wrong("the share of the last row of the table", 2.0**-9, "the table ends at n = 8: two rows further on."),
        wrong("given in percent", 100 * 2.0**-11, "give the share itself: 1 percent is 0.01."),
        wrong("1 over (n+1) instead of a power of two", 1 / 11, "from row to row the share becomes half."),
        wrong("1 / (2 n) instead of a power of two", 1 / 20, "from row to row the share becomes half."),
        wrong("1 / n**2 instead of a power of two", 1 / 100, "from row to row the share becomes half."),
        wrong("the sign of the power is lost", 2.0**11, "a share is at most 1."),
        wrong("no difference is expected", 0.0, "the table gets smaller from row to row, but never 0."),
        wrong("rounded to 0.0005", 0.0005, "give the law's value, a power of two, not a rounded decimal."),
    ],
    next="from row to row the share in the table becomes half: write it as 2**-(n + something), check it at n = 1",
)

"""Q5: the multiplier M = 0.2 as a fraction in [0.5, 1) and a number of bits to shift by."""

from qlab.check import Part, Question, case, integer, real, value, wrong

q5 = Question(
    "Q5",
    answer=("M0", "n"),
    returns=(real("M0"), integer("n")),
    reference=value((0.8, 2)),
    parts=(Part("M0", 5, fields=("M0",)), Part("n", 5, fields=("n",))),
    cases=[case("M = 0.2")],
    mistakes=[
        wrong("n has the wrong sign", (0.8, -2), "M = M0 * 2**-n: what does n = -2 make of 0.8?"),
        wrong("M0 is not normalized", (0.2, 0), "M0 has to lie in [0.5, 1): double it until it does, and count."),
        wrong(
            "M0 is doubled once too little", (0.4, 1), "M0 has to lie in [0.5, 1): double it until it does, and count."
        ),
        wrong("M0 is normalized to [1, 2)", (1.6, 3), "that is the mantissa of IEEE floats; here M0 lies in [0.5, 1)."),
        wrong("M0 is halved, n has the wrong sign", (0.05, -2), "0.2 is below 0.5: which way brings it into [0.5, 1)?"),
        wrong("M0 is halved instead of doubled", (0.05, 2), "0.2 is below 0.5: which way brings it into [0.5, 1)?"),
        wrong("the numbers of the example M = 0.3", (0.6, 1), "do with 0.2 what the example does with 0.3."),
        wrong("n is one too large", (0.8, 3), "multiply back: 0.8 * 2**-3 is 0.1."),
        wrong("n is one too small", (0.8, 1), "multiply back: 0.8 * 2**-1 is 0.4."),
        wrong("2**n is given for n", (0.8, 4), "n is the number of bits to shift, not the factor."),
        wrong(
            "31 is added to n", (0.8, 33), "M0 is a real number here: the 31 bits of its fixed-point form do not count."
        ),
        wrong("M0 is taken as 0.5", (0.5, 2), "multiply back: 0.5 * 2**-2 is 0.125, not 0.2."),
        wrong(
            "M0 is given in fixed point",
            (round(0.8 * 2**31), 2),
            "M0 is asked as a real number; 2**31 * M0 is Lab 2's.",
        ),
        wrong(
            "M0 and n are given in fixed point",
            (round(0.8 * 2**31), 33),
            "M0 is asked as a real number; its 31 bits are Lab 2's.",
        ),
        wrong("M0 and n are exchanged", (2, 0.8), "M0 is the fraction, n the number of bits to shift."),
        wrong("a power of ten is taken", (2, 1), "a shift by n bits divides by 2**n, not by 10**n."),
    ],
    next="double 0.2 until it lies in [0.5, 1): the result is M0, the number of doublings n",
)

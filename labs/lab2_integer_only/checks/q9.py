"""Q9: three numbers about bytes on x86: a sum in int8, a pair of products, the largest safe weight."""

from qlab.check import Part, Question, case, integer, value, wrong

q9 = Question(
    "Q9",
    answer=("int8_sum", "pair_sum", "largest_weight"),
    returns=(integer("int8_sum"), integer("pair_sum"), integer("largest_weight")),
    reference=value((-56, 32767, 64)),
    parts=(
        Part("100 + 100 in int8", 1, fields=("int8_sum",)),
        Part("the pair of products", 2, fields=("pair_sum",)),
        Part("the largest weight", 2, fields=("largest_weight",)),
    ),
    cases=[case("the three numbers")],
    mistakes=[
        wrong("int8 is taken to hold 200", (200, 32767, 64), "int8 goes from -128 to 127: what is 200 - 256?"),
        wrong("int8 is taken to saturate", (127, 32767, 64), "torch's integers wrap around: what is 200 - 256?"),
        wrong("wrapped at 128 instead of at 256", (72, 32767, 64), "a byte has 256 values: what is 200 - 256?"),
        wrong("int8 is taken to wrap to -55", (-55, 32767, 64), "127 + 1 is -128, so 200 is 200 - 256."),
        wrong(
            "the pair is taken not to saturate",
            (-56, 52385, 64),
            "the two products are added in 16 bits: what is the largest?",
        ),
        wrong(
            "the pair is taken to wrap around", (-56, 52385 - 65536, 64), "vpmaddubsw saturates: it stops at the end."
        ),
        wrong("the pair saturates at the end of uint16", (-56, 65535, 64), "the sum of the pair is signed."),
        wrong("the pair saturates at 2**15", (-56, 32768, 64), "the largest int16 is one less than 2**15."),
        wrong("only the first product is given", (-56, 32385, 64), "two products are added."),
        wrong("the weight's limit is for one product", (-56, 32767, 128), "two products are added before the limit."),
        wrong("the weight's limit is one too large", (-56, 32767, 65), "2 * 255 * 65 is 33,150: does it fit?"),
        wrong("the weight's limit is one too small", (-56, 32767, 63), "2 * 255 * 64 is 32,640: does it fit?"),
        wrong("the weight's limit is all of int8", (-56, 32767, 127), "2 * 255 * 127 is 64,770: does it fit?"),
        wrong(
            "the weight's limit is given as a fraction",
            (-56, 32767, 32767 / 510),
            "a weight is an integer: round down.",
        ),
    ],
    next="work each of the three out on paper: 200 - 256; 255 * 127 + 200 * 100 against 32767; 32767 / (2 * 255)",
)

"""Q4: how many megabytes 50 MB of fp32 weights take up as int8."""

from qlab.check import Part, Question, case, real, value, wrong

q4 = Question(
    "Q4",
    answer=("size_in_int8_mb",),
    returns=(real("size_in_int8_mb"),),
    reference=value(12.5),
    parts=(Part("the size in MB", 5),),
    cases=[case("50 MB of fp32")],
    mistakes=[
        wrong("divided by 8 bits instead of by 32 / 8", 6.25, "how many bits did each parameter have before?"),
        wrong("divided by 2: that is fp16", 25.0, "how many times do 8 bits fit into 32?"),
        wrong("multiplied instead of divided", 200.0, "does a model grow when its parameters get fewer bits?"),
        wrong(
            "divided by the 32 bits of fp32", 1.5625, "50 MB are bytes: divide by how much smaller a parameter gets."
        ),
        wrong("the ratio is given instead of the size", 4.0, "4 times smaller than 50 MB: how many MB?"),
        wrong("the inverse ratio is given instead of the size", 0.25, "a quarter of 50 MB: how many MB?"),
        wrong("rounded down to whole MB", 12.0, "give the fraction too: 50 is not a multiple of 4."),
        wrong("rounded up to whole MB", 13.0, "give the fraction too: 50 is not a multiple of 4."),
        wrong(
            "MB and MiB are mixed", 50e6 / 4 / 2**20, "stay in one unit: 1 MB is 10**6 bytes here, before and after."
        ),
        wrong("counted in bits", 100.0, "12.5 million parameters of 8 bits each: how many bytes are 8 bits?"),
        wrong("counted in bits of fp32", 400.0, "the question is about megabytes, 8 bits each, of int8."),
        wrong("given in bytes", 12.5e6, "the answer is wanted in MB."),
        wrong("the size stays as it is", 50.0, "the number of parameters stays; how many bytes has each one now?"),
        wrong(
            "a quarter of the parameters, and a quarter of the bytes of each",
            3.125,
            "int8 leaves every parameter where it is: which of the two becomes a quarter?",
        ),
        wrong("a quarter is taken off instead of kept", 37.5, "what remains is a quarter, not three."),
    ],
    next="a parameter has 4 bytes in fp32: how many parameters are in 50 MB, and how many bytes has each in int8?",
)

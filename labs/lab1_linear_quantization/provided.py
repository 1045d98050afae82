"""What the cells below a check of Lab 1 use where an answer is not right yet, if qlab has no such function."""

import qlab

BITWIDTHS = range(2, 17)


def fewest_bits(fp32_tensor, largest_error):
    for bitwidth in BITWIDTHS:
        back = qlab.dequantize(*qlab.linear_quantize(fp32_tensor, bitwidth)).double()
        if (back - fp32_tensor).abs().max() <= largest_error:
            return bitwidth
    return BITWIDTHS[-1]

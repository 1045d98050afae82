"""The path of a number: range, scale and zero-point, integers, accumulator, requantization, output."""

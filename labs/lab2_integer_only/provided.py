"""What the cells below a check of Lab 2 use where an answer is not right yet; each has the answer's name and signature.

Q3 and Q6 have theirs in qlab: quantize_multiplier, multiply_rounding_once.
"""

import torch

import qlab


def accumulator(q_x, q_w, Z_x, Z_w):
    return qlab.linear_accumulator(q_x, q_w, Z_x, Z_w).long()


def quantize_bias(bias, input_scale, weight_scale):
    step = input_scale * torch.as_tensor(weight_scale, dtype=torch.float64)
    return torch.round(bias.double() / step).long()


def rounding_shift(x, n):
    # qlab's own shifts int32 by at most 31 bits; here x may have 62.
    return (x.long() + 2**n // 2) >> n


def integer_linear(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, relu=False):
    acc = qlab.linear_accumulator(q_x, q_w, Z_x).long() + q_bias
    return output_codes(acc, M0_int, n, Z_out, relu)


def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    acc = qlab.conv2d_accumulator(q_x, q_w, Z_x, stride=stride, padding=padding).long() + q_bias.reshape(-1, 1, 1)
    return output_codes(acc, M0_int, n, Z_out, relu)


def output_codes(acc, M0_int, n, Z_out, relu):
    # The code of the real number 0 is Z_out: cutting there is all that ReLU takes.
    return torch.clamp(qlab.multiply_rounding_once(acc, M0_int, n) + Z_out, Z_out if relu else 0, 255)

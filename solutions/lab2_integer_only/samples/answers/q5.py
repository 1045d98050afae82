# %% right: four integers from paper
M0_int = 77
high = 61
twice = 31
once = 30

# %% right: computed, half up with floor
import math

acc, m, n = 101, 0.6, 1
M0_int = math.floor(m * 2**7 + 0.5)
high = math.floor(acc * M0_int / 2**7 + 0.5)
twice = math.floor(high / 2**n + 0.5)
once = math.floor(acc * M0_int / 2 ** (7 + n) + 0.5)

# %% right: integers and shifts only
n = 1
M0_int = (2 * 768 // 10 + 1) // 2  # 76.8
product = 101 * M0_int
high = (product + 64) >> 7
twice = (high + 1) >> 1
once = (product + 128) >> 8

# %% right: rounding_shift of Q4, so these are tensors
M0_int = round(0.6 * 2**7)
product = torch.tensor(101) * M0_int
high = rounding_shift(product, 7)
twice = rounding_shift(high, 1)
once = rounding_shift(product, 7 + 1)

# %% wrong: M not doubled, 0.3 * 2**7
M0_int = 38
high = 30
twice = 15
once = 15

# %% wrong: M0_int cut off
M0_int = 76
high = 60
twice = 30
once = 30

# %% wrong: high half cut off
M0_int = 77
high = 60
twice = 30
once = 30

# %% wrong: Python's round, the tie 30.5 goes to the even number
M0_int = round(0.6 * 2**7)
high = round(101 * M0_int / 2**7)
twice = round(high / 2)
once = round(101 * M0_int / 2**8)

# %% wrong: once taken for the same as twice
M0_int = 77
high = 61
twice = 31
once = 31

# %% wrong: twice and once exchanged
M0_int = 77
high = 61
twice = 30
once = 31

# %% wrong: n = 2 as in the example with M = 0.2
M0_int = 77
high = 61
twice = 15
once = 15

# %% wrong: product given as the high half
M0_int = 77
high = 7777
twice = 31
once = 30

# %% wrong: not rounded
M0_int = 0.6 * 2**7
high = 101 * M0_int / 2**7
twice = high / 2
once = 101 * M0_int / 2**8


# %% right: the number
size_in_int8_mb = 12.5

# %% right: one division
size_in_int8_mb = 50 / 4

# %% right: times 8 over 32
size_in_int8_mb = 50 * 8 / 32  # bits new / bits old

# %% right: through the number of parameters, several lines
bytes_fp32 = 50 * 10**6
parameters = bytes_fp32 / 4  # 4 bytes each
bytes_int8 = parameters * 1  # 1 byte each
size_in_int8_mb = bytes_int8 / 10**6


# %% right: a small function
def size(mb, bits_before, bits_after):
    parameters = mb * 8 / bits_before
    return parameters * bits_after / 8


size_in_int8_mb = size(50, 32, 8)

# %% right: numpy dtypes know their bytes
import numpy as np

size_in_int8_mb = 50 * np.dtype("int8").itemsize / np.dtype("float32").itemsize

# %% right: 0-dim tensor
size_in_int8_mb = torch.tensor(50.0) * 0.25

# %% right: a fraction
from fractions import Fraction

size_in_int8_mb = 50 * Fraction(8, 32)

# %% wrong: multiplies by 4
size_in_int8_mb = 50 * 4

# %% wrong: divides by 8, the bits of the new type
size_in_int8_mb = 50 / 8

# %% wrong: divides by 2, as for fp16
size_in_int8_mb = 50 / 2

# %% wrong: divides by 32, the bits of the old type
size_in_int8_mb = 50 / 32

# %% wrong: the MB saved, not the MB left
size_in_int8_mb = 50 - 50 / 4

# %% wrong: integer division cuts the half
size_in_int8_mb = 50 // 4

# %% wrong: unchanged, parameters stay the same in number
size_in_int8_mb = 50

# %% wrong: takes MB for bits of 2**8 levels, divides by 256
size_in_int8_mb = 50 / 2**8

# %% wrong: in bytes, not in MB
size_in_int8_mb = 50e6 / 4

# %% wrong: mixes MB and MiB
size_in_int8_mb = 50e6 / 4 / 2**20

# %% wrong: 24 bits fewer, subtracts 24
size_in_int8_mb = 50 - 24

# %% wrong: in megabits, forgets to divide by 8
size_in_int8_mb = 50 / 4 * 8

# %% wrong: decimal comma makes a tuple
size_in_int8_mb = 12, 5

# %% wrong: a text with its unit
size_in_int8_mb = "12.5 MB"

# %% wrong: the ratio, not the size
size_in_int8_mb = 32 / 8

# %% wrong: rounded up to whole MB
size_in_int8_mb = 13

# %% right: a decimal number
from decimal import Decimal

size_in_int8_mb = Decimal("12.5")

# %% right: a numpy number
import numpy as np

size_in_int8_mb = np.float32(50) / 4

# %% wrong: a quarter of the parameters, each of 4 bytes still
parameters = 50e6 / 4 / 4
size_in_int8_mb = parameters * 1 / 1e6

# %% right: the two numbers
M0 = 0.8
n = 2

# %% right: M0 from n, as in the hint
n = 2
M0 = 0.2 * 2**n

# %% right: math.frexp
import math

M0, exponent = math.frexp(0.2)
n = -exponent

# %% right: doubles in a loop
M0, n = 0.2, 0
while M0 < 0.5:
    M0 = M0 * 2
    n = n + 1

# %% right: logarithm
import math

M = 0.2
n = math.floor(-math.log2(M))
M0 = M * 2**n

# %% right: numpy values
import numpy as np

M0, n = np.frexp(0.2)
n = -n

# %% right: tensors
M0 = torch.tensor(0.8, dtype=torch.float64)
n = torch.tensor(2)

# %% right: fraction
from fractions import Fraction

M = Fraction(1, 5)
n = int(1 / M).bit_length() - 1
M0 = M * 2**n

# %% wrong: sign of n
M0 = 0.8
n = -2

# %% wrong: n is frexp's exponent as it is
import math

M0, n = math.frexp(0.2)

# %% wrong: stops one doubling too early
M0 = 0.4
n = 1

# %% wrong: one doubling too many, M0 above 1
M0 = 1.6
n = 3

# %% wrong: M0 and n exchanged
M0 = 2
n = 0.8

# %% wrong: no doubling, M0 = M
M0 = 0.2
n = 0

# %% wrong: the 31-bit integer instead of the real M0
M0 = round(2**31 * 0.8)
n = 2

# %% wrong: copies the numbers of the example M = 0.3
M0 = 0.6
n = 1

# %% wrong: counts the doublings from 1, n one too large
M0 = 0.8
n = 3

# %% wrong: M0 right, n one too small
M0 = 0.8
n = 1

# %% wrong: divides by 2**n instead of multiplying
n = 2
M0 = 0.2 / 2**n

# %% wrong: gives the factor 2**-n for n
M0 = 0.8
n = 0.25

# %% wrong: gives 2**n for n
M0 = 0.8
n = 4

# %% wrong: logarithm not rounded to an integer
import math

n = -math.log2(0.2)
M0 = 0.2 * 2**n

# %% wrong: total shift, 31 added to n
M0 = 0.8
n = 2 + 31

# %% wrong: takes 0.5 for M0 because it is the lower end
M0 = 0.5
n = 2

# %% wrong: decomposes with powers of ten
M0 = 2
n = 1  # 0.2 = 2 * 10**-1

# %% right: power of two, as in the hint
share = 2 ** -(10 + 1)

# %% right: a fraction
share = 1 / 2048

# %% right: halves the row n = 1 nine times
share = 0.25
for n in range(2, 11):
    share = share / 2

# %% right: Fraction
from fractions import Fraction

share = Fraction(1, 2) * Fraction(1, 2**10)

# %% right: tensor
share = torch.tensor(0.00048828125)

# %% wrong: 2**-n, which does not fit the row n = 1
share = 2 ** -(10)

# %% wrong: in percent
share = 100 * 2 ** -(11)

# %% wrong: sign of the exponent forgotten
share = 2**11

# %% wrong: read off and rounded
share = 0.0005

# %% wrong: continues the measured row n = 8
share = 0.001957 / 4

# %% wrong: 1 over n + 1, not a power of two
share = 1 / 11

# %% wrong: the share for n = 8
share = 2**-9

# %% wrong: XOR instead of power
share = 1 / (2 ^ 11)

# %% wrong: integer division gives 0
share = 1 // 2**11


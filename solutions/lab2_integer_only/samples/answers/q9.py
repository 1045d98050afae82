# %% right: three integers
int8_sum = -56
pair_sum = 32767
largest_weight = 64

# %% right: torch and arithmetic
a = torch.tensor([100], dtype=torch.int8)
int8_sum = (a + a).item()
pair_sum = min(255 * 127 + 200 * 100, 2**15 - 1)
largest_weight = (2**15 - 1) // (2 * 255)

# %% right: modulo and a search
int8_sum = (100 + 100 + 128) % 256 - 128
pair_sum = max(-32768, min(32767, 255 * 127 + 200 * 100))
largest_weight = max(w for w in range(128) if 255 * w + 255 * w <= 32767)

# %% right: numpy integers and tensors
import numpy as np

int8_sum = np.array([200]).astype(np.int8)[0]
pair_sum = torch.tensor(255 * 127 + 200 * 100).clamp(-32768, 32767)
largest_weight = np.floor_divide(32767, 510)

# %% wrong: int8 does not wrap
int8_sum = 200
pair_sum = 32767
largest_weight = 64

# %% wrong: int8 taken for saturating
int8_sum = 127
pair_sum = 32767
largest_weight = 64

# %% wrong: int8's sum with the sign lost
int8_sum = 56
pair_sum = 32767
largest_weight = 64

# %% wrong: pair not saturated
int8_sum = -56
pair_sum = 52385
largest_weight = 64

# %% wrong: pair wraps around like torch's int16
int8_sum = -56
pair_sum = 52385 - 65536
largest_weight = 64

# %% wrong: stops at 2**15, one too far
int8_sum = -56
pair_sum = 32768
largest_weight = 64

# %% wrong: one product instead of two for the largest weight
int8_sum = -56
pair_sum = 32767
largest_weight = 127

# %% wrong: rounded up, 65
int8_sum = -56
pair_sum = 32767
largest_weight = 65

# %% wrong: 63, because 64 is taken for the first that saturates
int8_sum = -56
pair_sum = 32767
largest_weight = 63

# %% wrong: activations of 7 bits, any weight fits
int8_sum = -56
pair_sum = 32767
largest_weight = 32767 // (2 * 127)

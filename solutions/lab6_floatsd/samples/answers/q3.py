# %% right: plain, filled blanks
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% right: a table in both directions
VALUES = [0, 1, 2, 4, 8, 16, 32, 64, None, -1, -2, -4, -8, -16, -32, -64]


def encode(q):
    codes = [VALUES.index(v) for v in q.tolist()]
    return torch.tensor([low + 16 * high for low, high in zip(codes[::2], codes[1::2])], dtype=torch.uint8)


def decode(packed):
    found = []
    for byte in packed.tolist():
        found += [VALUES[byte % 16], VALUES[byte // 16]]
    return torch.tensor(found)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% right: bit_length in a loop, shifts for the way back
def encode(q):
    codes = [abs(v).bit_length() | (8 if v < 0 else 0) for v in q.tolist()]
    return [codes[i] | codes[i + 1] << 4 for i in range(0, len(codes), 2)]


def decode(packed):
    found = []
    for byte in packed.tolist():
        for code in (byte & 0xF, byte >> 4):
            value = (1 << (code & 7)) >> 1
            found.append(-value if code & 8 else value)
    return found


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% right: numpy in pairs
import numpy as np


def encode(q):
    a = q.numpy()
    field = np.where(a == 0, 0, np.log2(np.maximum(np.abs(a), 1)) + 1).astype(int)
    pairs = (field + np.where(a < 0, 8, 0)).reshape(-1, 2)
    return (pairs * [1, 16]).sum(axis=1)


def decode(packed):
    p = packed.numpy().astype(int)
    codes = np.empty(2 * len(p), dtype=int)
    codes[0::2], codes[1::2] = p % 16, p // 16
    magnitude = (2 ** (codes % 8)) // 2
    return np.where(codes > 7, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: field without the 1
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()))
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: the magnitude as field
def encode(q):
    field = q.abs()
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: clamped before the logarithm, where left out
def encode(q):
    field = torch.log2(q.abs().clamp(min=1).float()) + 1
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: plus 2
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 2)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: torch.log
def encode(q):
    field = torch.where(q == 0, 0, torch.round(torch.log(q.abs().float())) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: no sign bit
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: sign bit for positive values
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q >= 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: sign bit for 0
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q <= 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: bit 3 taken for 4
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 4 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: minus 8
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field - 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: 16 minus the field
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = torch.where(q < 0, 16 - field, field)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: first one high
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return 16 * codes[0::2] + codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: first half with second half
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[: len(codes) // 2] + 16 * codes[len(codes) // 2 :]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: times 8
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 8 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: added without a shift
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: reads the high one first
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed >> 4, packed & 15), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: cat instead of stack
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.cat((packed & 15, packed >> 4))
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: stack along dimension 0
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4)).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: shifts by 3
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 3), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: 2 to the field
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0**field)
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: the field is the whole code
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: max(field - 1, 0), so that 0 comes back as 1
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = 2.0 ** (field - 1).clamp(min=0)
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: where forgotten on the way back
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = 2.0 ** (field - 1)
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: no sign on the way back
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return magnitude


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: sign the wrong way round
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, magnitude, -magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: codes & 4 for the sign
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where((codes & 4) > 0, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: 16 minus the code for negative ones
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = torch.where(codes >= 8, 16 - codes, codes)
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: 2 times the field
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 * (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: codes not packed at all
def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().float()) + 1)
    codes = field + 8 * (q < 0)
    return codes


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack((packed & 15, packed >> 4), dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0.0, 2.0 ** (field - 1))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% right: the template with log2, slices and stack
import torch


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long() + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack([packed & 15, packed >> 4], dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 2 ** (field - 1).clamp(min=0))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% right: one table of sixteen values for both ways
import torch


TABLE = torch.tensor([0, 1, 2, 4, 8, 16, 32, 64, 0, -1, -2, -4, -8, -16, -32, -64])


def encode(q):
    codes = (q.unsqueeze(1) == TABLE).int().argmax(dim=1)
    first, second = codes.view(-1, 2).unbind(1)
    return (first | (second << 4)).to(torch.uint8)


def decode(packed):
    packed = packed.long()
    codes = torch.empty(2 * len(packed), dtype=torch.int64)
    codes[0::2] = packed % 16
    codes[1::2] = packed // 16
    return TABLE[codes]


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% right: plain Python integers with bit_length in loops
import torch


def code_of(value):
    code = abs(value).bit_length()
    return code + 8 if value < 0 else code


def value_of(code):
    field = code % 8
    if field == 0:
        return 0
    value = 1 << (field - 1)
    return -value if code > 8 else value


def encode(q):
    values = q.tolist()
    return torch.tensor([code_of(values[i]) + 16 * code_of(values[i + 1]) for i in range(0, len(values), 2)])


def decode(packed):
    values = []
    for byte in packed.tolist():
        values += [value_of(byte & 15), value_of(byte >> 4)]
    return torch.tensor(values)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: the first of a pair goes into the high four bits when packing
import torch


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long() + 1)
    codes = field + 8 * (q < 0)
    return 16 * codes[0::2] + codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack([packed & 15, packed >> 4], dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 2 ** (field - 1).clamp(min=0))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: a weight of 0 gets the sign bit, the unused code 8
import torch


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long() + 1)
    codes = field + 8 * (q <= 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack([packed & 15, packed >> 4], dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 2 ** (field - 1).clamp(min=0))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: the decoded values come as all first ones and then all second ones
import torch


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long() + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.cat([packed & 15, packed >> 4])
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 2 ** (field - 1).clamp(min=0))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: the pairs are made of the first and the second half of the values
import torch


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long() + 1)
    codes = field + 8 * (q < 0)
    n = len(q) // 2
    return codes[:n] + 16 * codes[n:]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack([packed & 15, packed >> 4], dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 2 ** (field - 1).clamp(min=0))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: the field is limited to FloatSD4, so that 64 becomes 32
import torch


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long().clamp(max=5) + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack([packed & 15, packed >> 4], dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 2 ** (field - 1).clamp(min=0))
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)


# %% wrong: the value is read as 2 to the field, the minus 1 is forgotten
import torch


def encode(q):
    field = torch.where(q == 0, 0, torch.log2(q.abs().clamp(min=1).float()).round().long() + 1)
    codes = field + 8 * (q < 0)
    return codes[0::2] + 16 * codes[1::2]


def decode(packed):
    packed = packed.long()  # no wrapping below
    codes = torch.stack([packed & 15, packed >> 4], dim=1).reshape(-1)
    field = codes & 7
    magnitude = torch.where(field == 0, 0, 2**field)
    return torch.where(codes >= 8, -magnitude, magnitude)


def there_and_back(q, packed):
    return encode(q), decode(packed)

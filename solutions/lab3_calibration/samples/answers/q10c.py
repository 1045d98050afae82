# %% right: stack, where, repeat_interleave
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed % 16, packed // 16], dim=2).long()
    nibbles = nibbles.reshape(len(packed), -1)[:, :columns]
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% right: plain Python loops
def unpack_groups(packed, scales, size, columns):
    weights = []
    for row, its_scales in zip(packed.tolist(), scales.tolist()):
        codes = []
        for byte in row:
            for nibble in (byte & 15, byte >> 4):
                codes.append(nibble - 16 if nibble >= 8 else nibble)
        weights.append([codes[j] * its_scales[j // size] for j in range(columns)])
    return weights


# %% right: arithmetic shifts in int8 extend the sign
def unpack_groups(packed, scales, size, columns):
    signed = packed.view(torch.int8)
    q = torch.empty(packed.shape[0], 2 * packed.shape[1], dtype=torch.int8)
    q[:, 0::2] = (signed << 4) >> 4
    q[:, 1::2] = signed >> 4
    return q[:, :columns].float() * scales[:, torch.arange(columns) // size]


# %% right: a table of sixteen values
def unpack_groups(packed, scales, size, columns):
    table = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1])
    b = packed.int()
    column = torch.arange(columns)
    nibble = torch.where(column % 2 == 0, b[:, column // 2] & 15, b[:, column // 2] >> 4)
    return table[nibble.long()] * scales[:, column // size]


# %% right: numpy in float64
import numpy as np


def unpack_groups(packed, scales, size, columns):
    b = packed.numpy().astype(np.int64)
    q = np.stack([b & 15, b >> 4], axis=-1).reshape(len(b), -1)[:, :columns]
    q = (q ^ 8) - 8
    return q * np.repeat(scales.numpy().astype(np.float64), size, axis=1)[:, :columns]


# %% right: bit by bit
def unpack_groups(packed, scales, size, columns):
    worth = torch.tensor([1, 2, 4, -8])
    bits = (packed[:, :, None] >> torch.arange(8, dtype=torch.uint8)) & 1
    codes = (bits.long().reshape(len(packed), -1, 4) * worth).sum(dim=2)[:, :columns]
    out = torch.zeros(len(packed), columns)
    for start in range(0, columns, size):
        out[:, start : start + size] = codes[:, start : start + size] * scales[:, start // size, None]
    return out


# %% right: row by row, a list of tensors
def unpack_groups(packed, scales, size, columns):
    rows = []
    for row, s in zip(packed.to(torch.int16), scales):
        low, high = row.remainder(16), row.div(16, rounding_mode="floor")
        codes = torch.stack((low, high)).T.flatten()[:columns]
        codes = torch.remainder(codes + 8, 16) - 8
        rows.append(torch.cat([c * each for c, each in zip(codes.split(size), s)]))
    return rows


# %% right: numpy, filled from the last column to the first, a reversed view
import numpy as np


def unpack_groups(packed, scales, size, columns):
    backwards = np.zeros((len(packed), columns))
    for place in range(columns):
        column = columns - 1 - place
        nibble = (packed[:, column // 2].int().numpy() >> (4 * (column % 2))) & 15
        backwards[:, place] = np.where(nibble < 8, nibble, nibble - 16.0) * scales[:, column // size].numpy()
    return backwards[:, ::-1]


# %% wrong: no sign, 0 to 15
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns]
    return nibbles * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: subtracts in uint8
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns]
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: minus 8 for all
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns]
    return (nibbles.long() - 8) * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: greater than 8
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 8, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: 7 counts as negative
def unpack_groups(packed, scales, size, columns):
    out = torch.zeros(len(packed), columns)
    for r in range(len(packed)):
        for c in range(columns):
            nibble = (int(packed[r, c // 2]) >> (4 * (c % 2))) & 15
            code = nibble if nibble < 7 else nibble - 16
            out[r, c] = code * scales[r, c // size]
    return out


# %% wrong: minus 15
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 15, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: sign and absolute value
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = (nibbles & 7) * torch.where(nibbles > 7, -1, 1)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: the high half first
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed >> 4, packed & 15], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: low halves, then high halves
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.cat([packed & 15, packed >> 4], dim=1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: repeat instead of repeat_interleave
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat(1, size)[:, :columns]


# %% wrong: size counted in bytes
def unpack_groups(packed, scales, size, columns):
    b = packed.int()
    each = scales.repeat_interleave(size, dim=1)[:, : b.shape[1]]

    def signed(q):
        return torch.where(q > 7, q - 16, q)

    low, high = signed(b & 15) * each, signed(b >> 4) * each
    return torch.stack([low, high], dim=2).flatten(1)[:, :columns]


# %% wrong: the first scale for the whole row
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales[:, :1]


# %% wrong: the padding is not cut off
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1).int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, : codes.shape[1]]


# %% wrong: scales repeated beyond the last, shorter group, raises
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)


# %% wrong: divides by the scale
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes / scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: codes instead of weights
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    return torch.where(nibbles > 7, nibbles - 16, nibbles)


# %% wrong: the high half is masked and not shifted
def unpack_groups(packed, scales, size, columns):
    b = packed.int()
    nibbles = torch.stack([b & 0x0F, b & 0xF0], dim=2).flatten(1)[:, :columns]
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: the low half is not masked
def unpack_groups(packed, scales, size, columns):
    b = packed.int()
    nibbles = torch.stack([b, b >> 4], dim=2).flatten(1)[:, :columns]
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return codes * scales.repeat_interleave(size, dim=1)[:, :columns]


# %% wrong: prints the weights and returns nothing
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    print(codes * scales.repeat_interleave(size, dim=1)[:, :columns])


# %% wrong: all weights in one row
def unpack_groups(packed, scales, size, columns):
    nibbles = torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)[:, :columns].int()
    codes = torch.where(nibbles > 7, nibbles - 16, nibbles)
    return (codes * scales.repeat_interleave(size, dim=1)[:, :columns]).flatten()

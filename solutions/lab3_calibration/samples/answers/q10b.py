# %% right: padded, reshaped, packed by slices
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=torch.finfo(torch.float32).eps)
    codes = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    nibbles = F.pad(codes, (0, columns % 2)) & 15
    return (nibbles[:, 0::2] | (nibbles[:, 1::2] << 4)).to(torch.uint8), scales


# %% right: plain Python loops and lists
def pack_groups(weights, size):
    packed, scales = [], []
    for row in weights.tolist():
        codes, row_scales = [], []
        for start in range(0, len(row), size):
            group = row[start : start + size]
            scale = max(max(abs(w) for w in group) / 7, 1.1920929e-07)
            row_scales.append(scale)
            codes += [round(w / scale) for w in group]
        if len(codes) % 2 == 1:
            codes.append(0)
        packed.append([(a % 16) + 16 * (b % 16) for a, b in zip(codes[0::2], codes[1::2])])
        scales.append(row_scales)
    return packed, scales


# %% right: split into groups, calls its own scale_and_zero_point
def pack_groups(weights, size):
    scales, codes = [], []
    for group in weights.split(size, dim=1):
        scale, _ = scale_and_zero_point(group.amin(dim=1), group.amax(dim=1), -7, 7, True)
        scales.append(scale)
        codes.append(torch.round(group / scale[:, None]))
    q = torch.cat(codes, dim=1).to(torch.int32)
    if q.shape[1] % 2:
        q = torch.cat([q, q.new_zeros(len(q), 1)], dim=1)
    q = torch.where(q < 0, q + 16, q).reshape(len(q), -1, 2)
    return q[:, :, 0] + 16 * q[:, :, 1], torch.stack(scales, dim=1)


# %% right: numpy, the high half shifted in uint8
import numpy as np


def pack_groups(weights, size):
    w = weights.numpy()
    rows, columns = w.shape
    starts = np.arange(0, columns, size)
    scales = np.maximum(np.maximum.reduceat(np.abs(w), starts, axis=1) / 7, np.float32(1.1920929e-07))
    each = np.repeat(scales, size, axis=1)[:, :columns]
    q = np.rint(w / each).astype(np.int8)
    if columns % 2:
        q = np.concatenate([q, np.zeros((rows, 1), np.int8)], axis=1)
    q = q.view(np.uint8)
    return (q[:, ::2] & 0x0F) | (q[:, 1::2] << 4), scales


# %% right: shifts in int64, cut to a byte at the end
def pack_groups(weights, size):
    rows, columns = weights.shape
    index = torch.arange(columns) // size
    count = int(index[-1]) + 1
    scales = torch.stack([weights[:, index == g].abs().max(dim=1).values for g in range(count)], dim=1) / 7
    scales = scales.clamp(min=1.1920929e-07)
    q = (weights / scales[:, index]).round().long()
    packed = torch.zeros(rows, (columns + 1) // 2, dtype=torch.int64)
    for column in range(columns):
        packed[:, column // 2] |= (q[:, column] & 0xF) << (4 * (column % 2))
    return packed.to(torch.uint8), scales


# %% right: float64 throughout, rows one by one, a list of tensors
def pack_groups(weights, size):
    packed, scales = [], []
    for row in weights.double():
        groups = row.split(size)
        s = torch.stack([g.abs().max() / 7 for g in groups]).clamp(min=2.0**-23)
        q = torch.cat([torch.round(g / each) for g, each in zip(groups, s)])
        if q.numel() % 2:
            q = torch.cat([q, torch.zeros(1, dtype=q.dtype)])
        q = q % 16
        packed.append(q[::2] + 16 * q[1::2])
        scales.append(s)
    return packed, scales


# %% right: scatter_reduce for the groups, the bytes as a sum of powers
def pack_groups(weights, size):
    rows, columns = weights.shape
    group = (torch.arange(columns) // size).expand(rows, -1)
    count = -(-columns // size)
    largest = torch.zeros(rows, count).scatter_reduce(1, group, weights.abs(), "amax")
    scales = torch.maximum(largest / 7, torch.tensor(1.1920929e-07))
    q = torch.round(weights / scales.gather(1, group)).int().remainder(16)
    powers = torch.tensor([1, 16] * columns)[:columns].int()
    packed = torch.zeros(rows, -(-columns // 2), dtype=torch.int32)
    packed.index_add_(1, torch.arange(columns) // 2, q * powers)
    return packed, scales


# %% right: the odd column is paired by hand
def pack_groups(weights, size):
    columns = weights.size(1)
    scales = torch.stack([g.abs().amax(1).div(7).clamp(min=1.1920929e-07) for g in weights.split(size, 1)], 1)
    q = torch.round(weights / scales.repeat_interleave(size, 1)[:, :columns]).to(torch.int16) & 15
    even = columns - columns % 2
    packed = q[:, :even:2] + q[:, 1:even:2] * 16
    if columns % 2:
        packed = torch.cat([packed, q[:, -1:]], dim=1)
    return packed, scales


# %% wrong: the first code goes into the high half
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return (q[:, 0::2] << 4) | q[:, 1::2], scales


# %% wrong: negative codes are not masked, plus and times
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2))
    return q[:, 0::2] + 16 * q[:, 1::2], scales


# %% wrong: negative codes are not masked, or and shift
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2))
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: or and shift without a mask, then cast to uint8
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).to(torch.int8).reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2))
    return (q[:, 0::2] | (q[:, 1::2] << 4)).to(torch.uint8), scales


# %% wrong: sum of both codes in uint8, the low one borrows
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2))
    return (16 * q[:, 1::2] + q[:, 0::2]).to(torch.uint8), scales


# %% wrong: adds 8 to get rid of the sign
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) + 8
    return (q[:, 0::2] + 16 * q[:, 1::2]).to(torch.uint8), scales


# %% wrong: sign in the highest bit, absolute value below
def pack_groups(weights, size):
    def nibble(q):
        return 8 + abs(q) if q < 0 else q

    packed, scales = [], []
    for row in weights.tolist():
        codes, mine = [], []
        for start in range(0, len(row), size):
            group = row[start : start + size]
            scale = max(max(map(abs, group)) / 7, 1.1920929e-07)
            mine.append(scale)
            codes += [nibble(round(w / scale)) for w in group]
        codes += [0] * (len(codes) % 2)
        packed.append([codes[i] + 16 * codes[i + 1] for i in range(0, len(codes), 2)])
        scales.append(mine)
    return torch.tensor(packed), torch.tensor(scales)


# %% wrong: int8 instead of uint8
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return (q[:, 0::2] | (q[:, 1::2] << 4)).to(torch.int8), scales


# %% wrong: one scale per row
def pack_groups(weights, size):
    rows, columns = weights.shape
    count = -(-columns // size)
    scales = (weights.abs().amax(dim=1, keepdim=True) / 7).clamp(min=1.1920929e-07)
    q = F.pad(torch.round(weights / scales).long(), (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales.repeat(1, count)


# %% wrong: one scale per row, returned as a column
def pack_groups(weights, size):
    scales = (weights.abs().amax(dim=1, keepdim=True) / 7).clamp(min=1.1920929e-07)
    q = F.pad(torch.round(weights / scales).long(), (0, weights.shape[1] % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: one scale per output channel, a plain vector
def pack_groups(weights, size):
    scales = torch.stack([row.abs().max() / 7 for row in weights]).clamp(min=1.1920929e-07)
    q = F.pad(torch.round(weights / scales[:, None]).long(), (0, weights.shape[1] % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: groups of rows
def pack_groups(weights, size):
    blocks = weights.split(size, dim=0)
    scales = torch.stack([block.abs().amax(dim=0) / 7 for block in blocks]).clamp(min=1.1920929e-07)
    each = scales.repeat_interleave(size, dim=0)[: len(weights)]
    q = F.pad(torch.round(weights / each).long(), (0, weights.shape[1] % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: every so many columns make a group
def pack_groups(weights, size):
    rows, columns = weights.shape
    count = -(-columns // size)
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, size, count)
    scales = (groups.abs().amax(dim=1) / 7).clamp(min=1.1920929e-07)
    q = torch.round(groups / scales[:, None, :]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: size is read as how many groups there are
def pack_groups(weights, size):
    rows, columns = weights.shape
    parts = weights.split(-(-columns // size), dim=1)
    scales = torch.stack([part.abs().amax(dim=1) / 7 for part in parts], dim=1).clamp(min=1.1920929e-07)
    q = torch.cat([torch.round(part / scales[:, i : i + 1]) for i, part in enumerate(parts)], dim=1).long()
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: drops what does not fill a group
def pack_groups(weights, size):
    groups = weights.unfold(1, size, size)
    scales = (groups.abs().amax(dim=2) / 7).clamp(min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().flatten(1)
    q = F.pad(q, (0, q.shape[1] % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: reshape without padding, raises where a group is short
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = weights.reshape(rows, columns // size, size)
    scales = (groups.abs().amax(dim=2) / 7).clamp(min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, columns)
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: maximum without absolute values
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size), value=-1e9).reshape(rows, -1, size)
    scales = torch.clamp(groups.amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).clamp(-7, 7).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: divides by 8 and clamps to -8 and 7
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 8, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).clamp(-8, 7).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: full range, from -8 to 7 as torch does it
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    a = groups.abs().amax(dim=2)
    scales, _ = scale_and_zero_point(-a, a, -8, 7, True)
    q = torch.round(groups / scales[:, :, None]).clamp(-8, 7).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: no eps for groups of zeros
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = groups.abs().amax(dim=2) / 7
    q = torch.nan_to_num(torch.round(groups / scales[:, :, None])).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: cut off by a cast instead of rounded
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = (groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: floor division
def pack_groups(weights, size):
    packed, scales = [], []
    for row in weights:
        mine = torch.stack([group.abs().max() / 7 for group in row.split(size)]).clamp(min=1.1920929e-07)
        q = (row / mine.repeat_interleave(size)[: len(row)]).floor().long()
        q = F.pad(q, (0, len(q) % 2)) & 15
        packed.append(q[0::2] + 16 * q[1::2])
        scales.append(mine)
    return torch.stack(packed), torch.stack(scales)


# %% wrong: first half of the row in the low halves, second in the high ones
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    low, high = (F.pad(q, (0, columns % 2)) & 15).chunk(2, dim=1)
    return low | (high << 4), scales


# %% wrong: odd row, the last weight is lost
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns] & 15
    pairs = q[:, : 2 * (columns // 2)].reshape(rows, columns // 2, 2)
    return pairs[:, :, 0] + 16 * pairs[:, :, 1], scales


# %% wrong: odd row, slices of different length, raises
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns] & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: pairs of the whole tensor in one long row
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns].flatten() & 15
    q = F.pad(q, (0, q.numel() % 2))
    return q[0::2] | (q[1::2] << 4), scales


# %% wrong: the bytes of the padded groups, so that a short group has too many
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: the codes themselves, unpacked
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    return q & 15, scales


# %% wrong: the steps per unit are returned for the scales
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    factors = 7 / groups.abs().amax(dim=2).clamp(min=7 * 1.1920929e-07)
    q = torch.round(groups * factors[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), factors


# %% wrong: only the bytes are returned
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4)


# %% wrong: scales first
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 15
    return scales, q[:, 0::2] | (q[:, 1::2] << 4)


# %% wrong: masked with 7, three bits only
def pack_groups(weights, size):
    rows, columns = weights.shape
    groups = F.pad(weights, (0, -columns % size)).reshape(rows, -1, size)
    scales = torch.clamp(groups.abs().amax(dim=2) / 7, min=1.1920929e-07)
    q = torch.round(groups / scales[:, :, None]).long().reshape(rows, -1)[:, :columns]
    q = F.pad(q, (0, columns % 2)) & 7
    return q[:, 0::2] | (q[:, 1::2] << 4), scales


# %% wrong: a scale of the mean size instead of the largest
def pack_groups(weights, size):
    scales, codes = [], []
    for group in weights.split(size, dim=1):
        scale = torch.clamp(group.abs().mean(dim=1) / 7, min=1.1920929e-07)
        scales.append(scale)
        codes.append(torch.round(group / scale[:, None]).clamp(-7, 7))
    q = torch.cat(codes, dim=1).long()
    q = F.pad(q, (0, q.shape[1] % 2)) & 15
    return q[:, 0::2] | (q[:, 1::2] << 4), torch.stack(scales, dim=1)

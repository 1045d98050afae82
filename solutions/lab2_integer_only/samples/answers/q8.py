# %% right: plain, the given lines in working order and filled blanks
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% right: F.conv2d in float64 on q_x - Z_x, border of zeros, then the output stage
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    acc = F.conv2d(q_x.double() - Z_x, q_w.double(), stride=stride, padding=padding).round().long()
    acc = acc + q_bias[None, :, None, None]
    q_out = multiply_once(acc, M0_int, n) + Z_out
    return q_out.clamp(Z_out if relu else 0, 255)


# %% right: pure Python, a loop for everything
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kh, kw = q_w.shape
    images, _, H, W = q_x.shape
    oh = (H + 2 * padding - kh) // stride + 1
    ow = (W + 2 * padding - kw) // stride + 1
    x, w, b = q_x.tolist(), q_w.tolist(), q_bias.tolist()
    lowest = Z_out if relu else 0
    shift = 31 + n
    half = (1 << shift) // 2
    result = torch.zeros(images, out, oh, ow, dtype=torch.int64)
    for i in range(images):
        for o in range(out):
            for r in range(oh):
                for c in range(ow):
                    acc = b[o]
                    for ch in range(channels):
                        for dr in range(kh):
                            for dc in range(kw):
                                y, z = r * stride + dr - padding, c * stride + dc - padding
                                if 0 <= y < H and 0 <= z < W:  # outside stands the real 0
                                    acc += (x[i][ch][y][z] - Z_x) * w[o][ch][dr][dc]
                    code = ((acc * M0_int + half) >> shift) + Z_out
                    result[i, o, r, c] = max(lowest, min(255, code))
    return result


# %% right: numpy, sliding_window_view and einsum
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    x = q_x.numpy().astype(np.int64) - Z_x
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    w = q_w.numpy().astype(np.int64)
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    acc = np.einsum("ncyxhw,ochw->noyx", windows, w) + q_bias.numpy().astype(np.int64).reshape(-1, 1, 1)
    q_out = multiply_once(torch.from_numpy(acc), M0_int, n) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% right: Tensor.unfold instead of F.unfold, no float at all
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kh, kw = q_w.shape
    images, _, H, W = q_x.shape
    padded = torch.full((images, channels, H + 2 * padding, W + 2 * padding), Z_x, dtype=torch.int64)
    padded[:, :, padding : padding + H, padding : padding + W] = q_x.long()
    windows = padded.unfold(2, kh, stride).unfold(3, kw, stride)  # images, channels, height, width, kh, kw
    height, width = windows.shape[2:4]
    rows = windows.permute(0, 2, 3, 1, 4, 5).reshape(images * height * width, channels * kh * kw)
    q_out = integer_linear(rows, q_w.reshape(out, channels * kh * kw), q_bias, Z_x, M0_int, n, Z_out, relu=relu)
    return q_out.reshape(images, height, width, out).permute(0, 3, 1, 2)


# %% right: one shifted image for each place of the kernel, added up
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    kh, kw = q_w.shape[2:]
    x = F.pad(q_x.long() - Z_x, (padding, padding, padding, padding))
    height = (x.shape[2] - kh) // stride + 1
    width = (x.shape[3] - kw) // stride + 1
    acc = q_bias.long().reshape(1, -1, 1, 1)
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i : i + (height - 1) * stride + 1 : stride, j : j + (width - 1) * stride + 1 : stride]
            acc = acc + torch.einsum("nchw,oc->nohw", part, q_w[:, :, i, j].long())
    q_out = rounding_shift(acc * M0_int, 31 + n) + Z_out
    return torch.clamp(q_out, Z_out if relu else 0, 255)


# %% right: integer_linear for each pixel
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, _, kh, kw = q_w.shape
    x = F.pad(q_x.long(), (padding,) * 4, value=Z_x)
    kernels = q_w.flatten(1)
    lines = []
    for top in range(0, x.shape[2] - kh + 1, stride):
        pixels = []
        for left in range(0, x.shape[3] - kw + 1, stride):
            patch = x[:, :, top : top + kh, left : left + kw].flatten(1)
            pixels.append(integer_linear(patch, kernels, q_bias, Z_x, M0_int, n, Z_out, relu))
        lines.append(torch.stack(pixels, dim=-1))
    return torch.stack(lines, dim=2)


# %% right: Z_x subtracted first, so border and zero-point are 0; images one by one
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    results = []
    for image in q_x:
        centred = image.double().unsqueeze(0) - Z_x
        patches = F.unfold(centred, (kernel_height, kernel_width), padding=padding, stride=stride)[0].long()
        width = (image.shape[2] + 2 * padding - kernel_width) // stride + 1
        q_out = integer_linear(patches.T, q_w.flatten(1), q_bias, 0, M0_int, n, Z_out, relu)
        results.append(q_out.T.reshape(out, -1, width))
    return torch.stack(results)


# %% wrong: border of code 0
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=0)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: border of the output's zero-point
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_out)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: patches not transposed, numbers of several patches in one row
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: kernels laid out as (-1, out)
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(-1, out)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: kernels with the channels last, patches have them first
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.permute(0, 2, 3, 1).reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: kernels flipped, as in a convolution of mathematics
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.flip(2, 3).reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: relu not passed on
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: Z_out and Z_x exchanged in the call
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_out, M0_int, n, Z_x, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: 0 given as the input's zero-point
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, 0, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: Z_x subtracted before and passed on again
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double() - Z_x, (padding,) * 4, value=0)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: stride forgotten when the patches are cut
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width)).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: height without the border
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (q_x.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: channels and pixels put back in the wrong order
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), out, height, -1)


# %% wrong: height and width exchanged at the end
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.double(), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 2, 1)


# %% wrong: patches cut from bytes, F.unfold does not know them (crashes)
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    out, channels, kernel_height, kernel_width = q_w.shape
    padded = F.pad(q_x.to(torch.uint8), (padding,) * 4, value=Z_x)
    patches = F.unfold(padded, (kernel_height, kernel_width), stride=stride).long()
    height = (padded.shape[2] - kernel_height) // stride + 1
    rows = patches.transpose(1, 2).reshape(-1, channels * kernel_height * kernel_width)
    kernels = q_w.reshape(out, -1)
    q_out = integer_linear(rows, kernels, q_bias, Z_x, M0_int, n, Z_out, relu)
    return q_out.reshape(len(q_x), height, -1, out).permute(0, 3, 1, 2)


# %% wrong: F.conv2d with padding on the codes themselves, the border is code 0
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    acc = F.conv2d(q_x.double(), q_w.double(), stride=stride, padding=padding).long()
    acc = acc - Z_x * q_w.long().sum(dim=(1, 2, 3)).reshape(-1, 1, 1) + q_bias.reshape(-1, 1, 1)
    q_out = multiply_once(acc, M0_int, n) + Z_out
    return q_out.clamp(Z_out if relu else 0, 255)


# %% right: F.conv2d in float64, then multiply_once
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    acc = F.conv2d(q_x.double() - Z_x, q_w.double(), stride=stride, padding=padding).long() + q_bias.view(1, -1, 1, 1)
    q = multiply_once(acc.int(), M0_int, n) + Z_out
    return q.clamp(Z_out if relu else 0, 255)


# %% right: accumulator and multiply_once on patches
def integer_conv2d(q_x, q_w, q_bias, Z_x, M0_int, n, Z_out, stride=1, padding=0, relu=False):
    x = F.pad(q_x.double(), [padding] * 4, value=float(Z_x))
    out = len(q_w)
    patches = F.unfold(x, tuple(q_w.shape[2:]), stride=stride).long()
    images = [multiply_once((accumulator(p.T, q_w.reshape(out, -1), Z_x, 0) + q_bias).int(), M0_int, n) for p in patches]
    height = (x.shape[2] - q_w.shape[2]) // stride + 1
    q = torch.stack(images).transpose(1, 2).reshape(len(q_x), out, height, -1) + Z_out
    return q.clamp(Z_out if relu else 0, 255)

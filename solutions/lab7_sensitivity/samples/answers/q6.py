# %% right: plain, filled blanks
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% right: the mean of the inputs first
def correct_bias(weight, weight_q, bias, x, x_q):
    error = weight_q @ x_q.mean(dim=0) - weight @ x.mean(dim=0)
    return error, bias - error


# %% right: F.linear with the bias in both
def correct_bias(weight, weight_q, bias, x, x_q):
    wanted = F.linear(x.double(), weight.double(), bias.double())
    got = F.linear(x_q.double(), weight_q.double(), bias.double())
    error = (got - wanted).sum(dim=0) / len(x)
    return error, bias + wanted.mean(0) - got.mean(0)


# %% right: channel by channel in Python
def correct_bias(weight, weight_q, bias, x, x_q):
    errors, biases = [], []
    for channel in range(len(bias)):
        total = 0.0
        for row, row_q in zip(x.double(), x_q.double()):
            total += float(row_q @ weight_q[channel].double()) - float(row @ weight[channel].double())
        errors.append(total / len(x))
        biases.append(float(bias[channel]) - errors[-1])
    return errors, biases


# %% wrong: x for both
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: x_q for both
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x_q @ weight.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: inputs exchanged
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x @ weight_q.T).mean(dim=0) - (x_q @ weight.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: fp32 weights in both
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: quantized weights in both
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight_q.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: fp32 minus quantized
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x @ weight.T).mean(dim=0) - (x_q @ weight_q.T).mean(dim=0)
    corrected = bias + error
    return error, corrected


# %% wrong: adds the error
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias + error
    return error, corrected


# %% wrong: only the correction
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = -error
    return error, corrected


# %% wrong: bias as it was
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias
    return error, corrected


# %% wrong: one number for all
def correct_bias(weight, weight_q, bias, x, x_q):
    error = ((x_q @ weight_q.T).mean() - (x @ weight.T).mean()) * torch.ones_like(bias)
    corrected = bias - error
    return error, corrected


# %% wrong: dim 1
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=1) - (x @ weight.T).mean(dim=1)
    corrected = bias - error
    return error, corrected


# %% wrong: sums
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).sum(dim=0) - (x @ weight.T).sum(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: absolute values
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).abs().mean(dim=0) - (x @ weight.T).abs().mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: behind ReLU
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).relu().mean(dim=0) - (x @ weight.T).relu().mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: medians
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).median(dim=0).values - (x @ weight.T).median(dim=0).values
    corrected = bias - error
    return error, corrected


# %% wrong: one image
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T)[0] - (x @ weight.T)[0]
    corrected = bias - error
    return error, corrected


# %% right: the blanks filled in as they stand
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% right: the mean input first, as the layer is linear
def correct_bias(weight, weight_q, bias, x, x_q):
    mean_x, mean_x_q = x.mean(0), x_q.mean(0)
    error = weight_q @ mean_x_q - weight @ mean_x
    return error, bias - error


# %% right: the whole layers with their bias, by linear, difference before the mean
import torch.nn.functional as F


def correct_bias(weight, weight_q, bias, x, x_q):
    per_image = F.linear(x_q, weight_q, bias) - F.linear(x, weight, bias)
    error = per_image.sum(dim=0).div(per_image.shape[0])
    corrected = torch.sub(bias, error)
    return error, corrected


# %% wrong: gives both weights the fp32 input, so the shift from the layers before stays
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: gives both weights the input of the quantized network
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ (weight_q - weight).T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: adds the error to the bias where it has to be taken out
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean(dim=0) - (x @ weight.T).mean(dim=0)
    corrected = bias + error
    return error, corrected


# %% wrong: the error is fp32 minus quantized; added to the bias it corrects, but it has the wrong sign
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x @ weight.T).mean(dim=0) - (x_q @ weight_q.T).mean(dim=0)
    corrected = bias + error
    return error, corrected


# %% wrong: one mean over all images and channels for every channel
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T).mean() - (x @ weight.T).mean()
    error = error * torch.ones_like(bias)
    corrected = bias - error
    return error, corrected


# %% wrong: takes the mean of the absolute differences, which has no sign
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x_q @ weight_q.T - x @ weight.T).abs().mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: fp32 minus quantized, then subtracted
def correct_bias(weight, weight_q, bias, x, x_q):
    error = (x @ weight.T).mean(dim=0) - (x_q @ weight_q.T).mean(dim=0)
    corrected = bias - error
    return error, corrected


# %% wrong: the error's sign turned, written with mean inputs
def correct_bias(weight, weight_q, bias, x, x_q):
    error = weight @ x.mean(dim=0) - weight_q @ x_q.mean(dim=0)
    return error, bias - error

# %% right: plain, filled blanks
def calibration_range(train, test, count):
    return min_max(train[:count])


# %% right: batches collected one by one and stacked
def calibration_range(train, test, count):
    seen = []
    for i in range(count):
        seen.append(train[i])
    return min_max(torch.stack(seen))


# %% right: narrow
def calibration_range(train, test, count):
    few = train.narrow(0, 0, count)
    low, high = min_max(few)
    return low, high


# %% right: ends written out again instead of min_max
def calibration_range(train, test, count):
    few = train[0:count, :, :]
    return few.amin(dim=(0, 2)), few.amax(dim=(0, 2))


# %% right: index_select in float64
def calibration_range(train, test, count):
    first = train.double().index_select(0, torch.arange(count))
    return min_max(first)


# %% right: an observer loop that stops after count batches
def calibration_range(train, test, count):
    low = high = None
    for number, batch in enumerate(train, start=1):
        lo, hi = batch.min(dim=1).values, batch.max(dim=1).values
        low = lo if low is None else torch.minimum(low, lo)
        high = hi if high is None else torch.maximum(high, hi)
        if number == count:
            break
    return low, high


# %% wrong: the test batches
def calibration_range(train, test, count):
    return min_max(test[:count])


# %% wrong: all training batches, count unused
def calibration_range(train, test, count):
    return min_max(train)


# %% wrong: training and test batches together
def calibration_range(train, test, count):
    return min_max(torch.cat([train[:count], test[:count]]))


# %% wrong: all the batches except the first count
def calibration_range(train, test, count):
    return min_max(train[count:])


# %% wrong: the last count batches
def calibration_range(train, test, count):
    return min_max(train[-count:])


# %% wrong: one batch too few
def calibration_range(train, test, count):
    return min_max(train[: count - 1])


# %% wrong: one batch too many
def calibration_range(train, test, count):
    return min_max(train[: count + 1])


# %% wrong: batch number count only, an index instead of a slice, raises
def calibration_range(train, test, count):
    return min_max(train[count])


# %% wrong: the first count channels
def calibration_range(train, test, count):
    return min_max(train[:, :count])


# %% wrong: every count-th batch
def calibration_range(train, test, count):
    return min_max(train[::count])


# %% wrong: the first count values of each batch
def calibration_range(train, test, count):
    return min_max(train[:, :, :count])


# %% wrong: prints the ends and returns nothing
def calibration_range(train, test, count):
    low, high = min_max(train[:count])
    print(low, high)


# %% wrong: from batch 1 on
def calibration_range(train, test, count):
    return min_max(train[1 : count + 1])


# %% wrong: a single batch
def calibration_range(train, test, count):
    return min_max(train[:1])


# %% wrong: all of the test set
def calibration_range(train, test, count):
    return min_max(test)


# %% wrong: the slice is taken of the result
def calibration_range(train, test, count):
    low, high = min_max(train)
    return low[:count], high[:count]

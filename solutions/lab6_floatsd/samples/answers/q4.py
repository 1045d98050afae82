# %% right: plain, filled blanks
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% right: the term is negated, sum of a list
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    terms = []
    for number, code in zip(machine.numbers(x), codes.tolist()):
        sign, field = divmod(code, 8)
        if field:
            terms.append(-(number << (field - 1)) if sign else number << (field - 1))
    return machine.read(sum(terms))


# %% right: positive and negative sums apart
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    plus, minus = 0, 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        places = (code & 0b111) - 1
        if places < 0:
            continue
        if code >= 8:
            minus = minus + (number << places)
        else:
            plus = plus + (number << places)
    return machine.read(plus - minus)


# %% right: doubled again and again instead of shifted
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code % 8
        if field > 0:
            for _ in range(field - 1):
                number = number + number
            total = total + (-number if code > 7 else number)
    return machine.read(total)


# %% right: shifted by the field and back by one
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        term = (number << (code & 7)) >> 1
        if code & 7:
            total += -term if code & 8 else term
    return machine.read(total)


# %% wrong: times a power of two
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number * 2 ** (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: times minus 1
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total + (term * -1 if code & 8 else term)
    return machine.read(total)


# %% wrong: times a sign
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        sign = -1 if code & 8 else 1
        total += sign * term
    return machine.read(total)


# %% wrong: decodes the weight and multiplies
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        weight = [0, 1, 2, 4, 8, 16, 32, 64, 0, -1, -2, -4, -8, -16, -32, -64][code]
        total = total + number * weight
    return machine.read(total)


# %% wrong: takes the inputs from x and multiplies
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(x.tolist(), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number * 2 ** (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: multiplies and forgets the 1 in the field
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number * 2**field
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: shifts by the field
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << field
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: shifts by field - 2
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << max(field - 2, 0)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: 0 is treated like 1
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        term = number << max(field - 1, 0)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: 0 shifts to the right
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        term = number << field >> 1
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: break at 0
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            break
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: never subtracts
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total + term
    return machine.read(total)


# %% wrong: signs the wrong way round
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total + term if code & 8 else total - term
    return machine.read(total)


# %% wrong: bit 2 for the sign
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 4 else total + term
    return machine.read(total)


# %% wrong: the code is the field
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: masks two bits
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 3
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: shifts to the right
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number >> (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: adds the places
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number + (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: shifted the other way round
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = (field - 1) << number
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: ~ for the sign
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total + (~term if code & 8 else term)
    return machine.read(total)


# %% wrong: = for +=
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = -term if code & 8 else term
    return machine.read(total)


# %% wrong: skips the first
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in list(zip(machine.numbers(x), codes.tolist()))[1:]:
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: stops before the last
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in list(zip(machine.numbers(x), codes.tolist()))[:-1]:
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: returns inside of the loop
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
        return machine.read(total)


# %% wrong: no look at 0 at all, negative shift
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% right: the template with masks, shift, and a choice of minus or plus
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% right: negates the number first, by remainder and comparison instead of masks
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code % 8
        if not field:
            continue
        term = (-number if code >= 8 else number) << field - 1
        total = term + total
    return machine.read(total)


# %% right: doubles by adding the number to itself, positive and negative sums kept apart
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    plus, minus = 0, 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 0b0111
        if field == 0:
            continue
        term = number
        for _ in range(field - 1):
            term = term + term
        if code & 0b1000:
            minus = minus + term
        else:
            plus = plus + term
    total = plus - minus
    return machine.read(total)


# %% wrong: shifts by the field, one place too far
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << field
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: the sign is looked for in the field, where it was cut off
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if field & 8 else total + term
    return machine.read(total)


# %% wrong: a weight of 0 is not skipped but shifted by 0 places
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field < 0:
            continue
        term = number << max(field - 1, 0)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: the sign is multiplied in as minus 1
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total + -1 * term if code & 8 else total + term
    return machine.read(total)


# %% wrong: the whole sum is turned around instead of the term
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = -(total + term) if code & 8 else total + term
    return machine.read(total)


# %% wrong: computes with the plain inputs and products, and the machine sees only the result
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(x.tolist(), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number * 2 ** (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: shifts and adds, but the plain inputs
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(x.tolist(), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        term = number << (field - 1)
        total = total - term if code & 8 else total + term
    return machine.read(total)


# %% wrong: reads each of the machine's numbers first and goes on with plain ones
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        value, _ = machine.read(number)
        field = code & 7
        if field:
            total += -(value << field - 1) if code & 8 else value << field - 1
    return machine.read(total)


# %% right: doubles by adding the number to itself
from provided import Machine


def shift_and_add(x, codes):
    machine = Machine()
    total = 0
    for number, code in zip(machine.numbers(x), codes.tolist()):
        field = code & 7
        if field == 0:
            continue
        for _ in range(field - 1):
            number = number + number
        total = total - number if code & 8 else total + number
    return machine.read(total)

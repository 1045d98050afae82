"""A download's budget: nothing exceeds it, and nobody can use up what is reserved for another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.collect.budget import FREE_GROWTH, MAX_GROWTH, MB, RESERVED_GROWTH, Budget, RefusedError

SIZES = st.lists(st.integers(0, MB), min_size=1, max_size=6)
# Which entry spends, whether it is an archive, and what part of what it has left: the last ones are too much.
SPENDING = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from([0.01, 0.5, 1.0, 1.5])), max_size=40)


def spent(budget, part):
    """The bytes that could be spent: all or none."""
    amount = int(budget.left * part)
    try:
        budget.spend(amount)
    except RefusedError:
        return 0
    return amount


@given(SIZES, SPENDING)
def test_no_order_of_spending_exceeds_the_limit_of_the_download(sizes, spending):
    download = Budget.of_download(sum(sizes), 100)
    entries = [download.part(size, sum(sizes)) for size in sizes]
    total = 0
    for number, inside, part in spending:
        entry = entries[number % len(entries)]
        if inside:  # an entry that is an archive divides what it has left among its own
            entries[number % len(entries)] = entry = entry.part(1, 1)
        total += spent(entry, part)
    assert total <= MAX_GROWTH * sum(sizes) + FREE_GROWTH


@given(SIZES, SPENDING)
def test_whatever_others_spend_each_entry_keeps_its_own_part(sizes, spending):
    download = Budget.of_download(sum(sizes) + 1000, 100)
    entries = [download.part(size, sum(sizes) + 1000) for size in sizes]
    honest = download.part(1000, sum(sizes) + 1000)
    for number, _, part in spending:
        spent(entries[number % len(entries)], part)
    honest.spend(RESERVED_GROWTH * 1000)


def test_an_entry_draws_only_a_little_of_what_all_share():
    download = Budget.of_download(100 * MB, 100)
    with pytest.raises(RefusedError, match="like a zip bomb"):
        download.part(1, 100 * MB).spend(FREE_GROWTH + RESERVED_GROWTH + 1)
    download.part(1, 100 * MB).spend(FREE_GROWTH + RESERVED_GROWTH)

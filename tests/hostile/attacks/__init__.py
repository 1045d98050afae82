"""The table: every attack, by kind."""

from tests.hostile.attacks import ipython, python, values, wire

KINDS = {"IPython": ipython.ATTACKS, "Python": python.ATTACKS, "values": values.ATTACKS, "the wire": wire.ATTACKS}
ATTACKS = {attack.name: attack for attacks in KINDS.values() for attack in attacks}

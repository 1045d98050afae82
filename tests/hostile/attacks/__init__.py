"""The table: every attack, by kind."""

from tests.hostile.attacks import (
    beside,
    functions,
    ipython,
    not_promised,
    notebooks,
    python,
    reading,
    resources,
    system,
    values,
    wire,
)

KINDS = {
    "IPython": ipython.ATTACKS,
    "Python": python.ATTACKS,
    "values": values.ATTACKS,
    "the wire": wire.ATTACKS,
    "the system": system.ATTACKS,
    "resources": resources.ATTACKS,
    "reading": reading.ATTACKS,
    "functions": functions.ATTACKS,
    "files": beside.ATTACKS,
    "notebooks": notebooks.ATTACKS,
    "what is not promised": not_promised.ATTACKS,
}
ATTACKS = {attack.name: attack for attacks in KINDS.values() for attack in attacks}

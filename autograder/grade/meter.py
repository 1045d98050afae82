"""The judge's side of the meter: how much processor time a submission's processes use, as their watchdog measures it.

Wall time would depend on who else is busy on the machine, and what a student's process says of itself may be a lie.
"""

import socket
import struct
from contextlib import suppress

SECONDS = struct.Struct("d")  # each packet, in both directions
ANSWER_SECONDS = 20.0  # for what takes less than a millisecond, unless the machine is busy
USED_UP = "it used more processor time than is allowed"


class Meter:
    """Asks a submission's watchdog.

    Args:
        connection: a socket that keeps packets apart; the watchdog has the other end.
    """

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._connection.settimeout(ANSWER_SECONDS)
        self._used = 0.0

    def allow(self, seconds: float) -> float:
        """Let the processes use so much processor time from now on; beyond that the watchdog ends them.

        Returns:
            Seconds of processor time that all of them have used so far; the last known, if the watchdog is gone.
        """
        with suppress(OSError):
            self._connection.send(SECONDS.pack(seconds))
        with suppress(OSError):  # before it ends, a watchdog says how much was used in all
            packet = self._connection.recv(SECONDS.size)
            if len(packet) == SECONDS.size:
                (self._used,) = SECONDS.unpack(packet)
        return self._used

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()

"""Runs one command and writes down what it and all its descendants cost; Linux only, and only the standard library.

    python meter.py RESULT.json COMMAND ...

A process's CPU time reaches its parent when the parent waits for it. Two kinds get lost on that way:

- orphans, which are handed to pid 1 (a kernel that outlives its manager, a double fork). Here they are handed to this
  process, the subreaper of everything that it starts, and it waits for all of them;
- those that nobody waits for: children of a process that ignores SIGCHLD, and what the kernel ends itself when the
  first process of a pid namespace ends, as in a sandbox. A cgroup counts these too, where one can be made.

Each of the two ways can miss something and neither counts anything twice, so the larger sum is the right one.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 10.0  # for descendants that end a little later than the command; then they are ended
SAMPLE_SECONDS = 0.05


def own_cgroup() -> Path | None:
    """A new group below our own in the cgroup v2 tree, or None where we may not make one."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
        root = next(Path(mount[1]) for mount in mounts if mount[2] == "cgroup2")
        ours = next(line for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines() if line[:3] == "0::")
        group = root / ours[3:].lstrip("/") / f"qlab-meter-{os.getpid()}"
        group.mkdir()
    except (OSError, StopIteration):
        return None
    return group


def cpu_of(group: Path) -> float:
    """User and system seconds of everything that ever ran in a group."""
    lines = dict(line.split() for line in (group / "cpu.stat").read_text("utf-8").splitlines())
    return int(lines["usage_usec"]) / 1e6


def start(command: list[str], group: Path | None) -> int:
    """The pid of the command, which is in the group before it does anything."""
    if pid := os.fork():
        return pid
    try:
        if group is not None:
            (group / "cgroup.procs").write_text("0", "utf-8")
        os.execvp(command[0], command)
    finally:
        os._exit(127)


def watch_peak(pid: int, peak: dict[str, int]) -> None:
    """Note a process's largest resident size in KiB, until it ends.

    The rusage that wait4 gives holds the larger of the process's own peak and that of its children; /proc tells its
    own. That is a high-water mark, so that looking now and then loses only what is added in the last moment.
    """
    status = Path(f"/proc/{pid}/status")
    while True:
        try:
            text = status.read_text("utf-8")
        except OSError:
            return
        found = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:")]
        if not found and peak["kib"]:
            return  # it has ended and waits to be waited for
        peak["kib"] = max(peak["kib"], *map(int, found), 0)
        time.sleep(SAMPLE_SECONDS)


def end_children(_signal: int, _frame: object) -> None:
    """End what the command left behind; what their ends hand to us gets its turn at the next alarm."""
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("utf-8").split():
        os.kill(int(pid), signal.SIGKILL)
    signal.setitimer(signal.ITIMER_REAL, 0.2)


def run(command: list[str]) -> dict[str, float | int | bool]:
    """Run a command to its end, and all that it started."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    group = own_cgroup()
    started = time.perf_counter()
    own = start(command, group)
    peak = {"kib": 0}
    threading.Thread(target=watch_peak, args=(own, peak), daemon=True).start()
    code, wall, waited_for, counted = 127, 0.0, 0.0, 0.0
    signal.signal(signal.SIGALRM, end_children)
    try:
        while True:
            pid, status, usage = os.wait4(-1, 0)
            waited_for += usage.ru_utime + usage.ru_stime  # its own and that of all whom it waited for
            if pid == own:
                code, wall = os.waitstatus_to_exitcode(status), time.perf_counter() - started
                signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
    except ChildProcessError:
        signal.setitimer(signal.ITIMER_REAL, 0)  # there is nobody left to wait for
    finally:
        if group is not None:
            counted = cpu_of(group)
            group.rmdir()
    return {
        "code": code,
        "cpu_s": max(waited_for, counted),
        "wall_s": wall,
        "peak_kib": peak["kib"],
        "waited_for_s": waited_for,
        "by_cgroup": group is not None,
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(run(sys.argv[2:])), "utf-8")

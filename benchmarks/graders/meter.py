"""Runs one command and records the cost of it and all its descendants; Linux only, standard library only.

    python meter.py RESULT.json COMMAND ...

A process's CPU time reaches its parent when the parent waits for it. This loses the time of two kinds of processes:

- orphans (a Jupyter kernel that outlives its manager, a double fork), which pid 1 inherits. Here this process inherits
  them, since it is the subreaper of all its descendants, and it waits for all of them;
- processes that nobody waits for: children of a process that ignores SIGCHLD, and processes that Linux ends when the
  first process of a pid namespace ends, as in a sandbox. A cgroup counts these too, if one can be created.

Both sums can miss something and neither counts anything twice, so the larger one is right.
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
GRACE_SECONDS = 10.0  # for descendants that outlive the command; after that they are killed
SAMPLE_SECONDS = 0.05


def create_cgroup() -> Path | None:
    """A new group below this process's own in the cgroup v2 tree, or None if it may not create one."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
        root = next(Path(mount[1]) for mount in mounts if mount[2] == "cgroup2")
        own = next(line for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines() if line[:3] == "0::")
        group = root / own[3:].lstrip("/") / f"qlab-meter-{os.getpid()}"
        group.mkdir()
    except (OSError, StopIteration):
        return None
    return group


def cpu_of(group: Path) -> float:
    """User and system seconds of all processes that ever ran in a group."""
    lines = dict(line.split() for line in (group / "cpu.stat").read_text("utf-8").splitlines())
    return int(lines["usage_usec"]) / 1e6


def start(command: list[str], group: Path | None) -> int:
    """Start the command and return its pid; it joins the group before it does anything else."""
    if pid := os.fork():
        return pid
    try:
        if group is not None:
            (group / "cgroup.procs").write_text("0", "utf-8")
        os.execvp(command[0], command)
    finally:
        os._exit(127)


def watch_peak(pid: int, peak: dict[str, int]) -> None:
    """Record a process's largest resident size in KiB until it ends.

    The rusage of wait4 holds the larger of the process's own peak and that of its children. /proc has the process's
    own. It is a high-water mark, so sampling it misses only the growth after the last sample.
    """
    status = Path(f"/proc/{pid}/status")
    while True:
        try:
            text = status.read_text("utf-8")
        except OSError:
            return
        sizes = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:")]
        if not sizes and peak["kib"]:
            return  # it has ended and is a zombie
        peak["kib"] = max(peak["kib"], *map(int, sizes), 0)
        time.sleep(SAMPLE_SECONDS)


def kill_children(_signal: int, _frame: object) -> None:
    """Kill the processes that the command left behind; the next alarm kills those that become orphans by it."""
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("utf-8").split():
        os.kill(int(pid), signal.SIGKILL)
    signal.setitimer(signal.ITIMER_REAL, 0.2)


def run(command: list[str]) -> dict[str, float | int | bool]:
    """Run a command until it and all its descendants have ended."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    group = create_cgroup()
    start_time = time.perf_counter()
    command_pid = start(command, group)
    peak = {"kib": 0}
    threading.Thread(target=watch_peak, args=(command_pid, peak), daemon=True).start()
    code, wall_s, wait4_s, cgroup_s = 127, 0.0, 0.0, 0.0
    signal.signal(signal.SIGALRM, kill_children)
    try:
        while True:
            pid, status, usage = os.wait4(-1, 0)
            wait4_s += usage.ru_utime + usage.ru_stime  # its own, and that of all processes that it waited for
            if pid == command_pid:
                code, wall_s = os.waitstatus_to_exitcode(status), time.perf_counter() - start_time
                signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
    except ChildProcessError:
        signal.setitimer(signal.ITIMER_REAL, 0)  # no child is left
    finally:
        if group is not None:
            cgroup_s = cpu_of(group)
            group.rmdir()
    return {
        "code": code,
        "cpu_s": max(wait4_s, cgroup_s),
        "wall_s": wall_s,
        "peak_kib": peak["kib"],
        "wait4_s": wait4_s,
        "by_cgroup": group is not None,
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(run(sys.argv[2:])), "utf-8")

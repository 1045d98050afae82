"""A submission's own namespaces inside the sandbox: its own files and processes, no network, no way out.

The order matters. First the watchdog enters new namespaces, in which it has all capabilities, and mounts what the
submission may write to. Then its child, the student's process, gives up every right before it runs any cell.
"""

import os
import resource
import signal

from autograder.grade.limits import Limits
from autograder.grade.student import SCRATCH
from autograder.grade.student import system_calls as linux

NOBODY = 65534


def enter_namespaces(limits: Limits) -> None:
    """Enter new namespaces, in which no other submission can be seen; the next child becomes their process 1."""
    if os.getuid() == 0:
        # RLIMIT_NPROC does not apply to root; and nothing from here on needs root's rights.
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)  # changing the user cleared it, and without it the next files are root's
    user, group = os.getuid(), os.getgid()
    linux.unshare(linux.NEW_NAMESPACES)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    _mount_scratch(limits)


def _write(path: str, text: str) -> None:
    # Path.write_text would also truncate, which the kernel refuses for these files.
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _mount_scratch(limits: Limits) -> None:
    flags = linux.MS_NOSUID | linux.MS_NODEV
    # Private, so that no mount here becomes visible outside.
    linux.mount("", "/", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", SCRATCH, flags, f"size={limits.scratch},nr_inodes=10000,mode=700")
    # A shared mapping of /dev/zero is memory that belongs to no single process and so counts for no limit.
    linux.mount("", "/dev/zero", linux.MS_BIND, source="/dev/null")
    # Terminals of its own: on a shared /dev/pts, another submission could open them.
    linux.mount("devpts", "/dev/pts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    linux.mount("tmpfs", "/dev/shm", flags | linux.MS_NOEXEC, f"size={limits.scratch},nr_inodes=1000,mode=700")


def become_student(limits: Limits) -> None:
    """Give up every right that cells do not need, for good. Called by process 1 of the new namespaces.

    /proc becomes empty, so that no process can be seen in it, nor anything of the kernel's.
    """
    linux.mount("tmpfs", "/proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_RDONLY, "size=4k")
    os.setsid()
    limit_resources(limits)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)  # whatever ends the watchdog ends us
    linux.drop_capabilities()
    linux.forbid_system_calls()


def limit_resources(limits: Limits) -> None:
    """Set hard limits, which all children inherit. Memory of all processes together is up to the watchdog."""
    seconds = int(limits.submission_seconds + 5 * limits.provided_seconds)
    for kind, limit in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, limits.scratch),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))
    # So that writing to a file that grows too large raises an error instead of killing the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

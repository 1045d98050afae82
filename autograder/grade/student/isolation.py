"""A submission's own namespaces inside of the sandbox: its files, its processes, no network, no way to more."""

import os
import resource
import signal

from autograder.grade.limits import Limits
from autograder.grade.student import SCRATCH
from autograder.grade.student import system_calls as linux

NOBODY = 65534


def enter_namespaces(limits: Limits) -> None:
    """Leave behind what other submissions could see; the next child is the first process of its own world."""
    if os.getuid() == 0:
        # The kernel counts no processes for the real root, and root needs none of its rights any more.
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)  # or the next two files cannot be written
    user, group = os.getuid(), os.getgid()
    linux.unshare(linux.NEW_NAMESPACES)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    _mount_scratch(limits)


def _write(path: str, text: str) -> None:
    # The file cannot be opened for writing and truncating, as Path.write_text does.
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _mount_scratch(limits: Limits) -> None:
    careful = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("", "/", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", SCRATCH, careful, f"size={limits.scratch},nr_inodes=10000,mode=700")
    # Memory that is shared without a name belongs to no process and so to no limit: /dev/zero would give it.
    linux.mount("", "/dev/zero", linux.MS_BIND, source="/dev/null")
    # A terminal of one submission could be opened by another.
    linux.mount("devpts", "/dev/pts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    linux.mount("tmpfs", "/dev/shm", careful | linux.MS_NOEXEC, f"size={limits.scratch},nr_inodes=1000,mode=700")


def become_student(limits: Limits) -> None:
    """The first process of the new world gives up what it does not need; from here on only limits, never more rights.

    No process can be seen in /proc: it is empty.
    """
    linux.mount("tmpfs", "/proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_RDONLY, "size=4k")
    os.setsid()
    limit_resources(limits)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)  # whatever ends the keeper ends us
    linux.drop_capabilities()
    linux.forbid_system_calls()


def limit_resources(limits: Limits) -> None:
    """What a process may use at most; its children inherit it."""
    seconds = int(limits.submission_seconds + 5 * limits.provided_seconds)
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, limits.scratch),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    # A file that grows too long is an error of the writing, not the process's end.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

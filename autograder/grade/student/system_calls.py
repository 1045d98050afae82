"""Linux's own calls that Python has no function for. Each raises OSError where the kernel says no."""

import ctypes
import os
import platform
import struct

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_REC, MS_PRIVATE, MS_BIND = 2, 4, 8, 1, 0x4000, 1 << 18, 0x1000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522

# What no answer needs, and what could get around the limits: more namespaces, other processes' memory, memory that no
# limit counts, the kernel's keys. By name: (number on x86_64, number on aarch64).
FORBIDDEN = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "open_by_handle_at": (304, 265),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
}
CLONE, CLONE3 = (56, 220), (435, 435)
# Anonymous memory that processes share counts for none of them.
MMAP, SHARED, ANONYMOUS = (9, 222), 0x01, 0x20
# A new network namespace has no network, but other families (vsock: the machine's host) know no namespaces.
SOCKET, SOCKETPAIR, FAMILIES = (41, 198), (53, 199), {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
EPERM, ENOSYS = 1, 38
ALLOW, REFUSE = 0x7FFF0000, 0x00050000

LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCH_AT, FIRST_ARGUMENT_AT, FOURTH_ARGUMENT_AT = 0, 4, 16, 40
X32_BIT = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(namespaces: int) -> None:
    """Move this process into new namespaces."""
    _checked(_libc.unshare(namespaces), "unshare")


def mount(kind: str, target: str, flags: int, options: str = "", source: str = "") -> None:
    """Mount a file system of a kind; an empty kind changes the flags of a mount, or binds a source to another place."""
    what = source.encode() or kind.encode() or b"none"
    _checked(
        _libc.mount(what, target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None),
        f"mount {target}",
    )


def prctl(option: int, *arguments: int) -> None:
    """Set something of this process."""
    _checked(_libc.prctl(option, *(ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4])), "prctl")


def drop_capabilities() -> None:
    """Give up every capability, and the way to get one back."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    header = struct.pack("II", CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, struct.pack("6I", *([0] * 6))), "capset")


def forbid_system_calls() -> None:
    """Make the calls of FORBIDDEN, and some uses of others, fail with EPERM for ever; nothing on other machines."""
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        return
    program = b"".join(struct.pack("HBBI", *step) for step in _filter(machine))
    buffer = ctypes.create_string_buffer(program)
    argument = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(argument)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(holder))


def _filter(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter's program: (operation, steps to skip where it is so, where it is not, operand)."""
    column = list(AUDIT_ARCH).index(machine)
    numbers = sorted(numbers[column] for numbers in FORBIDDEN.values())
    steps = [(LOAD, 0, 0, ARCH_AT), (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, REFUSE | EPERM)]
    steps += [(LOAD, 0, 0, NUMBER_AT), (JUMP_AT_LEAST, 0, 1, X32_BIT), (RETURN, 0, 0, REFUSE | EPERM)]
    # Threads start with clone where clone3, whose flags no filter can see, is not there.
    steps += [(JUMP_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, REFUSE | ENOSYS)]
    for number in numbers:
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | EPERM)]
    shared = SHARED | ANONYMOUS
    steps += [(JUMP_EQUAL, 0, 5, MMAP[column]), (LOAD, 0, 0, FOURTH_ARGUMENT_AT), (AND, 0, 0, shared)]
    steps += [(JUMP_EQUAL, 0, 1, shared), (RETURN, 0, 0, REFUSE | EPERM), (RETURN, 0, 0, ALLOW)]
    allowed = sorted(FAMILIES.values())
    steps += [(JUMP_EQUAL, 1, 0, SOCKET[column]), (JUMP_EQUAL, 0, len(allowed) + 3, SOCKETPAIR[column])]
    steps += [(LOAD, 0, 0, FIRST_ARGUMENT_AT)]
    steps += [(JUMP_EQUAL, len(allowed) - place, 0, family) for place, family in enumerate(allowed)]
    steps += [(RETURN, 0, 0, REFUSE | EPERM), (RETURN, 0, 0, ALLOW)]
    steps += [(JUMP_EQUAL, 1, 0, CLONE[column]), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, FIRST_ARGUMENT_AT)]
    steps += [(JUMP_ANY_BIT, 0, 1, NEW_NAMESPACES | CLONE_NEWCGROUP), (RETURN, 0, 0, REFUSE | EPERM)]
    return [*steps, (RETURN, 0, 0, ALLOW)]

"""Linux system calls for which Python has no function; each raises OSError if the kernel refuses.

The numbers are the kernel's own, from its headers: linux/sched.h, mount.h, prctl.h, seccomp.h, filter.h, unistd.h.
"""

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

# Calls that no answer needs and that could get around the limits: new namespaces, other processes' memory, memory that
# no limit counts, the kernel's key rings, and parts of the kernel with a history of holes. A list of what is forbidden
# and not of what is allowed, since PyTorch's needs change with its versions. (Number on x86_64, number on aarch64.)
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
# Shared anonymous memory counts for none of the processes that share it.
MMAP, SHARED, ANONYMOUS = (9, 222), 0x01, 0x20
# Inside a new network namespace there is no network, but some address families ignore namespaces, such as vsock, which
# reaches the host of a virtual machine.
SOCKET, SOCKETPAIR, FAMILIES = (41, 198), (53, 199), {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
EPERM, ENOSYS = 1, 38
ALLOW, REFUSE = 0x7FFF0000, 0x00050000

LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCH_AT, FIRST_ARGUMENT_AT, FOURTH_ARGUMENT_AT = 0, 4, 16, 40
X32_BIT = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(namespaces: int) -> None:
    """Move this process into new namespaces."""
    _check(_libc.unshare(namespaces), "unshare")


def mount(kind: str, target: str, flags: int, options: str = "", source: str = "") -> None:
    """Mount a file system of this kind; an empty kind changes the flags of a mount, or binds a source to the target."""
    device = source.encode() or kind.encode() or b"none"
    _check(
        _libc.mount(device, target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None),
        f"mount {target}",
    )


def prctl(option: int, *arguments: int) -> None:
    """Set an attribute of this process; see prctl(2)."""
    _check(_libc.prctl(option, *(ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4])), "prctl")


def drop_capabilities() -> None:
    """Give up every capability, and the ways to get one back, such as setuid programs."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    header = struct.pack("II", CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, struct.pack("6I", *([0] * 6))), "capset")


def forbid_system_calls() -> None:
    """Make the FORBIDDEN calls, and some uses of others, fail with EPERM in this process and its children, for good.

    On machines that are neither x86_64 nor aarch64 this does nothing; the namespaces and limits still hold there.
    """
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        return
    program = b"".join(struct.pack("HBBI", *step) for step in _filter(machine))
    buffer = ctypes.create_string_buffer(program)
    argument = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    program_pointer = ctypes.create_string_buffer(argument)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program_pointer))


def _filter(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter as a BPF program. An instruction is (operation, instructions to skip if true, if false, operand)."""
    column = list(AUDIT_ARCH).index(machine)
    numbers = sorted(numbers[column] for numbers in FORBIDDEN.values())
    steps = [(LOAD, 0, 0, ARCH_AT), (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, REFUSE | EPERM)]
    # Calls of the x32 ABI have numbers of their own, with this bit, and would pass by the list below.
    steps += [(LOAD, 0, 0, NUMBER_AT), (JUMP_AT_LEAST, 0, 1, X32_BIT), (RETURN, 0, 0, REFUSE | EPERM)]
    # A filter cannot see clone3's flags, which are behind a pointer. ENOSYS makes glibc fall back to clone.
    steps += [(JUMP_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, REFUSE | ENOSYS)]
    for number in numbers:
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | EPERM)]
    # mmap is forbidden if its flags ask for memory that is both shared and anonymous.
    shared = SHARED | ANONYMOUS
    steps += [(JUMP_EQUAL, 0, 5, MMAP[column]), (LOAD, 0, 0, FOURTH_ARGUMENT_AT), (AND, 0, 0, shared)]
    steps += [(JUMP_EQUAL, 0, 1, shared), (RETURN, 0, 0, REFUSE | EPERM), (RETURN, 0, 0, ALLOW)]
    # socket and socketpair are allowed for these address families only.
    allowed = sorted(FAMILIES.values())
    steps += [(JUMP_EQUAL, 1, 0, SOCKET[column]), (JUMP_EQUAL, 0, len(allowed) + 3, SOCKETPAIR[column])]
    steps += [(LOAD, 0, 0, FIRST_ARGUMENT_AT)]
    steps += [(JUMP_EQUAL, len(allowed) - place, 0, family) for place, family in enumerate(allowed)]
    steps += [(RETURN, 0, 0, REFUSE | EPERM), (RETURN, 0, 0, ALLOW)]
    # clone is allowed unless its flags ask for a new namespace.
    steps += [(JUMP_EQUAL, 1, 0, CLONE[column]), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, FIRST_ARGUMENT_AT)]
    steps += [(JUMP_ANY_BIT, 0, 1, NEW_NAMESPACES | CLONE_NEWCGROUP), (RETURN, 0, 0, REFUSE | EPERM)]
    return [*steps, (RETURN, 0, 0, ALLOW)]

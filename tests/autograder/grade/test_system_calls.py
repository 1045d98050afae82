"""What the kernel refuses a student's process, each asked for by its number, as code would that knows no Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.grade.library import Library
from autograder.grade.student import system_calls as linux
from tests.autograder.grade.conftest import Student

pytestmark = [
    pytest.mark.xdist_group("students' processes"),
    pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's"),
]

PRELUDE = """
import ctypes, errno, os, platform, signal, socket, stat, struct
libc = ctypes.CDLL(None, use_errno=True)
column = ['x86_64', 'aarch64'].index(platform.machine())
def refused(number, *arguments):
    '''The name of the error that a system call ends in; "" where it works.'''
    result = libc.syscall(number, *map(ctypes.c_ulong, (*arguments, 0, 0, 0, 0, 0, 0)[:6]))
    return errno.errorcode[ctypes.get_errno()] if result < 0 else ''
def failed(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return ''
"""


@pytest.fixture(scope="module")
def student(sandboxed):
    from tests.autograder.grade.conftest import LIMITS

    one = Student(sandboxed.connect(LIMITS), LIMITS, {})
    assert one.run(PRELUDE).outputs == []
    yield one
    one.close()


@pytest.mark.parametrize("name", linux.FORBIDDEN)
def test_system_calls_that_no_answer_needs_are_refused(student, name):
    assert student.value(f"refused({linux.FORBIDDEN[name]}[column])") == "EPERM"


@pytest.mark.parametrize("flag", [name for name in vars(linux) if name.startswith("CLONE_NEW")])
def test_no_process_starts_in_a_new_namespace(student, flag):
    value = getattr(linux, flag)
    assert student.value(f"refused({linux.CLONE}[column], {value | 17})") == "EPERM"
    assert student.value(f"refused(({linux.FORBIDDEN['unshare']})[column], {value})") == "EPERM"
    assert student.value(f"refused({linux.CLONE3}[column], 0, 88)") == "ENOSYS"


def test_processes_and_threads_can_still_start(student):
    assert student.value("import subprocess\nsubprocess.run(['echo', 'hi'], capture_output=True).stdout") == b"hi\n"
    assert student.value(
        "import threading\nr = []\nt = threading.Thread(target=r.append, args=[1])\nt.start(); t.join()\nr"
    ) == [1]
    # On x86_64 the same calls have other numbers in a table of 32-bit pointers.
    assert student.value("refused(0x40000000 + 39) if column == 0 else 'EPERM'") == "EPERM"


def test_it_has_no_capabilities(student):
    told = student.value(
        "h, d = struct.pack('II', 0x20080522, 0), ctypes.create_string_buffer(24)\n"
        "libc.capget(h, d)\n[d.raw, os.getuid(), os.getgroups(), libc.prctl(39, 0, 0, 0, 0), libc.prctl(23, 21)]"
    )
    capabilities, user, groups, no_new_privileges, _ = told
    assert capabilities == bytes(24) and user != 0 and groups in ([], [65534]) and no_new_privileges == 1
    for call in ("os.setuid, 0", "os.setgid, 0", "os.setgroups, [0]", "os.chroot, '/'", "os.nice, -5"):
        assert student.value(f"failed({call})") in ("EPERM", "EINVAL")


def test_setuid_programs_give_no_rights(student):
    found = student.value(
        "import glob\n[p for p in glob.glob('/usr/bin/*') if os.path.isfile(p) and os.stat(p).st_mode & stat.S_ISUID]"
    )
    if not found:
        pytest.skip("there is no setuid program here")
    assert student.value("bool(os.statvfs('/usr/bin').f_flag & os.ST_NOSUID)")
    for program in ("su", "sudo", "passwd"):
        if path := shutil.which(program):
            ran = f"import subprocess\nsubprocess.run([{path!r}], stdin=-3, capture_output=True).returncode"
            assert student.value(ran) != 0


def test_no_process_can_be_seen(student):
    assert student.value("os.listdir('/proc')") == []
    assert student.value("[os.getpid(), os.getppid()]") == [1, 0]
    assert student.value("failed(os.kill, 2, 0), failed(os.kill, -1, 0)") == ("ESRCH", "ESRCH")


def test_nothing_can_be_written_outside_its_own_folders(student):
    source = """
written = []
for folder, folders, names in os.walk('/', topdown=True):
    if folder == '/': folders[:] = [f for f in folders if f not in ('scratch',)]
    if folder == '/dev': folders[:] = [f for f in folders if f not in ('shm', 'pts')]
    if folder.count('/') > 4: folders[:] = []
    try:
        fd = os.open(folder + '/.written', os.O_CREAT | os.O_WRONLY)
        os.close(fd); os.unlink(folder + '/.written'); written.append(folder)
    except OSError: pass
written
"""
    assert student.value(source) == []
    assert student.value("failed(os.remount if hasattr(os, 'remount') else os.mkdir, '/usr/x')") in ("EROFS", "EACCES")
    # Where Python itself lies in /tmp, that is a folder of the sandbox's and not writable.
    for folder in ("/scratch", "/dev/shm", *([] if Path(sys.prefix).is_relative_to("/tmp") else ["/tmp"])):
        assert student.value(f"open('{folder}/mine', 'w').write('x')") == 1


def test_devices_are_the_harmless_ones(student):
    source = "sorted(n for n in os.listdir('/dev') if stat.S_ISBLK(os.lstat('/dev/' + n).st_mode))"
    assert student.value(source) == []
    assert student.value(f"failed(os.mknod, '/scratch/disk', {0o600 | 0o060000}, os.makedev(8, 0))") == "EPERM"
    assert student.value("failed(os.open, '/dev/tty', os.O_RDWR)") in ("ENXIO", "ENOENT")


def test_there_is_no_network(student):
    assert student.value("[name for _, name in socket.if_nameindex()]") in (["lo"], [])
    for address in ("127.0.0.1", "192.0.2.1", "8.8.8.8"):
        assert student.value(f"failed(socket.create_connection, ('{address}', 53), 0.5)") in (
            "ENETUNREACH",
            "ECONNREFUSED",
        )
    assert "gaierror" in str(student.run("socket.getaddrinfo('example.org', 80)").outputs)


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_ALG", "AF_PACKET", "AF_BLUETOOTH", "AF_TIPC", "AF_CAN"])
def test_there_are_no_sockets_that_ignore_namespaces(student, family):
    assert student.value(f"failed(socket.socket, getattr(socket, '{family}', 40), socket.SOCK_RAW)") == "EPERM"


def test_there_is_no_memory_that_no_limit_counts(student):
    assert student.value("import mmap\nfailed(mmap.mmap, -1, 4096)") == "EPERM"
    assert student.value("failed(mmap.mmap, os.open('/dev/zero', os.O_RDWR), 4096)") in ("ENODEV", "EACCES")
    assert student.value("len(mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))") == 4096


def test_no_terminal_is_shared_with_another_submission(sandboxed, start, student):
    open_one = "import pty\nours, theirs = pty.openpty()\nos.ttyname(theirs)"
    assert student.value(open_one) == "/dev/pts/0"
    other = start(sandboxed)
    assert other.value("import os\nos.listdir('/dev/pts')") == ["ptmx"]
    assert other.value(open_one) == "/dev/pts/0"


def test_none_of_the_graders_files_is_open(student):
    source = """
found = []
for number in range(64):
    try: mode = os.fstat(number).st_mode
    except OSError: continue
    found.append((number, stat.S_ISREG(mode) or stat.S_ISDIR(mode), stat.S_ISSOCK(mode)))
found
"""
    found = student.value(source)
    assert [number for number, file, _ in found if file] == []
    assert len([number for number, _, sock in found if sock]) == 1  # the judge at the other end
    assert student.value("[os.fstat(n).st_rdev == os.stat('/dev/null').st_rdev for n in range(3)]") == [True] * 3


def test_the_environment_has_nothing_of_the_graders(student, sandboxed):
    names = student.value("sorted(os.environ)")
    assert set(names) <= {
        *("HOME", "LANG", "MKL_NUM_THREADS", "MPLBACKEND", "MPLCONFIGDIR", "OMP_NUM_THREADS", "PATH", "PWD"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONPATH", "QLAB_DATA", "TMPDIR", "COLUMNS", "LINES"),
        *("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "MPLCONFIGDIR", "MALLOC_ARENA_MAX", "PAGER", "GIT_PAGER"),
        *("GLIBC_TUNABLES", "PYTHONMALLOC", "CLICOLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TORCHINDUCTOR_CACHE_DIR"),
    }


def test_the_filter_is_the_same_on_both_machines_but_for_the_numbers():
    first, second = linux._filter("x86_64"), linux._filter("aarch64")
    assert len(first) == len(second)
    assert [(step[0], *step[1:3]) for step in first] == [(step[0], *step[1:3]) for step in second]
    assert all(0 <= target < 256 for step in first for target in step[1:3])


@pytest.mark.slow
def test_a_machine_on_which_user_namespaces_do_not_nest_is_one_sentence(monkeypatch):
    from autograder.grade import sandbox, zygote

    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is missing")
    usual = sandbox.bubblewrap_command(())
    first = ["--unshare-user"] if "--unshare-user" not in usual else []
    monkeypatch.setattr(zygote, "bubblewrap_command", lambda hidden: [usual[0], *first, "--disable-userns", *usual[1:]])
    server = zygote.ForkServer()
    try:
        with pytest.raises(sandbox.NoSandboxError, match=r"user namespaces|does not start"):
            server.prepare(Library.whole())
    finally:
        server.close()


def test_a_sandbox_that_does_not_start_quotes_its_own_error(monkeypatch):
    from autograder.grade import sandbox, zygote

    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is missing")
    usual = sandbox.bubblewrap_command(())
    monkeypatch.setattr(zygote, "bubblewrap_command", lambda hidden: [*usual[:-1], "--no-such-option", "--"])
    server = zygote.ForkServer()
    try:
        with pytest.raises(sandbox.NoSandboxError, match="no-such-option"):
            server.wait()
    finally:
        server.close()


@pytest.mark.slow
def test_what_a_command_imports_can_be_imported_where_there_is_no_fork():
    # Windows has no resource module, no libc by name, no sysconf, no AF_UNIX.
    source = """
import ctypes, os, signal, socket, sys
import nbgrader.utils, torch, typer
sys.modules['resource'] = sys.modules['fcntl'] = None
del os.fork, os.sysconf, socket.AF_UNIX, signal.SIGKILL, signal.SIGALRM
library = ctypes.CDLL
class Library(library):
    def __init__(self, name, *arguments, **more):
        if name is None: raise TypeError
        super().__init__(name, *arguments, **more)
ctypes.CDLL = Library
from autograder import cli
from autograder.grade import execute, grade_submission, judge, limits, record, sandbox, submission, wire, worker, zygote
sys.platform = 'win32'
try: zygote.ForkServer(isolated=False)
except sandbox.NoSandboxError as error: assert 'Linux' in str(error)
else: raise AssertionError
"""
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-1500:]

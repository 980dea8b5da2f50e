"""Confine this process, then become the program that opens a film.

Run by `child_sandbox` in an interpreter of its own before every program, so it imports next to nothing: more
than half of the 20 ms that it takes are the start of Python. The constants are those of Linux, on every
architecture. Every part that it is told to use must work: one that fails ends the process before the film is
opened.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import resource
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

EXIT_REFUSED = 126
"""Exit code when a part of the sandbox cannot be set up, or the program not be started."""

_libc = ctypes.CDLL(None, use_errno=True)

_EPERM, _ENOSYS = 1, 38
_SIGKILL = 9

# linux/prctl.h, linux/sched.h
_SET_PDEATHSIG, _SET_NO_NEW_PRIVS = 1, 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000

# linux/capability.h
_CAPABILITIES_VERSION = 0x20080522
_READ_ANY_FILE = 1 << 2

# linux/landlock.h. The numbers of its system calls are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULESET_VERSION = 1
_RULE_PATH, _RULE_PORT = 1, 2
_EXECUTE, _READ_FILE, _READ_FOLDER, _CONNECT = 1 << 0, 1 << 2, 1 << 3, 1 << 1
_DEVICES = 1 << 6 | 1 << 11
"""Making character and block devices."""
_ALL_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_ALL_PORT_RIGHTS, _ALL_SCOPES = 3, 3
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6

# seccomp.h of libseccomp
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_NOT_EQUAL, _GREATER, _MASKED_EQUAL = 1, 6, 7
_UNKNOWN_CALL = -1
_CLONE_NAMESPACES = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_DENIED_CALLS = (
    # other processes
    "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_open pidfd_getfd pidfd_send_signal "
    "tkill rt_sigqueueinfo rt_tgsigqueueinfo shmget msgget semget mq_open execveat "
    # being asked instead of asking
    "bind listen accept accept4 "
    # namespaces and mounts
    "unshare setns mount umount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr "
    "pivot_root chroot "
    # what has often been a way into the kernel
    "bpf perf_event_open userfaultfd keyctl add_key request_key io_uring_setup io_uring_enter "
    "io_uring_register init_module finit_module delete_module kexec_load kexec_file_load open_by_handle_at "
    "name_to_handle_at reboot swapon swapoff acct quotactl quotactl_fd syslog iopl ioperm modify_ldt "
    "fanotify_init open_tree_attr"
)
_CHANGING_CALLS = (
    # files are read, and nothing else
    "creat unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat truncate truncate64 chmod "
    "fchmod fchmodat fchmodat2 chown fchown fchownat lchown mkdir mkdirat rmdir mknod mknodat utime utimes "
    "futimesat utimensat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr "
    "removexattrat file_setattr"
)
_NEWER_CALLS = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_open": 434, "clone3": 435, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447, "fchmodat2": 452, "setxattrat": 463,
    "removexattrat": 466, "open_tree_attr": 467, "file_setattr": 469,
}  # fmt: skip
"""Calls that an older libseccomp may not know by name. Their numbers are the same on every architecture."""
_SHARED_ANONYMOUS = 0x21
"""Flags of memory that no limit of this process counts."""
_THREAD = 0x10000
"""The flag of `clone` that makes a thread rather than a process."""
_CALLS_ON_OTHERS = ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
"""Calls that take the number of a process of this user, the server's too; 0 is the caller."""
_CALLS_ON_MANY = {"setpriority": 0, "ioprio_set": 1}
"""Likewise of a process, a group or a user: what comes first says of which, here of a process."""
_CHANGING_FLAGS = (os.O_CREAT, os.O_TRUNC, os.O_TMPFILE & ~os.O_DIRECTORY)
"""Flags that change files even when they are opened for reading."""

# linux/socket.h, linux/in.h, linux/tcp.h
_UNIX, _INTERNET, _INTERNET_6 = 1, 2, 10
_TYPE_MASK, _STREAM = 0xF, 1
_INT = 0xFFFFFFFF
"""What the kernel looks at of an argument that is an int; the rest of the register is anything."""
_TCP = 6
_FAST_OPEN = 0x20000000
"""A flag of what is sent: connect with it. Landlock sees no connection then."""
_CONNECTING_OPTIONS = (19, 23, 30, 31)
"""TCP_REPAIR, TCP_FASTOPEN, TCP_FASTOPEN_CONNECT and TCP_ULP (makes SMC of TCP): other ways to connect."""


def main(policy: str, argv: list[str]) -> None:
    """Set up each part of the policy, then execute `argv`.

    Args:
        policy: marshalled, in hexadecimal; see `ChildSandbox.command`.
        argv: the program and its arguments.
    """
    wanted: dict[str, Any] = marshal.loads(bytes.fromhex(policy))  # noqa: S302 - written by our own parent
    part = "start"
    try:
        for part, apply in _STEPS.items():
            if part in wanted:
                apply(wanted[part])
        part = argv[0]
        os.execv(argv[0], argv)  # noqa: S606 - the point of it: no shell
    except OSError as error:
        sys.stderr.write(f"sandbox: {part}: {error.strerror or error}\n")
        sys.exit(EXIT_REFUSED)


def open_network(channel: int) -> None:
    """Make a network with a loopback only; send a listening socket and the way in through a Unix socket.

    Descriptors sent: the listener, the user namespace (where one had to be made), the network namespace.
    """
    import socket  # noqa: PLC0415 - needed once, not before every program

    spaces = ["net"]
    if _libc.unshare(_NEW_NETWORK):
        _check(_libc.unshare(_NEW_USER | _NEW_NETWORK))
        spaces = ["user", "net"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _switch_loopback_on(control.fileno())
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(fileno=channel) as parent:
        entrances = [os.open(f"/proc/self/ns/{space}", os.O_RDONLY) for space in spaces]
        socket.send_fds(parent, [b"."], [listener.fileno(), *entrances])


def landlock_version() -> int:
    """Return the version of the kernel's Landlock. Raises OSError where it has none."""
    return _check(_libc.syscall(_CREATE_RULESET, None, 0, _RULESET_VERSION))


def _switch_loopback_on(control: int) -> None:
    import fcntl  # noqa: PLC0415 - the same

    get_flags, set_flags, is_up = 0x8913, 0x8914, 1
    request = fcntl.ioctl(control, get_flags, struct.pack("16sH14x", b"lo", 0))
    (flags,) = struct.unpack_from("H", request, 16)
    fcntl.ioctl(control, set_flags, struct.pack("16sH14x", b"lo", flags | is_up))


def _limit(limits: dict[str, int]) -> None:
    """Nothing larger than nothing is written, no core dumped, memory bounded."""
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, name), (most, most))


def _enter(namespaces: list[int]) -> None:
    for descriptor in namespaces:
        _check(_libc.setns(descriptor, 0))
        os.close(descriptor)


def _become(user: int) -> None:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def _end_with(server: int) -> None:
    """Gain no privileges, and end together with the server even if that is killed."""
    _check(_libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _check(_libc.prctl(_SET_PDEATHSIG, _SIGKILL, 0, 0, 0))
    if os.getppid() != server:  # it was gone before the kernel was asked
        sys.exit(EXIT_REFUSED)


def _keep_reading(_: bool) -> None:
    """Drop what root may do, but for reading: the packages may belong to another user."""
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    held = _READ_ANY_FILE if os.geteuid() == 0 else 0
    _check(_libc.capset(header, struct.pack("=6I", held, held, 0, 0, 0, 0)))


def _restrict_files(rules: dict[str, Any]) -> None:
    """Restrict files to those listed, by Landlock; connections and signals too where it knows them."""
    version = landlock_version()
    files = _ALL_FILE_RIGHTS[max(known for known in _ALL_FILE_RIGHTS if known <= version)]
    fields = [files]
    held = version >= _NETWORK_SINCE and rules["ports"] is not None
    fields += [_ALL_PORT_RIGHTS if held else 0] if version >= _NETWORK_SINCE else []
    fields += [_ALL_SCOPES] if version >= _SCOPES_SINCE else []
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _check(_libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    for path in rules["read"]:
        _allow(ruleset, path, _EXECUTE | _READ_FILE | _READ_FOLDER)
    for path in rules["write"]:
        _allow(ruleset, path, files & ~_DEVICES)
    if held and rules["ports"]:
        port = struct.pack("=QQ", _CONNECT, rules["ports"])
        _check(_libc.syscall(_ADD_RULE, ruleset, _RULE_PORT, port, 0))
    _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not on this machine
        return
    of_files = rights if os.path.isdir(path) else rights & (_EXECUTE | _READ_FILE)  # noqa: PTH112 - no pathlib here
    rule = struct.pack("=Qi", of_files, descriptor)
    _check(_libc.syscall(_ADD_RULE, ruleset, _RULE_PATH, rule, 0))
    os.close(descriptor)


class _Comparison(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def _filter_calls(program: str) -> None:
    """Refuse system calls that a program does not need: foreign processes, mounts, sockets that others made.

    A decoder changes no files and opens no sockets but for TCP either; a plugin does both.

    System calls of another architecture, x32 included, end the process: the default of libseccomp.
    """
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    filters = ctypes.c_void_p(library.seccomp_init(_ALLOW))

    def refuse(name: str, *comparisons: tuple[int, int, int, int], error: int = _EPERM) -> None:
        number = _number_of(name, library.seccomp_syscall_resolve_name)
        array = (_Comparison * len(comparisons))(*(_Comparison(*one) for one in comparisons))
        if number >= 0:  # one that this architecture has
            _added(library.seccomp_rule_add_array(filters, _REFUSE | error, number, len(comparisons), array))

    _refuse_calls(refuse)
    if program == "decoder":
        _refuse_changes(refuse)
        _refuse_sockets(refuse)
    else:
        _refuse_local_sockets(refuse)
        _refuse_escapes_of_limits(refuse)
    _added(library.seccomp_load(filters))
    library.seccomp_release(filters)


def _number_of(name: str, resolve: Callable[[bytes], int]) -> int:
    """Return a call's number; a negative one where this architecture has no such call."""
    number = resolve(name.encode())
    return _NEWER_CALLS.get(name, number) if number == _UNKNOWN_CALL else number


def _refuse_calls(refuse: Callable[..., None]) -> None:
    for name in _DENIED_CALLS.split():
        refuse(name)
    for name in (
        "clone3",
        "openat2",
    ):  # their flags lie in memory; without them the C library uses the older call
        refuse(name, error=_ENOSYS)
    for flag in _CLONE_NAMESPACES:
        refuse("clone", (0, _MASKED_EQUAL, flag, flag))
    for name in ("kill", "tgkill"):
        refuse(name, (0, _NOT_EQUAL, os.getpid(), 0))
    for name in _CALLS_ON_OTHERS:
        refuse(name, (0, _NOT_EQUAL, 0, 0))
    for name, process in _CALLS_ON_MANY.items():
        refuse(name, (0, _NOT_EQUAL, process, 0))
        refuse(name, (1, _NOT_EQUAL, 0, 0))
    refuse("prctl", (0, _MASKED_EQUAL, _INT, _SET_PDEATHSIG))


def _refuse_escapes_of_limits(refuse: Callable[..., None]) -> None:
    """Refuse processes, each of which may take as much again and outlives this one, and uncounted memory."""
    for name in ("fork", "vfork"):
        refuse(name)
    refuse("clone", (0, _MASKED_EQUAL, _THREAD, 0))
    for name in ("memfd_create", "memfd_secret"):
        refuse(name)
    for name in ("mmap", "mmap2"):
        refuse(name, (3, _MASKED_EQUAL, _SHARED_ANONYMOUS, _SHARED_ANONYMOUS))


def _refuse_changes(refuse: Callable[..., None]) -> None:
    for name in _CHANGING_CALLS.split():
        refuse(name)
    for name, argument in (("open", 1), ("openat", 2)):
        for writing in (os.O_WRONLY, os.O_RDWR):
            refuse(name, (argument, _MASKED_EQUAL, os.O_ACCMODE, writing))
        for changing in _CHANGING_FLAGS:
            refuse(name, (argument, _MASKED_EQUAL, changing, changing))


def _refuse_local_sockets(refuse: Callable[..., None]) -> None:
    """Leave the Internet: other programs of this machine listen on Unix sockets, the kernel on netlink."""
    for family in range(_INTERNET_6 + 1):
        if family not in {_INTERNET, _INTERNET_6}:
            refuse("socket", (0, _MASKED_EQUAL, _INT, family))
    refuse("socket", (0, _GREATER, _INTERNET_6, 0))


def _refuse_sockets(refuse: Callable[..., None]) -> None:
    """Leave TCP over IPv4, opened by `connect`: the only way out of which Landlock knows the port."""
    refuse("socket", (0, _NOT_EQUAL, _INTERNET, 0))
    refuse("socketpair", (0, _NOT_EQUAL, _UNIX, 0))
    for kind in range(_TYPE_MASK + 1):
        for name in ("socket", "socketpair"):  # a pair of datagram sockets could send to any other
            if kind != _STREAM:
                refuse(name, (1, _MASKED_EQUAL, _TYPE_MASK, kind))
    refuse("socket", (2, _GREATER, _TCP, 0))  # MPTCP, SCTP, SMC
    for protocol in range(1, _TCP):
        refuse("socket", (2, _MASKED_EQUAL, _INT, protocol))
    for name, flags in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        refuse(name, (flags, _MASKED_EQUAL, _FAST_OPEN, _FAST_OPEN))
    for option in _CONNECTING_OPTIONS:
        refuse("setsockopt", (1, _MASKED_EQUAL, _INT, _TCP), (2, _MASKED_EQUAL, _INT, option))


def _added(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


_STEPS: dict[str, Callable[[Any], object]] = {
    "nice": os.nice,
    "limits": _limit,
    "network": _enter,
    "user": _become,
    "server": _end_with,
    "privileges": _keep_reading,
    "files": _restrict_files,
    "calls": _filter_calls,
}
"""In this order: what needs privileges first, and what refuses the others' system calls last."""

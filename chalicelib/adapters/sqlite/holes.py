"""Giving a part of a file back to the file system, which reads as zeros from then on (`fallocate(2)`)."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache

_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
# What says that this file system, or this host, cannot.
_UNABLE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.ENODEV, errno.ESPIPE})


def punch_hole(descriptor: int, offset: int, length: int) -> bool:
    """Whether a part of a file was given back; False where that cannot be done. OSError when it fails."""
    call = _fallocate()
    if call is None:
        return False
    if length <= 0:
        return True
    if call(descriptor, _KEEP_SIZE | _PUNCH_HOLE, offset, length) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNABLE:
        return False
    raise OSError(code, os.strerror(code))


@cache
def _fallocate() -> ctypes._NamedFuncPointer | None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
        call.restype = ctypes.c_int
    return call

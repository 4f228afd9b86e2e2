"""A block device in one file of a FUSE: each write and each flush is appended to a log, in the order in which they came.

Usage: device.py IMAGE LOG FOLDER serves FOLDER/disk, which begins as IMAGE, until the folder is unmounted. In the log a write is
`W`, its offset (8 octets, little-endian), its length (4) and its octets; a flush is `F`.
"""

import os
import stat
import struct
import sys
from errno import ENOENT

from fusepy import FUSE, FuseOSError, Operations


class Device(Operations):
    def __init__(self, image, log):
        with open(image, "rb") as file:
            self.octets = bytearray(file.read())
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path == "/disk":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": len(self.octets)}
        raise FuseOSError(ENOENT)

    def readdir(self, path, fh):
        return [".", "..", "disk"]

    def read(self, path, size, offset, fh):
        return bytes(self.octets[offset : offset + size])

    def write(self, path, data, offset, fh):
        self.octets[offset : offset + len(data)] = data
        os.write(self.log, struct.pack("<cQI", b"W", offset, len(data)) + data)
        return len(data)

    def fsync(self, path, datasync, fh):
        os.write(self.log, b"F")


image, log, folder = sys.argv[1:]
# One thread, so that the log has one order; no cache of the kernel in front of it.
FUSE(Device(image, log), folder, foreground=True, nothreads=True, direct_io=True, big_writes=True, fsname="device")

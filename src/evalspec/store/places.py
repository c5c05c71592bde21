"""Where a store may lie: on a disk of this machine. SQLite's log cannot be shared over a network."""

from __future__ import annotations

import re
from pathlib import Path

from evalspec.store.faults import StoreFault

MOUNTS = Path("/proc/self/mounts")  # Linux; elsewhere nothing is known of disks, and nothing refused
OVER_A_NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "davfs",
    "ncpfs", "coda", "orangefs", "pvfs2", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs",
    "fuse.rclone", "fuse.ceph", "fuse.ceph-fuse", "fuse.davfs2", "fuse.mount-s3", "fuse.blobfuse",
    "fuse.blobfuse2", "fuse.juicefs", "fuse.goofys", "fuse.curlftpfs", "fuse.smbnetfs",
})  # fmt: skip
_OCTAL = re.compile(r"\\([0-7]{3})")


def filesystem_of(path: Path, mounts: str) -> tuple[str, str] | None:
    """The kind of file system that an absolute path lies on, and where that is mounted.

    `mounts` is a table such as /proc/mounts; of what is mounted over each other the last counts.
    """
    found: tuple[str, str] | None = None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[1])
        if path.is_relative_to(point) and (found is None or len(point) >= len(found[1])):
            found = (fields[2], point)
    return found


def network_filesystem(path: Path, mounts: str) -> tuple[str, str] | None:
    """The same where it is one over a network, else None."""
    found = filesystem_of(path, mounts)
    return found if found is not None and found[0] in OVER_A_NETWORK else None


def demand_local(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raises StoreFault for a folder on a file system over a network."""
    try:
        table = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    found = network_filesystem(folder.resolve(), table)
    if found is not None:
        kind, point = found
        raise StoreFault(
            f"{folder} lies on {point}, a file system over a network ({kind}), where answers could be lost: "
            "choose a folder on this machine with `--store DIR`"
        )

"""Stores lie on disks of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspec.store.faults import StoreFault
from evalspec.store.places import demand_local, filesystem_of, network_filesystem

MOUNTS = r"""sysfs /sys sysfs rw,nosuid 0 0
/dev/sda1 / ext4 rw,relatime 0 0
server:/export/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/ann/fast xfs rw 0 0
//nas/share /mnt/team\040share cifs rw 0 0
ann@host:/data /data fuse.sshfs rw 0 0
tmpfs /data/ram tmpfs rw 0 0
/dev/sdc1 /over ext4 rw 0 0
server:/x /over nfs rw 0 0
short
"""


@pytest.mark.parametrize(
    ("path", "kind", "point"),
    [
        ("/home/ben/project/.evalspec", "nfs4", "/home"),
        ("/mnt/team share/evals", "cifs", "/mnt/team share"),
        ("/data/evals", "fuse.sshfs", "/data"),
        ("/over/it", "nfs", "/over"),
    ],
)
def test_a_disk_over_a_network_is_known(path: str, kind: str, point: str) -> None:
    assert network_filesystem(Path(path), MOUNTS) == (kind, point)


@pytest.mark.parametrize(
    "path", ["/", "/homes/ben", "/home/ann/fast/x", "/data/ram", "/database", "/mnt/team"]
)
def test_a_disk_of_this_machine_is_not_mistaken_for_one(path: str) -> None:
    assert network_filesystem(Path(path), MOUNTS) is None


def test_the_nearest_mount_counts() -> None:
    assert filesystem_of(Path("/home/ann/fast/x"), MOUNTS) == ("xfs", "/home/ann/fast")
    assert filesystem_of(Path("/x"), "") is None


def test_a_store_over_a_network_is_refused_with_a_way_out(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path.resolve()} nfs rw 0 0\n")
    with pytest.raises(StoreFault, match=r"over a network \(nfs\).*--store DIR"):
        demand_local(tmp_path / "s", mounts)
    demand_local(Path("/"), mounts)
    demand_local(tmp_path, tmp_path / "no such table")

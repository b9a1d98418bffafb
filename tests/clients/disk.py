"""A disk of the tests' own under a server: tests/shim/disk_shim.so, preloaded."""

import ctypes
import os
import shutil

OPEN, WRITE, SYNC, SYNC_DIRECTORY, RENAME = (1 << i for i in range(5))
ALL = (1 << 5) - 1
NAMES = OPEN | SYNC_DIRECTORY | RENAME  # what a rewrite does, beside writing
HOLD_US = 60_000_000
KILL = -1  # as an error: the server is killed with -9 ahead of the call


def _library():
    build = os.path.dirname(os.environ["CORSAC_BIN"])
    for folder in (build, os.path.join(build, "release")):
        path = os.path.join(folder, "tests", "shim", "disk_shim.so")
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"disk_shim.so, below {build}")


class Disk:
    """Knows what a server has synced below the folder. `environ` is for the server's environment."""

    def __init__(self, folder="server"):
        path = _library()
        self.library = ctypes.CDLL(path)
        self.library.disk_control_open.restype = ctypes.c_void_p
        self.grave = os.path.abspath("grave")
        os.makedirs(self.grave)
        self.control = self.library.disk_control_open(
            os.path.abspath("disk_control").encode(), os.path.abspath(folder).encode(), self.grave.encode())
        assert self.control
        self.environ = {
            "LD_PRELOAD": path, "DISK_SHIM": os.path.abspath("disk_control"),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def fail(self, kinds, nth, error):
        """The nth call from now on fails, or kills."""
        self.library.disk_control_fail(ctypes.c_void_p(self.control), kinds, nth, error)

    @property
    def failed(self):
        """It came to that call."""
        return self.library.disk_control_failed(ctypes.c_void_p(self.control)) > 0

    def calm(self):
        self.fail(0, 0, 0)
        self.delay(0, 0)  # whoever stands still goes on

    def delay(self, kinds, us):
        self.library.disk_control_delay(ctypes.c_void_p(self.control), kinds, us)

    def hold(self, kinds):
        """Calls of these kinds stand still until they are let go one by one, or until calm."""
        self.delay(kinds, HOLD_US)

    def let_go(self):
        self.library.disk_control_let_go(ctypes.c_void_p(self.control))

    @property
    def delayed(self):
        """So many calls stand still."""
        return self.library.disk_control_delayed(ctypes.c_void_p(self.control))

    def power_cut(self, seed):
        """The server is dead: what it had not synced is lost, or part of it, or nothing."""
        self.library.disk_control_power_cut(ctypes.c_void_p(self.control), seed)
        shutil.rmtree(self.grave)
        os.makedirs(self.grave)

"""What a private instance leaves on the machine."""

import os
import stat

import pytest


def test_root_runs_and_writes_nothing_in_a_folder_of_the_services(instance):
    """A service that was taken over must not become root at the next start or stop."""
    owner = os.stat(instance.config["sockets"]["dir"]).st_uid
    if owner == 0 or os.stat(instance.run / "instance.env").st_uid != 0:
        pytest.skip("the instance was started without root: it has one user for everything")
    ours = [instance.run / name for name in ("instance.env", "end-leftovers", "nginx.conf", "siegel.conf", "opt", "secret", "log", "log/steps.log",
                                             "env", "service", "edge", "edge/errors.conf", "secret/authorization")]
    ours += list(instance.run.glob("service/*/run")) + list(instance.run.glob("service/*/log/run")) + list(instance.run.glob("env/*/*"))
    for path in (p for p in ours if p.exists()):
        folder = os.stat(path.parent)
        assert folder.st_uid == 0 and not folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH), path.parent
    for path in (p for p in ours if p.name in ("instance.env", "end-leftovers", "run")):
        assert os.stat(path).st_uid == 0, path

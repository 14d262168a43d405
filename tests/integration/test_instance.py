"""What a private instance leaves on the machine, and what it takes of wrong options."""

import os
import pathlib
import socket
import stat
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "instance" / "instance"


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


@pytest.mark.parametrize("option, value, says", [
    ("--set", "nowhere.key=1", "no section"),
    ("--set", "est.retry_window_sec=soon", "retry_window_sec"),
    ("--set", "nonsense", "SECTION.KEY=VALUE"),
    ("--listen", "999.1.1.1", "isn't an address of this machine"),
    ("--listen", "192.0.2.77", "isn't an address of this machine"),
    ("--name", "no name", "neither a host name nor an address"),
    ("--https-port", "99999", "isn't a port"),
])
def test_a_wrong_option_changes_nothing(instance, option, value, says):
    """It would break every later start, and siegelctl at once."""
    files = [instance.run / name for name in ("instance.env", "siegel.conf", "nginx.conf")]
    before = [path.read_bytes() for path in files]
    done = subprocess.run([SCRIPT, "--dir", instance.run, option, value, "start"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and says in done.stdout + done.stderr
    assert before == [path.read_bytes() for path in files]


def test_a_busy_port_is_refused_while_the_edge_runs(instance):
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = subprocess.run([SCRIPT, "--dir", instance.run, "--https-port", str(other.getsockname()[1]), "start"], capture_output=True, text=True,
                              timeout=60, check=False)
    assert done.returncode == 1 and "Somebody else listens on port" in done.stdout + done.stderr
    done = subprocess.run([SCRIPT, "--dir", instance.run, "--no-first", "start"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

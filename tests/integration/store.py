"""A PostgreSQL cluster of the test's own, for what siegelctl does straight in the store."""

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import support

ROOT = Path(__file__).resolve().parent.parent.parent
MIGRATIONS = ROOT / "migrations"


def siegelctl_path():
    """The siegelctl under test: from SIEGEL_BIN (folders, as for the other tests), SIEGEL_RUN or PATH."""
    env = dict(os.environ)
    if "SIEGEL_RUN" in env:
        env = {**support.read_env_file(Path(env["SIEGEL_RUN"]) / "access.env"), **env}
    folders = [Path(p) for p in env.get("SIEGEL_BIN", "").split(":") if p]
    if "SIEGEL_RUN" in env:
        folders.append(Path(env["SIEGEL_RUN"]) / "sbin")
    for folder in folders:
        for place in (folder, folder.parent / "bin", folder.parent / "sbin"):
            if (place / "siegelctl").exists():
                return str(place / "siegelctl")
    return shutil.which("siegelctl") or "siegelctl"


class Cluster:
    """Runs until close(); each database() is empty and belongs to siegel_owner."""

    def __init__(self):
        self.process = subprocess.Popen([str(ROOT / "tests" / "unit" / "with-postgres"), "sh", "-c", 'echo "$SIEGEL_TEST_DIR"; read -r _'],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.dir = Path(self.process.stdout.readline().strip())
        if not self.dir.is_absolute():
            raise RuntimeError("the cluster didn't start")
        self.socket = self.dir / "socket"

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=300)  # all those files are removed

    def psql(self, database, role, sql, check=True):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-U", role, "-d", database,
                               "-c", sql], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PGOPTIONS": "-c search_path=siegel"})
        if check and done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    def database(self, folder, template="template1"):
        name = f"d_{uuid.uuid4().hex[:12]}"
        self.psql("postgres", "postgres", f"CREATE DATABASE {name} OWNER siegel_owner TEMPLATE {template}")
        return Store(self, name, Path(folder))


class Store:
    """One database with the siegel.conf that leads to it."""

    def __init__(self, cluster, name, folder):
        self.cluster, self.name = cluster, name
        self.conf = folder / "siegel.conf"
        self.conf.write_text(f"[database]\nhost = {cluster.socket}\nname = {name}\n")

    def sql(self, sql, role="siegel_owner", check=True):
        return self.cluster.psql(self.name, role, sql, check)

    def command(self, *arguments):
        return [siegelctl_path(), "--config", str(self.conf), *map(str, arguments)]

    def siegelctl(self, *arguments, check=True, input=None):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60, input=input)
        if check and done.returncode != 0:
            raise AssertionError(f"exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def migrate(self, folder=MIGRATIONS, check=True):
        return self.siegelctl("db", "migrate", "--dir", folder, check=check)

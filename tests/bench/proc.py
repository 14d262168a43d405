"""What processes use, from /proc: CPU time and memory of a service with all below it."""

import os
import pathlib

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def cpu_us(pids):
    """CPU time of processes and of their children that have ended. Precise to a tick (10 ms) a process."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(n) for n in fields[11:15])
    return total * TICK_US


def memory_kib(pid, *names):
    """Fields of status and smaps_rollup, by name; 0 when the process is gone."""
    text = ""
    for file in ("status", "smaps_rollup"):
        try:
            text += pathlib.Path(f"/proc/{pid}/{file}").read_text()
        except (FileNotFoundError, ProcessLookupError):
            pass
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.strip().endswith(" kB"):
            found.setdefault(name, int(value.split()[0]))
    return [found.get(name, 0) for name in names]


def reset_peak(pid):
    """Makes VmHWM start again from what is resident now."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")

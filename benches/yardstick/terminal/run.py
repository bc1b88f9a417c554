#!/usr/bin/env python3
"""Measures `flowrun term` beside tio, on pseudo-terminals: the time of a key, of a byte, and the processor for 10 MB.

    benches/yardstick/terminal/run.py target/release/flowrun [ROUNDS]
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import threading
import time
import tty

FLOOD = 10_000_000
N_KEYS = 200


def cpu(pid):
    """Returns the processor time of a process, in seconds."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answer(write_to, byte, read_from):
    """Returns how long a byte takes from one descriptor to another."""
    begun = time.perf_counter()
    os.write(write_to, byte)
    select.select([read_from], [], [], 2)
    os.read(read_from, 10)
    return time.perf_counter() - begun


def measure(command):
    device, side = os.openpty()
    tty.setraw(side)
    os.set_inheritable(device, False)
    pid, screen = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        command = [word.replace("PORT", os.ttyname(side)) for word in command]
        os.execvp(command[0], command)
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.set_blocking(screen, False)
    until = time.time() + 1.5
    while time.time() < until:
        if select.select([screen], [], [], 0.1)[0]:
            os.read(screen, 65536)
    keys, shown = [], []
    for _ in range(N_KEYS):
        keys.append(answer(screen, b"k", device))
        shown.append(answer(device, b"r", screen))
        time.sleep(0.003)
    before, begun = cpu(pid), time.time()
    line = b"0123456789abcdef" * 3 + b"0123456789abcd\r\n"
    data = memoryview(line * (FLOOD // len(line)))

    def flood():
        at = 0
        while at < len(data):
            at += os.write(device, data[at : at + 65536])

    feeder = threading.Thread(target=flood)
    feeder.start()
    got = 0
    while got < len(data) and select.select([screen], [], [], 10)[0]:
        got += len(os.read(screen, 65536))
    took, used = time.time() - begun, cpu(pid) - before
    feeder.join()
    os.write(screen, b"\x14q")
    os.waitpid(pid, 0)
    median = lambda times: sorted(times)[len(times) // 2] * 1e6
    print(
        f"{os.path.basename(command[0]):8} key {median(keys):4.0f} us, byte {median(shown):4.0f} us, "
        f"{got} bytes in {took:.2f} s with {used:.2f} s of the processor",
        flush=True,
    )


for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
    measure(["tio", "PORT"])
    measure([sys.argv[1], "term", "PORT"])

#!/usr/bin/env python3
"""Measures `flowrun term` beside tio, on pseudo-terminals: the time of a key, of a byte, and the processor for 10 MB; then
the times of a key and of a byte while a device sends at 921600 baud.

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
# 921600 baud: ten bits a byte, in pieces of a millisecond, for so long.
PIECE = 92
PACE = 0.001
PACED_SECONDS = 4


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


def begin(command):
    """Starts a terminal on a pseudo-terminal of its own; returns its process, its screen and the device's end of the line."""
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
    return pid, screen, device


def end(pid, screen):
    """Ends a terminal by its keys; both have the same."""
    os.write(screen, b"\x14q")
    os.waitpid(pid, 0)


def percentile(times, part):
    """Returns what a part of the times do not exceed, in microseconds."""
    return sorted(times)[int((len(times) - 1) * part)] * 1e6


def measure_flow(command):
    """Times keys and bytes while the device sends without a pause, at the pace of a line. Nothing else reads or writes."""
    pid, screen, device = begin(command)
    os.set_blocking(device, False)
    keys, shown, marked, seen, rest = [], [], {}, b"", b""
    key_at, n, late = None, 0, 0
    begun, used = time.perf_counter(), cpu(pid)
    while n < PACED_SECONDS / PACE or marked or rest:
        due = begun + n * PACE
        now = time.perf_counter()
        if not rest and now >= due and n < PACED_SECONDS / PACE:
            # Every tenth piece begins with a mark that is looked for on the screen.
            rest = (b"<%05d>" % n if n % 10 == 0 else b"") + b"0123456789" * 10
            rest = rest[: PIECE - 2] + b"\r\n"
            if n % 10 == 0:
                marked[rest[:7]] = now
            late = max(late, now - due)
            n += 1
            if n % 20 == 5 and key_at is None:
                key_at = time.perf_counter()
                os.write(screen, b"k")
        if now > begun + PACED_SECONDS + 10:
            sys.exit(f"{command[0]} does not show all: {len(marked)} marks are missing")
        timeout = max(0, min(begun + n * PACE - time.perf_counter(), 0.1))
        readable, writable, _ = select.select([screen, device], [device] if rest else [], [], timeout)
        at = time.perf_counter()
        if writable:
            rest = rest[os.write(device, rest) :]
        if device in readable:
            os.read(device, 100)
            keys.append(at - key_at)
            key_at = None
        if screen in readable:
            seen = seen[-6:] + os.read(screen, 65536)
            for mark in [mark for mark in marked if mark in seen]:
                shown.append(at - marked.pop(mark))
    took, used = time.perf_counter() - begun, cpu(pid) - used
    end(pid, screen)
    print(
        f"{os.path.basename(command[0]):8} while 921600 baud flow in: key {percentile(keys, 0.5):4.0f} us (99 %: "
        f"{percentile(keys, 0.99):4.0f}), byte {percentile(shown, 0.5):4.0f} us (99 %: {percentile(shown, 0.99):4.0f}), "
        f"{len(keys)} keys and {len(shown)} marks, {used / took * 100:.0f} % of a processor; the sender was late by at most "
        f"{late * 1e3:.1f} ms",
        flush=True,
    )


def measure(command):
    pid, screen, device = begin(command)
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
    end(pid, screen)
    print(
        f"{os.path.basename(command[0]):8} key {percentile(keys, 0.5):4.0f} us, byte {percentile(shown, 0.5):4.0f} us, "
        f"{got} bytes in {took:.2f} s with {used:.2f} s of the processor",
        flush=True,
    )


for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
    for command in (["tio", "PORT"], [sys.argv[1], "term", "PORT"]):
        measure(command)
        measure_flow(command)

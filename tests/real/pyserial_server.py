"""Serves a serial port with pyserial's RFC 2217 implementation: python3 pyserial_server.py DEVICE TCP_PORT.

DEVICE is a node, or one of pyserial's own ports: `loop://`, whose RTS is its CTS and whose DTR is its DSR, or
`socket://HOST:PORT`. One client at a time; a device that goes away ends the server.
"""

import socket
import sys
import threading
import time

import serial
import serial.rfc2217


class Client:
    """The connection, as pyserial's manager wants it."""

    def __init__(self, connection):
        self.connection = connection
        self.lock = threading.Lock()

    def write(self, data):
        with self.lock:
            self.connection.sendall(data)


def serve(device, connection):
    client = Client(connection)
    manager = serial.rfc2217.PortManager(device, client)
    alive = threading.Event()
    alive.set()

    def read_device():
        while alive.is_set():
            data = device.read(device.in_waiting or 1)
            if data:
                client.write(b"".join(manager.escape(data)))

    def watch_lines():
        while alive.is_set():
            manager.check_modem_lines()
            time.sleep(0.05)

    helpers = [threading.Thread(target=what, daemon=True) for what in (read_device, watch_lines)]
    for helper in helpers:
        helper.start()
    while True:
        data = connection.recv(1024)
        if not data:
            break
        device.write(b"".join(manager.filter(data)))
    alive.clear()
    for helper in helpers:
        helper.join()


def main():
    if "://" not in sys.argv[1]:
        # A pseudo-terminal has no modem lines: pyserial asks for them all the same.
        for name in ("cts", "dsr", "ri", "cd"):
            setattr(serial.Serial, name, False)
        for name in ("_update_dtr_state", "_update_rts_state", "_update_break_state"):
            setattr(serial.Serial, name, lambda self: None)
    device = serial.serial_for_url(sys.argv[1], timeout=0.1)
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            serve(device, connection)
        except OSError:
            # The client went away.
            pass
        finally:
            connection.close()


main()

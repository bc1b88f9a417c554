"""Serves a serial port with pyserial's RFC 2217 implementation: python3 pyserial_server.py DEVICE TCP_PORT.

One client at a time; a device that goes away ends the server.
"""

import socket
import sys
import threading

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

    reader = threading.Thread(target=read_device, daemon=True)
    reader.start()
    while True:
        data = connection.recv(1024)
        if not data:
            break
        device.write(b"".join(manager.filter(data)))
    alive.clear()
    reader.join()


def main():
    # A pseudo-terminal has no modem lines: pyserial asks for them all the same.
    for name in ("cts", "dsr", "ri", "cd"):
        setattr(serial.Serial, name, False)
    for name in ("_update_dtr_state", "_update_rts_state", "_update_break_state"):
        setattr(serial.Serial, name, lambda self: None)
    device = serial.Serial(sys.argv[1], timeout=0.1)
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

//! Devices on a TCP port that answer each line with `OK`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// Serves as many devices as there are connections, as long as the test runs; returns the port.
pub(crate) fn devices() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut bytes = [0; 64];
                while let Ok(n @ 1..) = client.read(&mut bytes) {
                    if bytes[..n].ends_with(b"\r") && client.write_all(b"OK\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

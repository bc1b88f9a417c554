//! Messages on standard input and output: a header that says how long each is, and JSON.
//!
//! A message is read as a value first. `arbitrary_precision` of `serde_json`, which a flow needs for its JSON, is on in the whole
//! program, and with it the ready-made reader of the crate `lsp-server` takes no numbers as ids.

use std::io::{self, BufRead, Read, Write};

use serde_json::{Value, json};

/// The largest message: a flow of 8 MiB in which every character is escaped.
const LARGEST: u64 = 64 << 20;

/// The longest line of a header.
const LONGEST_LINE: u64 = 4096;

/// What comes in.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// A message.
    Message(Value),
    /// A message that is no JSON, and why; the next one can be read.
    Broken(String),
    /// Nothing comes any more, or what comes is no message.
    End,
}

/// Reads the next message.
pub(super) fn read(input: &mut impl BufRead) -> Incoming {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return Incoming::End,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { return Incoming::End };
        if name.eq_ignore_ascii_case("Content-Length") {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let Some(length) = length.filter(|length| *length <= LARGEST) else { return Incoming::End };
    let mut bytes = Vec::new();
    match input.by_ref().take(length).read_to_end(&mut bytes) {
        Ok(n) if n as u64 == length => {}
        Ok(_) | Err(_) => return Incoming::End,
    }
    match serde_json::from_slice(&bytes) {
        Ok(message) => Incoming::Message(message),
        Err(why) => Incoming::Broken(why.to_string()),
    }
}

/// Writes a message.
pub(super) fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let text = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()
}

/// Returns the answer to a request.
pub(super) fn answer(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

/// Returns the answer to a request that cannot be served.
pub(super) fn refusal(id: &Value, code: i32, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

/// Returns a message that wants no answer.
pub(super) fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_one_after_the_other_and_broken_ones_are_told() {
        let text = "Content-Length: 8\r\nContent-Type: x\r\n\r\n{\"id\":1}content-length: 3\r\n\r\n{a}Content-Length: 2\r\n\r\n{}";
        let mut input = text.as_bytes();
        assert_eq!(read(&mut input), Incoming::Message(json!({"id": 1})));
        assert!(matches!(read(&mut input), Incoming::Broken(_)));
        assert_eq!(read(&mut input), Incoming::Message(json!({})));
        assert_eq!(read(&mut input), Incoming::End);
    }

    #[test]
    fn what_is_no_message_or_too_long_ends_the_reading() {
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "\r\n{}",
            "Content-Length: 9999999999999\r\n\r\n{}",
            "Content-Length: 5\r\n\r\n{}",
        ] {
            assert_eq!(read(&mut text.as_bytes()), Incoming::End, "{text}");
        }
        assert_eq!(read(&mut format!("X: {}", "x".repeat(1 << 20)).as_bytes()), Incoming::End);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut bytes = Vec::new();
        let message = answer(&json!("a"), json!({"é": 1.50}));
        assert!(write(&mut bytes, &message).is_ok());
        assert_eq!(read(&mut bytes.as_slice()), Incoming::Message(message));
    }
}

//! `shown_line`: what a terminal shows of the last line of some output, as far as line editors need it.

/// Returns the text of the last line.
pub(super) fn shown_line(output: &[u8]) -> Vec<u8> {
    let mut line: Vec<u8> = Vec::new();
    let mut at = 0_usize;
    let mut rest = output;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'\n' => {
                line.clear();
                at = 0;
            }
            b'\r' => at = 0,
            0x08 => at = at.saturating_sub(1),
            0x1b => rest = escape(behind, &mut line, &mut at),
            0..=0x1f | 0x7f => {}
            _ => {
                if at < line.len() {
                    line[at] = *byte;
                } else {
                    line.resize(at, b' ');
                    line.push(*byte);
                }
                at += 1;
            }
        }
    }
    line
}

/// Obeys what follows an ESC; returns what follows.
fn escape<'a>(behind: &'a [u8], line: &mut Vec<u8>, at: &mut usize) -> &'a [u8] {
    let Some(parameters) = behind.strip_prefix(b"[") else { return behind.get(1..).unwrap_or_default() };
    let Some(n) = parameters.iter().position(|byte| matches!(byte, 0x40..=0x7e)) else { return &[] };
    let number = std::str::from_utf8(&parameters[..n]).ok().and_then(|text| text.parse::<usize>().ok());
    let count = number.unwrap_or(1).clamp(1, 1000);
    let end = (*at + count).min(line.len());
    match parameters[n] {
        b'C' => *at += count,
        b'D' => *at = at.saturating_sub(count),
        b'G' => *at = count - 1,
        b'K' if number.unwrap_or(0) == 0 => line.truncate(*at),
        b'P' if *at < line.len() => {
            line.drain(*at..end);
        }
        b'@' if *at <= line.len() => {
            let blanks = std::iter::repeat_n(b' ', count);
            line.splice(*at..*at, blanks);
        }
        _ => {}
    }
    &parameters[n + 1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_editor_is_followed() {
        for (output, shown) in [
            ("a\r\n$ ls", "$ ls"),
            ("$ lx\x08s", "$ ls"),
            ("$ date\x08\x08\x08\x08\x1b[Kls", "$ ls"),
            ("\x1b[32m$\x1b[0m l\x1b[K", "$ l"),
            ("ac\x1b[D\x1b[1@b", "abc"),
            ("abbc\x1b[2D\x1b[1P", "abc"),
            ("old\rnew", "new"),
        ] {
            assert_eq!(String::from_utf8_lossy(&shown_line(output.as_bytes())), shown, "{output:?}");
        }
    }
}

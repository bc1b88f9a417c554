//! GBK, in which Chinese consoles write: read for messages only, patterns and values stay bytes.

/// Returns bytes as a reader of GBK sees them; `None` if some of them are no GBK.
pub fn from_gbk(bytes: &[u8]) -> Option<String> {
    encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_characters_and_ascii_stays() {
        assert_eq!(from_gbk(b"\xb9\xa4\xb3\xa7\xb2\xe2\xca\xd4: OK\r\n").as_deref(), Some("工厂测试: OK\r\n"));
        assert_eq!(from_gbk(b"\xb9"), None, "half a character");
        assert_eq!(from_gbk(b"\xff\xff"), None);
    }
}

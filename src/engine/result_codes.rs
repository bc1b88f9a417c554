//! What the numbers behind `+CME ERROR:`, `+CMS ERROR:` and `+HTTPACTION:` mean.
//!
//! 3GPP TS 27.007 section 9.2 and TS 27.005 section 3.2.5, with the numbers that Luat (AirM2M) firmware adds to them.

/// `+CME ERROR: n`
const CME: &[(u32, &str)] = &[
    (3, "operation not allowed in the present state"),
    (4, "operation not supported"),
    (10, "SIM not inserted"),
    (11, "SIM PIN required"),
    (12, "SIM PUK required"),
    (13, "SIM failure"),
    (14, "SIM busy"),
    (15, "wrong SIM"),
    (16, "incorrect password"),
    (20, "memory full"),
    (21, "invalid index"),
    (22, "not found"),
    (23, "memory failure"),
    (26, "dial string too long"),
    (30, "no network service"),
    (31, "network timeout"),
    (32, "network not allowed, emergency calls only"),
    (50, "execution failed, or a wrong parameter"),
    (51, "no memory"),
    (53, "wrong parameter"),
    (58, "wrong command line"),
    (100, "unknown error"),
    (103, "illegal mobile station"),
    (106, "illegal mobile equipment"),
    (107, "GPRS services not allowed"),
    (111, "PLMN not allowed"),
    (112, "location area not allowed"),
    (113, "roaming not allowed in this location area"),
    (132, "service option not supported"),
    (133, "service option not subscribed"),
    (134, "service option temporarily out of order"),
    (148, "unspecified GPRS error"),
    (149, "PDP authentication failure: check APN, user and password"),
    (150, "invalid mobile class"),
    (151, "the command took too long inside of the module"),
    (765, "invalid input value"),
    (767, "operation failed: there is no connection, or there is one already"),
    (791, "too few parameters"),
    (792, "too many parameters"),
    (793, "parameter out of range"),
    (794, "parameter of the wrong type"),
    (795, "parameter in the wrong format"),
    (796, "parameter missing"),
    (797, "the radio is off (CFUN is 0 or 4)"),
    (811, "unknown command"),
    (813, "syntax error in the command"),
    (815, "it is so already"),
    (816, "it is so already"),
    (901, "PDP context not active"),
    (902, "PDP context active already"),
    (910, "the server refused the TCP connection"),
    (911, "the TCP connection took too long"),
    (912, "the socket exists already"),
    (913, "the socket does not exist"),
    (914, "more data than the buffer holds"),
    (915, "sending took too long"),
    (917, "the name server did not answer"),
    (918, "the host name could not be resolved"),
    (65535, "unspecified error of the module"),
];

/// `+CMS ERROR: n`
const CMS: &[(u32, &str)] = &[
    (300, "failure of the mobile equipment"),
    (301, "SMS service reserved"),
    (302, "operation not allowed"),
    (303, "operation not supported"),
    (304, "wrong PDU"),
    (305, "wrong text"),
    (310, "SIM not inserted"),
    (311, "SIM PIN required"),
    (313, "SIM failure"),
    (314, "SIM busy"),
    (320, "memory failure"),
    (321, "wrong memory index"),
    (322, "memory full"),
    (330, "service centre address unknown"),
    (331, "no network service"),
    (332, "network timeout"),
    (500, "unknown error"),
];

/// The status in `+HTTPACTION: method,status,length` that no HTTP server sends.
const HTTP: &[(u32, &str)] = &[
    (600, "the answer is not HTTP"),
    (601, "network error: the bearer may be down"),
    (602, "the module has no memory left"),
    (603, "the host name could not be resolved (DNS)"),
    (604, "the module's network stack is busy"),
    (605, "the TLS channel could not be made"),
    (606, "the TLS channel was refused: check the certificate and the clock"),
];

/// Returns what a line that reports a failure means; `None` for any other line.
pub(super) fn meaning(line: &str) -> Option<String> {
    let numbered = |prefix: &str, table: &[(u32, &str)]| {
        let number: u32 = line.strip_prefix(prefix)?.trim().parse().ok()?;
        let text = table.iter().find(|(n, _)| *n == number).map(|(_, text)| *text)?;
        Some(format!("`{line}` means: {text}"))
    };
    if let Some(status) = line.strip_prefix("+HTTPACTION:").and_then(|rest| rest.split(',').nth(1)) {
        let status: u32 = status.trim().parse().ok()?;
        let text = HTTP.iter().find(|(n, _)| *n == status).map(|(_, text)| *text)?;
        return Some(format!("HTTP status {status} means: {text}"));
    }
    numbered("+CME ERROR:", CME).or_else(|| numbered("+CMS ERROR:", CMS)).or_else(|| match line {
        "ERROR" => Some("the device refused the command (`ERROR`); `AT+CMEE=1` makes many modules say why".to_string()),
        "NO CARRIER" => Some("the connection was lost or could not be made (`NO CARRIER`)".to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_have_their_meaning() {
        assert_eq!(meaning("+CME ERROR: 10").as_deref(), Some("`+CME ERROR: 10` means: SIM not inserted"));
        assert_eq!(
            meaning("+HTTPACTION: 1,603,0").as_deref(),
            Some("HTTP status 603 means: the host name could not be resolved (DNS)")
        );
        assert_eq!(meaning("+CME ERROR: no text"), None);
        assert_eq!(meaning("+HTTPACTION: 1,200,149"), None);
        assert_eq!(meaning("OK"), None);
    }

    #[test]
    fn tables_are_sorted_and_have_no_number_twice() {
        for table in [CME, CMS, HTTP] {
            assert!(table.is_sorted_by(|(a, _), (b, _)| a < b));
        }
    }
}

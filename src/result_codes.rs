//! What the result codes of modems mean: the numbers behind `+CME ERROR:`, `+CMS ERROR:` and `+HTTPACTION:`.
//!
//! The only table of them: the failures of a run, the console and the terminal take the words from here.

/// `+CME ERROR: n`, from 3GPP TS 27.007 section 9.2. Numbers from 512 on are left to makers; those here, and what stands in
/// brackets, are of Luat (AirM2M) firmware.
const CME: &[(u32, &str)] = &[
    (0, "failure of the module"),
    (1, "no connection to the module"),
    (2, "the link to the module is reserved"),
    (3, "operation not allowed in the present state"),
    (4, "operation not supported"),
    (5, "PIN of the device lock (PH-SIM) required"),
    (6, "PIN of the first SIM lock (PH-FSIM) required"),
    (7, "PUK of the first SIM lock (PH-FSIM) required"),
    (10, "SIM not inserted"),
    (11, "SIM PIN required"),
    (12, "SIM PUK required"),
    (13, "SIM failure"),
    (14, "SIM busy"),
    (15, "wrong SIM"),
    (16, "incorrect password"),
    (17, "SIM PIN2 required"),
    (18, "SIM PUK2 required"),
    (20, "memory full"),
    (21, "invalid index"),
    (22, "not found"),
    (23, "memory failure"),
    (24, "text too long"),
    (25, "invalid characters in the text"),
    (26, "dial string too long"),
    (27, "invalid characters in the dial string"),
    (30, "no network service"),
    (31, "network timeout"),
    (32, "network not allowed, emergency calls only"),
    (40, "PIN of the network lock required"),
    (41, "PUK of the network lock required"),
    (42, "PIN of the network subset lock required"),
    (43, "PUK of the network subset lock required"),
    (44, "PIN of the service provider lock required"),
    (45, "PUK of the service provider lock required"),
    (46, "PIN of the corporate lock required"),
    (47, "PUK of the corporate lock required"),
    (48, "hidden key required"),
    (49, "EAP method not supported"),
    (50, "wrong parameters (Luat: or the execution failed)"),
    (51, "the command exists and is switched off (Luat: no memory)"),
    (52, "the command was aborted"),
    (53, "not attached: the functions of the module are restricted (Luat: wrong parameter)"),
    (54, "not allowed: emergency calls only"),
    (55, "not allowed: the functions of the module are restricted"),
    (56, "only fixed dial numbers are allowed"),
    (57, "out of service for now: the module is used otherwise"),
    (58, "language or alphabet not supported (Luat: wrong command line)"),
    (59, "unexpected data value"),
    (60, "system failure"),
    (61, "data missing"),
    (62, "call barred"),
    (63, "subscription to waiting messages failed"),
    (100, "unknown error"),
    (103, "illegal mobile station"),
    (106, "illegal mobile equipment"),
    (107, "GPRS services not allowed"),
    (108, "GPRS and other services not allowed"),
    (111, "PLMN not allowed"),
    (112, "location area not allowed"),
    (113, "roaming not allowed in this location area"),
    (114, "GPRS services not allowed in this PLMN"),
    (115, "no suitable cells in this location area"),
    (122, "congestion"),
    (125, "not authorized for this closed subscriber group"),
    (126, "insufficient resources"),
    (127, "APN missing or unknown"),
    (128, "unknown PDP address or type"),
    (129, "user authentication failed"),
    (130, "activation rejected by the gateway"),
    (131, "activation rejected, unspecified"),
    (132, "service option not supported"),
    (133, "service option not subscribed"),
    (134, "service option temporarily out of order"),
    (140, "feature not supported"),
    (141, "traffic flow template: semantic error in the operation"),
    (142, "traffic flow template: syntax error in the operation"),
    (143, "unknown PDP context"),
    (144, "packet filter: semantic error"),
    (145, "packet filter: syntax error"),
    (146, "a PDP context without traffic flow template is active already"),
    (148, "unspecified GPRS error"),
    (149, "PDP authentication failure: check APN, user and password"),
    (150, "invalid mobile class"),
    (151, "group calls not supported by the network (Luat: the command took too long inside of the module)"),
    (152, "no service subscription on the SIM"),
    (153, "no subscription for this group"),
    (154, "group not activated on the SIM"),
    (155, "no matching notification"),
    (156, "there is such a group call already"),
    (157, "congestion"),
    (158, "network failure"),
    (159, "uplink busy"),
    (160, "no access rights for the file of the SIM"),
    (161, "no subscription for this priority"),
    (162, "operation not applicable or not possible"),
    (163, "prefixes of groups not supported"),
    (164, "prefixes of groups not usable for broadcasts"),
    (165, "invalid prefix of a group"),
    (171, "the last data connection may not be ended"),
    (172, "semantically incorrect message"),
    (173, "mandatory information element is wrong"),
    (174, "information element does not exist or is not implemented"),
    (175, "conditional information element is wrong"),
    (176, "protocol error, unspecified"),
    (177, "barred by the operator"),
    (178, "no further PDP context is possible"),
    (179, "APN not supported with this radio technology and PLMN"),
    (180, "rejected: against the bearer control mode"),
    (181, "unsupported quality class (QCI)"),
    (182, "the control plane is congested with user data"),
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

/// `+CMS ERROR: n`, from 3GPP TS 27.005 section 3.2.5: below 128 causes of TS 24.011 annex E-2, below 256 those of TS 23.040
/// section 9.2.3.22.
const CMS: &[(u32, &str)] = &[
    (1, "unassigned number"),
    (8, "barred by the operator"),
    (10, "call barred"),
    (17, "network failure"),
    (21, "message rejected"),
    (22, "congestion, or the receiver's memory is full"),
    (27, "destination out of service"),
    (28, "unidentified subscriber"),
    (29, "facility rejected"),
    (30, "unknown subscriber"),
    (38, "network out of order"),
    (41, "temporary failure"),
    (42, "congestion"),
    (47, "resources unavailable, unspecified"),
    (50, "facility not subscribed"),
    (69, "facility not implemented"),
    (81, "invalid reference of a message"),
    (95, "invalid message, unspecified"),
    (96, "invalid mandatory information"),
    (97, "type of message does not exist or is not implemented"),
    (98, "message does not fit the state of the protocol"),
    (99, "information element does not exist or is not implemented"),
    (111, "protocol error, unspecified"),
    (127, "interworking, unspecified"),
    (128, "telematic interworking not supported"),
    (129, "message of type 0 not supported"),
    (130, "the message cannot be replaced"),
    (143, "unspecified error of the protocol identifier (TP-PID)"),
    (144, "alphabet not supported"),
    (145, "class of message not supported"),
    (159, "unspecified error of the data coding (TP-DCS)"),
    (160, "the command cannot be carried out"),
    (161, "the command is not supported"),
    (175, "unspecified error of the command (TP-Command)"),
    (176, "TPDU not supported"),
    (192, "service centre busy"),
    (193, "no subscription at the service centre"),
    (194, "failure of the service centre"),
    (195, "invalid address of the receiver"),
    (196, "the receiver is barred"),
    (197, "rejected: the message was sent twice"),
    (198, "format of the validity period not supported"),
    (199, "validity period not supported"),
    (208, "the SIM has no room for a further message"),
    (209, "the SIM stores no messages"),
    (210, "error in the module"),
    (211, "memory capacity exceeded"),
    (212, "SIM application toolkit busy"),
    (213, "error in downloading to the SIM"),
    (255, "unspecified cause"),
    (300, "failure of the mobile equipment"),
    (301, "SMS service reserved"),
    (302, "operation not allowed"),
    (303, "operation not supported"),
    (304, "wrong PDU"),
    (305, "wrong text"),
    (310, "SIM not inserted"),
    (311, "SIM PIN required"),
    (312, "PIN of the device lock (PH-SIM) required"),
    (313, "SIM failure"),
    (314, "SIM busy"),
    (315, "wrong SIM"),
    (316, "SIM PUK required"),
    (317, "SIM PIN2 required"),
    (318, "SIM PUK2 required"),
    (320, "memory failure"),
    (321, "wrong memory index"),
    (322, "memory full"),
    (330, "service centre address unknown"),
    (331, "no network service"),
    (332, "network timeout"),
    (340, "no acknowledgement (+CNMA) was expected"),
    (500, "unknown error"),
];

/// The status in `+HTTPACTION: method,status,length` that no HTTP server sends: of the HTTP application notes of SIMCom and Luat.
const HTTP: &[(u32, &str)] = &[
    (600, "the answer is not HTTP"),
    (601, "network error: the bearer may be down"),
    (602, "the module has no memory left"),
    (603, "the host name could not be resolved (DNS)"),
    (604, "the module's network stack is busy"),
    (605, "the TLS channel could not be made"),
    (606, "the TLS channel was refused: check the certificate and the clock"),
];

/// Returns what the number in a line means, in a few words; `None` for any line without one that is known.
pub(crate) fn meaning(line: &str) -> Option<&'static str> {
    let of = |number: &str, table: &[(u32, &'static str)]| {
        let number: u32 = number.trim().parse().ok()?;
        let at = table.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(table[at].1)
    };
    if let Some(number) = line.strip_prefix("+CME ERROR:") {
        of(number, CME)
    } else if let Some(number) = line.strip_prefix("+CMS ERROR:") {
        of(number, CMS)
    } else {
        of(line.strip_prefix("+HTTPACTION:")?.split(',').nth(1)?, HTTP)
    }
}

/// Returns what a line that reports a failure means, in a sentence; `None` for any other line.
pub(crate) fn explained(line: &str) -> Option<String> {
    match (meaning(line), line) {
        (Some(text), _) => match line.strip_prefix("+HTTPACTION:").and_then(|rest| rest.split(',').nth(1)) {
            Some(status) => Some(format!("HTTP status {} means: {text}", status.trim())),
            None => Some(format!("`{line}` means: {text}")),
        },
        (None, "ERROR") => {
            Some("the device refused the command (`ERROR`); `AT+CMEE=1` makes many modules say why".to_string())
        }
        (None, "NO CARRIER") => Some("the connection was lost or could not be made (`NO CARRIER`)".to_string()),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_have_their_meaning() {
        assert_eq!(explained("+CME ERROR: 10").as_deref(), Some("`+CME ERROR: 10` means: SIM not inserted"));
        assert_eq!(
            explained("+HTTPACTION: 1,603,0").as_deref(),
            Some("HTTP status 603 means: the host name could not be resolved (DNS)")
        );
        assert_eq!(meaning("+CMS ERROR: 310"), Some("SIM not inserted"));
        assert_eq!(meaning("+CME ERROR:  14 "), Some("SIM busy"));
        assert_eq!(meaning("+CME ERROR: 99999"), None);
        assert_eq!(meaning("+CME ERROR: no text"), None);
        assert_eq!(meaning("+HTTPACTION: 1,200,149"), None);
        assert_eq!(meaning("OK"), None);
        assert_eq!(explained("OK"), None);
        assert!(explained("ERROR").is_some_and(|why| why.contains("CMEE")));
    }

    #[test]
    fn tables_are_sorted_and_have_no_number_twice() {
        for table in [CME, CMS, HTTP] {
            assert!(table.is_sorted_by(|(a, _), (b, _)| a < b));
        }
    }
}

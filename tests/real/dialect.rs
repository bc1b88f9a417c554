//! The emulated module's side of the line, byte for byte: what a host reads that types these commands.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use super::auth::registry::{Reregistration, direct_password};
use super::{Cloud, SECRET_HOST, SECRET_KEY, SECRET_NAME, SECRET_SECRET, Service};

/// A host that has the terminal open.
struct Host(AsyncFd<OwnedFd>);

impl Host {
    fn open(path: &Path) -> Host {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = open(path, flags, Mode::empty()).expect("the module is plugged in");
        #[expect(
            deprecated,
            reason = "the other constructor is unsafe; a descriptor that is owned is what it asks for"
        )]
        Host(AsyncFd::new(file).expect("a terminal can be waited for"))
    }

    /// Types something and asserts what comes.
    async fn asserts(&self, typed: &str, expected: &str) {
        rustix::io::write(self.0.get_ref(), typed.as_bytes()).expect("the module is plugged in");
        let mut found = Vec::new();
        let read = async {
            while found.len() < expected.len() {
                let mut ready = self.0.readable().await.expect("it can be waited for");
                let mut buffer = [0; 4096];
                if let Ok(n) = ready.try_io(|fd| Ok(rustix::io::read(fd, &mut buffer)?)) {
                    found.extend_from_slice(&buffer[..n.expect("the module is plugged in")]);
                }
            }
        };
        let ended = timeout(Duration::from_secs(5), read).await;
        assert_eq!(String::from_utf8_lossy(&found), expected, "after {typed:?}, {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_the_reference() {
    let service = Service::start(Reregistration::Reject).await;
    let air = service.module();
    let host = Host::open(air.path());
    // protocols.md 6.5; the echo ends with the command's CR, and the answer begins with CR LF.
    host.asserts("AT\r", "AT\r\r\nOK\r\n").await;
    host.asserts("AT+CGMR\r\n", "AT+CGMR\r\r\nAirM2M_V5664_AT_S_SSL\r\n\r\nOK\r\n").await;
    host.asserts("at+cgatt?\r", "at+cgatt?\r\r\n+CGATT: 1\r\n\r\nOK\r\n").await;
    // CIFSR: no OK follows; CIPSTATUS: it comes first.
    host.asserts("AT+CIFSR\r", "AT+CIFSR\r\r\nERROR\r\n").await;
    host.asserts("AT+CIPSTATUS\r", "AT+CIPSTATUS\r\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n").await;
    host.asserts("AT+CIICR\r", "AT+CIICR\r\r\n+CME ERROR: 3\r\n").await;
    host.asserts("AT+CSTT\r", "AT+CSTT\r\r\nOK\r\n").await;
    host.asserts("AT+CIICR\r", "AT+CIICR\r\r\nOK\r\n").await;
    host.asserts("AT+CIFSR\r", "AT+CIFSR\r\r\n10.0.0.2\r\n").await;
    host.asserts("AT+CIPSHUT\r", "AT+CIPSHUT\r\r\nSHUT OK\r\n").await;
    // Garbage is met with silence, an unknown command is not; an empty line is nothing.
    host.asserts("hello\r\r", "hello\r\r").await;
    host.asserts("AT+CIICRR\r", "AT+CIICRR\r\r\nERROR\r\n").await;
    host.asserts("AT+MQTTSTATU\r", "AT+MQTTSTATU\r\r\n+MQTTSTATU :0\r\n\r\nOK\r\n").await;
    host.asserts("AT+CMEE=0\r", "AT+CMEE=0\r\r\nOK\r\n").await;
    host.asserts("AT+SAPBR=0,1\r", "AT+SAPBR=0,1\r\r\nERROR\r\n").await;
    host.asserts("AT+CMEE=2\r", "AT+CMEE=2\r\r\nOK\r\n").await;
    host.asserts("AT+MIPCLOSE\r", "AT+MIPCLOSE\r\r\n+CME ERROR: operation failed\r\n").await;
    // The echo of the command that ends it still comes.
    host.asserts("ATE0\r", "ATE0\r\r\nOK\r\n").await;
    host.asserts("AT\r", "\r\nOK\r\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_by_hand_has_the_bytes_of_the_capture() {
    let service = Service::start(Reregistration::Reject).await;
    let air = service.module();
    let host = Host::open(air.path());
    host.asserts("ATE0\r", "ATE0\r\r\nOK\r\n").await;
    let ok = "\r\nOK\r\n";
    host.asserts("AT+HTTPDATA=1,1000\r", "\r\n+CME ERROR: 3\r\n").await;
    host.asserts("AT+SAPBR=1,1\r", ok).await;
    host.asserts("AT+HTTPINIT\r", ok).await;
    host.asserts("AT+HTTPREAD\r", "\r\nERROR\r\n").await;
    host.asserts("AT+HTTPPARA=\"URL\",\"https://iot-auth.cn-shanghai.aliyuncs.com/auth/register/device\"\r", ok).await;
    host.asserts("AT+HTTPPARA=\"USER_DEFINED\",\"Content-Type: application/x-www-form-urlencoded\"\r", ok).await;
    host.asserts("AT+HTTPDATA=4000,20000\r", "\r\n+CME ERROR: 53\r\n").await;
    host.asserts("AT+HTTPDATA=120,20000\r", "\r\nDOWNLOAD\r\n").await;
    let form = "productKey=b1KCi45LcCP&deviceName=862991419835241&random=123456\
                &sign=1770d38260cc980dbc4337ed7fe1e8de&signMethod=HmacMD5";
    // A line end behind the last byte is ignored.
    host.asserts(&format!("{form}\r\n"), ok).await;
    host.asserts("AT+HTTPACTION=1\r", "\r\nOK\r\n\r\n+HTTPACTION: 1,200,149\r\n").await;
    let body = r#"{"code":200,"data":{"deviceName":"862991419835241","deviceSecret":"mRMyB50qafv74A5FofvhxZ2h9iTL9wX7","productKey":"b1KCi45LcCP"},"message":"success"}"#;
    host.asserts("AT+HTTPREAD\r", &format!("\r\n+HTTPREAD: 149\r\n{body}\r\nOK\r\n")).await;
    host.asserts("AT+HTTPREAD=1,6\r", "\r\n+HTTPREAD: 6\r\n\"code\"\r\nOK\r\n").await;
    // Too few bytes in the time that was given: what is there is taken.
    host.asserts("AT+HTTPDATA=3,1000\r", "\r\nDOWNLOAD\r\n").await;
    host.asserts("ab", ok).await;
    host.asserts("AT+HTTPTERM\r", ok).await;
    host.asserts("AT+HTTPTERM\r", "\r\nERROR\r\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_mqtt_session_by_hand_shows_every_kind_of_answer() {
    let name = "an_mqtt_session_by_hand_shows_every_kind_of_answer";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    cloud.admit_secret_device(3).await;
    let air = cloud.module();
    let host = Host::open(air.path());
    host.asserts("ATE0\r", "ATE0\r\r\nOK\r\n").await;
    let ok = "\r\nOK\r\n";
    let start = format!("AT+MIPSTART=\"{SECRET_HOST}\",1883\r");
    host.asserts(&start, "\r\nERROR\r\n").await;
    let password = direct_password(SECRET_SECRET, SECRET_NAME, SECRET_NAME, SECRET_KEY);
    let identity = format!("\"D001|securemode=3,signmethod=hmacsha1|\",\"D001&a1SCOIdrrR9\",\"{password}\"");
    host.asserts(&format!("AT+MCONFIG={identity}\r"), ok).await;
    // A 2G module reaches nothing without its data connection.
    host.asserts(&start, "\r\nOK\r\n\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n").await;
    host.asserts("AT+CSTT\r", ok).await;
    host.asserts("AT+CIICR\r", ok).await;
    host.asserts("AT+MCONNECT=1,300\r", "\r\n+CME ERROR: 767\r\n").await;
    host.asserts(&start, "\r\nOK\r\n\r\nCONNECT OK\r\n").await;
    host.asserts(&start, "\r\nOK\r\n\r\nALREADY CONNECT\r\n").await;
    host.asserts("AT+MQTTSTATU\r", "\r\n+MQTTSTATU :2\r\n\r\nOK\r\n").await;
    host.asserts("AT+MCONNECT=1,300\r", "\r\nOK\r\n\r\nCONNACK OK\r\n").await;
    host.asserts("AT+MQTTSTATU\r", "\r\n+MQTTSTATU :1\r\n\r\nOK\r\n").await;
    host.asserts("AT+MCONNECT=1,300\r", "\r\n+CME ERROR: 767\r\n").await;

    let subscribe = "AT+MSUB=\"/a1SCOIdrrR9/D001/get\",1\r";
    host.asserts("AT+MSUB=\"/a1SCOIdrrR9/D002/get\",1\r", "\r\nOK\r\n\r\nERROR\r\n").await;
    host.asserts(subscribe, "\r\nOK\r\n\r\nSUBACK\r\n").await;
    let publish = |rest: &str| format!("AT+MPUB=\"/a1SCOIdrrR9/D001/{rest}\r");
    host.asserts(&publish("up\",0,0,\"a\""), ok).await;
    host.asserts(&publish("up\",1,0,\"b\""), "\r\nOK\r\n\r\nPUBACK\r\n").await;
    host.asserts(&publish("up\",2,0,\"c\""), "\r\nOK\r\n\r\nPUBREC\r\n\r\nPUBCOMP\r\n").await;
    host.asserts(&publish("up\",1,0,b"), "\r\nERROR\r\n").await;
    host.asserts("AT+MPUBEX=\"/a1SCOIdrrR9/D001/up\",1,0,4\r", "\r\n> ").await;
    host.asserts("A\r\n\"", "\r\nOK\r\n\r\nPUBACK\r\n").await;
    cloud.console.wait_for("/a1SCOIdrrR9/D001/up A\r\n\"").await;

    let get = "/a1SCOIdrrR9/D001/get";
    let direct = format!("\r\nOK\r\n\r\n+MSUB: \"{get}\",3 byte,1\r2\r\n");
    host.asserts(&publish("get\",0,0,\"1\\0D2\""), &direct).await;
    host.asserts("AT+MQTTMODE=1\r", ok).await;
    host.asserts(&publish("get\",0,0,\"1\\0D2\""), &format!("\r\nOK\r\n\r\n+MSUB: \"{get}\",3,310D32\r\n")).await;
    host.asserts("AT+MQTTMODE=0\r", ok).await;
    host.asserts("AT+MQTTMSGSET=1\r", ok).await;
    host.asserts(&publish("get\",0,0,\"x\""), "\r\nOK\r\n\r\n+MSUB: 0\r\n").await;
    host.asserts(&publish("get\",0,0,\"y\""), "\r\nOK\r\n\r\n+MSUB: 1\r\n").await;
    let slots = ["0,VALID", "1,VALID", "2,INVALID", "3,INVALID"].map(|slot| format!("\r\n+MQTTMSGGET: {slot}\r\n"));
    host.asserts("AT+MQTTMSGGET?\r", &format!("{}{ok}", slots.concat())).await;
    let stored = format!("\r\n+MSUB: \"{get}\",1 byte,x\r\n+MSUB: \"{get}\",1 byte,y\r\n{ok}");
    host.asserts("AT+MQTTMSGGET\r", &stored).await;
    host.asserts("AT+MUNSUB=\"/a1SCOIdrrR9/D001/get\"\r", "\r\nOK\r\n\r\nUNSUBACK\r\n").await;

    // The broker closes after DISCONNECT.
    host.asserts("AT+MDISCONNECT\r", "\r\nOK\r\n\r\nCLOSED\r\n").await;
    host.asserts(&publish("up\",0,0,\"a\""), "\r\n+CME ERROR: 767\r\n").await;
}

//! What the stand-in for the sign-in service refuses, as the flow tells it, and its three ways to register again.

use super::auth::registry::Reregistration;
use super::flow::{Finished, Flow};
use super::{DYNAMIC_KEY, DYNAMIC_NAME, DYNAMIC_SECRET, Service};

/// Runs the dynamic flow with one variable changed, against the service alone.
async fn with(name: &str, value: &str) -> Finished {
    let service = Service::start(Reregistration::Reject).await;
    Flow::built_in("aliyun_dynamic.flow").var(name, value).port(service.module().path()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_secret_is_401() {
    // As the vendor's note prints it: two capital I instead of two small l.
    let run = with("product_secret", "VWII9fiYWKiwraBk").await;
    run.assert_ended(1, "Aliyun refused: 401 request auth error: compare product key, device name and secret");
    assert_eq!(run.saved, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_product_is_5005() {
    with("product_key", "b1KCi45LcCQ")
        .await
        .assert_ended(1, "Aliyun refused: 5005 product not found: check the product key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_device_is_6100() {
    with("device_name", "nobody-0001").await.assert_ended(1, "Aliyun refused: 6100 device not found: add the device");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_device_is_6204() {
    with("device_name", "disabled-0001").await.assert_ended(1, "Aliyun refused: 6204 device is disabled: enable it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_active_device_is_6289() {
    with("device_name", "active-0001")
        .await
        .assert_ended(1, "Aliyun refused: 6289 device is already active: sign in with");
}

/// A flow that posts a form to a page of the service.
fn posting(page: &str, form: &str) -> Flow {
    Flow::text(&format!(
        "flow \"posts a form\"\nuse \"lib/air.flow\"\ncall find_module(5)\ncall open_bearer(\"\")\n\
         call aliyun_post(\"https://iot-auth.cn-shanghai.aliyuncs.com{page}\", \"{form}\") -> answer\n\
         capture secret device_secret from json(answer, \"$.data.deviceSecret\")\nsave device_secret\n"
    ))
}

const REGISTER: &str = "/auth/register/device";
const GOOD: &str = "productKey=b1KCi45LcCP&deviceName=862991419835241&random=123456\
                    &sign=1770d38260cc980dbc4337ed7fe1e8de&signMethod=HmacMD5";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_with_something_wrong_in_it_is_460() {
    let service = Service::start(Reregistration::Reject).await;
    let air = service.module();
    let wrong = [
        GOOD.replace("&random=123456", ""),
        GOOD.replace("signMethod", "signmethod"),
        GOOD.replace("HmacMD5", "md5"),
        // The count of HTTPDATA was one too high.
        format!("{GOOD}\\r"),
        "no form".to_string(),
    ];
    for form in wrong {
        posting(REGISTER, &form).port(air.path()).await.assert_ended(1, "Aliyun refused: 460 request parameter error");
    }
    let run =
        posting("/auth/devicename", "productKey=b1KCi45LcCP&deviceName=x&clientId=x&sign=00").port(air.path()).await;
    run.assert_ended(1, "Aliyun refused: 5001 meta device not found");
}

/// Registers and returns what was saved, or `6289`.
async fn register(service: &Service) -> String {
    let run = posting(REGISTER, GOOD).port(service.module().path()).await;
    match run.code {
        Some(0) => {
            run.saved.lines().find_map(|line| line.strip_prefix("device_secret = ")).unwrap_or("").replace('"', "")
        }
        _ => {
            run.assert_ended(1, "Aliyun refused: 6289 device is already active");
            "6289".to_string()
        }
    }
}

/// Registers twice, signs the device in, and registers again.
async fn three_registrations(policy: Reregistration) -> [String; 3] {
    let service = Service::start(policy).await;
    let (first, second) = (register(&service).await, register(&service).await);
    service.auth.registry().device(DYNAMIC_KEY, DYNAMIC_NAME).expect("it is known").is_active = true;
    [first, second, register(&service).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registering_again_gives_the_same_secret_or_a_new_one_or_none() {
    assert_eq!(three_registrations(Reregistration::Same).await, [DYNAMIC_SECRET; 3]);
    assert_eq!(three_registrations(Reregistration::Reject).await, [DYNAMIC_SECRET, DYNAMIC_SECRET, "6289"]);
    let [first, second, third] = three_registrations(Reregistration::Rotate).await;
    assert_eq!((first.as_str(), third.as_str()), (DYNAMIC_SECRET, "6289"));
    assert!(second != first && second.len() == 32, "{second}");
}

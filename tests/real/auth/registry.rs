//! Who is known to the stand-in for Aliyun, and what its sign-in service answers to a form.

use std::collections::{BTreeMap, HashMap};

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

/// A form's fields.
pub(crate) type Form = BTreeMap<String, String>;

/// What happens when a device registers again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reregistration {
    /// Always its secret.
    Same,
    /// A new secret each time until it has signed in to the broker, then 6289.
    Rotate,
    /// Its secret until it has signed in to the broker, then 6289.
    Reject,
}

/// A device of a product.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub secret: String,
    pub is_active: bool,
    pub is_disabled: bool,
    n_registrations: u32,
    n_tokens: u32,
}

/// User and password for the broker, and the client id that they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issued {
    pub product_key: String,
    pub device_name: String,
    pub client_id: String,
    pub iot_id: String,
    pub iot_token: String,
}

/// The products and their devices.
#[derive(Debug)]
pub(crate) struct Registry {
    pub policy: Reregistration,
    products: HashMap<String, String>,
    devices: HashMap<(String, String), Device>,
}

impl Registry {
    /// Returns a registry that knows nobody.
    pub(crate) fn new(policy: Reregistration) -> Registry {
        Registry { policy, products: HashMap::new(), devices: HashMap::new() }
    }

    /// Adds a product with its secret.
    pub(crate) fn add_product(&mut self, product_key: &str, secret: &str) {
        self.products.insert(product_key.to_string(), secret.to_string());
    }

    /// Adds a device with its secret.
    pub(crate) fn add_device(&mut self, product_key: &str, device_name: &str, secret: &str) {
        let secret = secret.to_string();
        let device = Device { secret, is_active: false, is_disabled: false, n_registrations: 0, n_tokens: 0 };
        self.devices.insert((product_key.to_string(), device_name.to_string()), device);
    }

    /// Returns a device to be changed.
    pub(crate) fn device(&mut self, product_key: &str, device_name: &str) -> Option<&mut Device> {
        self.devices.get_mut(&(product_key.to_string(), device_name.to_string()))
    }

    /// Answers `/auth/register/device`.
    pub(crate) fn handle_registration(&mut self, form: Option<&Form>) -> Value {
        let names = ["productKey", "deviceName", "random", "sign", "signMethod"];
        match self.register(form, names) {
            Ok((key, name, secret)) => json!({
                "code": 200,
                "data": {"deviceName": name, "deviceSecret": secret, "productKey": key},
                "message": "success"
            }),
            Err(code) => refusal(code),
        }
    }

    /// Answers `/auth/devicename`; what is issued must be made known to the broker.
    pub(crate) fn handle_sign_in(&mut self, form: Option<&Form>) -> (Value, Option<Issued>) {
        match self.issue(form, ["productKey", "deviceName", "clientId", "sign"]) {
            Ok(issued) => {
                let data = json!({"iotId": issued.iot_id, "iotToken": issued.iot_token});
                (json!({"code": 200, "data": data, "message": "success"}), Some(issued))
            }
            Err(code) => (refusal(code), None),
        }
    }

    fn register(&mut self, form: Option<&Form>, names: [&str; 5]) -> Result<(String, String, String), u16> {
        let [key, name, random, sign, method] = required(form, names)?;
        let method = Method::named(&method).ok_or(460_u16)?;
        let product_secret = self.products.get(&key).ok_or(5005_u16)?;
        let signed = format!("deviceName{name}productKey{key}random{random}");
        if !method.fits(product_secret, &signed, &sign) {
            return Err(401);
        }
        let policy = self.policy;
        let device = self.device(&key, &name).ok_or(6100_u16)?;
        if device.is_disabled {
            return Err(6204);
        }
        match policy {
            Reregistration::Same => {}
            Reregistration::Rotate | Reregistration::Reject if device.is_active => return Err(6289),
            Reregistration::Rotate if device.n_registrations > 0 => {
                device.secret = Method::Md5.of(&device.secret, &format!("{}", device.n_registrations));
            }
            Reregistration::Rotate | Reregistration::Reject => {}
        }
        device.n_registrations += 1;
        let secret = device.secret.clone();
        Ok((key, name, secret))
    }

    fn issue(&mut self, form: Option<&Form>, names: [&str; 4]) -> Result<Issued, u16> {
        let [key, name, client_id, sign] = required(form, names)?;
        let form = form.expect("it has the required fields");
        if client_id.len() > 64 {
            return Err(460);
        }
        let method = Method::named(form.get("signmethod").map_or("hmacmd5", String::as_str)).ok_or(460_u16)?;
        let device = self.device(&key, &name).ok_or(5001_u16)?;
        let is_signed = |field: &&String| !["sign", "signmethod", "resources", "version"].contains(&field.as_str());
        let signed: String = form
            .iter()
            .filter(|(field, _)| is_signed(field))
            .flat_map(|(field, value)| [field.as_str(), value])
            .collect();
        if !method.fits(&device.secret, &signed, &sign) {
            return Err(401);
        }
        if device.is_disabled {
            return Err(6204);
        }
        device.n_tokens += 1;
        let token = format!("token {}", device.n_tokens);
        let (id, iot_token) = (Method::Md5.of(&device.secret, "id"), Method::Md5.of(&device.secret, &token));
        let iot_id = format!("{}00107ceb00", &id[..20]);
        Ok(Issued { product_key: key, device_name: name, client_id, iot_id, iot_token })
    }
}

/// The password of the sign-in with the device's own secret, for a client id without a time stamp.
pub(crate) fn direct_password(secret: &str, client_id: &str, device_name: &str, product_key: &str) -> String {
    Method::Sha1.of(secret, &format!("clientId{client_id}deviceName{device_name}productKey{product_key}"))
}

/// The keyed digests that a sign may be.
#[derive(Clone, Copy, Debug)]
enum Method {
    Md5,
    Sha1,
    Sha256,
}

impl Method {
    fn named(name: &str) -> Option<Method> {
        match name.to_ascii_lowercase().as_str() {
            "hmacmd5" => Some(Method::Md5),
            "hmacsha1" => Some(Method::Sha1),
            "hmacsha256" => Some(Method::Sha256),
            _ => None,
        }
    }

    fn of(self, key: &str, text: &str) -> String {
        fn keyed<M: Mac + KeyInit>(key: &str, text: &str) -> String {
            let mut mac = <M as KeyInit>::new_from_slice(key.as_bytes()).expect("any length will do");
            mac.update(text.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        }
        match self {
            Method::Md5 => keyed::<Hmac<Md5>>(key, text),
            Method::Sha1 => keyed::<Hmac<Sha1>>(key, text),
            Method::Sha256 => keyed::<Hmac<Sha256>>(key, text),
        }
    }

    fn fits(self, key: &str, text: &str, sign: &str) -> bool {
        self.of(key, text).eq_ignore_ascii_case(sign)
    }
}

/// Returns the fields if all are there and none is empty.
fn required<const N: usize>(form: Option<&Form>, names: [&str; N]) -> Result<[String; N], u16> {
    let form = form.ok_or(460_u16)?;
    let fields = names.map(|name| form.get(name).cloned().unwrap_or_default());
    if fields.iter().any(String::is_empty) { Err(460) } else { Ok(fields) }
}

fn refusal(code: u16) -> Value {
    let message = match code {
        401 => "request auth error",
        460 => "request parameter error",
        5001 => "meta device not found",
        5005 => "product not found",
        6100 => "device not found",
        6204 => "device is disabled",
        6289 => "device is already active",
        _ => "error",
    };
    json!({"code": code, "message": message})
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vectors A1 to A3 of the vendor's examples and A6, A7 of other documents.
    #[test]
    fn signs_are_those_of_the_documents() {
        let text = "deviceName862991419835241productKeyb1KCi45LcCPrandom123456";
        assert_eq!(Method::Md5.of("VWll9fiYWKiwraBk", text), "1770d38260cc980dbc4337ed7fe1e8de");
        let text = "clientId862991419835241deviceName862991419835241productKeyb1KCi45LcCP";
        assert_eq!(Method::Md5.of("mRMyB50qafv74A5FofvhxZ2h9iTL9wX7", text), "70e7bb641d7566ad26a305dd20e8e261");
        let password = direct_password("c6994889014596cc1167940410f25bb7", "D001", "D001", "a1SCOIdrrR9");
        assert_eq!(password, "0ef750162fe4ad93fcf463fc5d5f82c666961dc4");
        let text =
            "clientIdk04xkOr6rWR.869861069996614deviceName869861069996614productKeyk04xkOr6rWRtimestamp1728988266914";
        let sign = "8b698e8b90eeee66ea733e8082d9061f6c5a04e45095e0bcbcde841304337ce3";
        assert_eq!(Method::Sha256.of("09ba0ef4c5bbb19a8398c0a2f8b15ac0", text), sign);
        assert!(Method::Sha1.fits(
            "secret",
            "clientId12345deviceNamedeviceproductKeypktimestamp789",
            "FAFD82A3D602B37FB0FA8B7892F24A477F851A14"
        ));
    }
}

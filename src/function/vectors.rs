//! Credentials that clouds publish or devices were seen to use, through the functions that a flow calls.

use super::tests::{call, map, text};
use crate::value::Value;

/// Asserts that bytes show as this hex text, in upper or lower case.
#[track_caller]
fn assert_hex(value: &Value, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&value.show()), expected.to_lowercase());
}

fn hmac(method: &str, key: Value, message: Value) -> Value {
    call(&format!("hmac_{method}"), &[key, message])
}

/// The key of the text made from these fields in alphabetical order.
#[track_caller]
fn assert_aliyun(key: &str, fields: &[(&str, &str)], method: &str, expected: &str) {
    let fields = map(fields.iter().map(|(name, value)| (*name, text(value))));
    assert_hex(&hmac(method, text(key), call("sorted_concat", &[fields])), expected);
}

#[test]
fn aliyun_a1_and_a5_register_a_device() {
    let body = |product, device| [("random", "123456"), ("productKey", product), ("deviceName", device)];
    let (a1, a5) = (body("b1KCi45LcCP", "862991419835241"), body("k1hipglLdjU", "868488076506128"));
    assert_aliyun("VWll9fiYWKiwraBk", &a1, "md5", "1770d38260cc980dbc4337ed7fe1e8de");
    assert_aliyun("8LQwOYSZMwp3DFBd", &a5, "md5", "20558baadb2a0b04847767980f0ee67b");
}

#[test]
fn aliyun_a2_a3_and_a4_sign_without_a_time() {
    let body = |product, device| [("productKey", product), ("deviceName", device), ("clientId", device)];
    for (key, product, device, method, expected) in [
        (
            "mRMyB50qafv74A5FofvhxZ2h9iTL9wX7",
            "b1KCi45LcCP",
            "862991419835241",
            "md5",
            "70e7bb641d7566ad26a305dd20e8e261",
        ),
        ("c6994889014596cc1167940410f25bb7", "a1SCOIdrrR9", "D001", "sha1", "0ef750162fe4ad93fcf463fc5d5f82c666961dc4"),
        (
            "fef32adf6dad46c2c7cbf335d3a7b021",
            "k1hipglLdjU",
            "868488076506128",
            "md5",
            "0f655b12adf519b9a7a2b0a990f398b6",
        ),
    ] {
        assert_aliyun(key, &body(product, device), method, expected);
    }
}

#[test]
fn aliyun_a6_and_a7_sign_with_a_time() {
    let a6 = [
        ("clientId", "k04xkOr6rWR.869861069996614"),
        ("deviceName", "869861069996614"),
        ("productKey", "k04xkOr6rWR"),
        ("timestamp", "1728988266914"),
    ];
    let expected = "8b698e8b90eeee66ea733e8082d9061f6c5a04e45095e0bcbcde841304337ce3";
    assert_aliyun("09ba0ef4c5bbb19a8398c0a2f8b15ac0", &a6, "sha256", expected);
    let a7 = [("timestamp", "789"), ("productKey", "pk"), ("deviceName", "device"), ("clientId", "12345")];
    assert_aliyun("secret", &a7, "sha1", "FAFD82A3D602B37FB0FA8B7892F24A477F851A14");
}

#[test]
fn aliyun_a8_and_a9_register_over_mqtt() {
    let a8 = [("deviceName", "Example_dyn1"), ("productKey", "a1ExpAkj9Hi"), ("random", "7y4Jg5xdKCy9W2i")];
    let expected = "d3b560d5be0c9c19749470e85d912b65685fa4b20edcbd179ccfe98fcca23d5e";
    assert_aliyun("ffFnFlKQW3HYjjPR", &a8, "sha256", expected);
    let a9 = [("deviceName", "AdvExample_dyn1"), ("productKey", "a1csED27mp7"), ("random", "2HyP9O70q5t9VuX")];
    let expected = "9bba3312eb8d62ab11baaf910ad617ac052b31defc35a10446277a9e0aab2556";
    assert_aliyun("VuULINCrtTAzCSzp", &a9, "sha256", expected);
}

#[test]
fn aliyun_a10_has_three_methods_in_upper_case() {
    for (method, time, expected) in [
        ("md5", "32472115200", "16CB9B20009795D576E9172CDC820646"),
        ("sha1", "32472115200", "4E5358D2C33CA163BDA58EC994B9E312712230C7"),
        ("sha256", "32472115200", "2842DC9F2FBA19C671DD3F4D24590D41F91C25FD9BC4E5101951BEA88B7DEACD"),
        ("md5", "1700000000", "21FAD88809E6E674A0BC8D43D6FD1889"),
        ("sha1", "1700000000", "501B3E054A929A0158D8E34826A224C1B9E967E3"),
    ] {
        let message = format!("clientId123456789.abcdefgdeviceNameabcdefgproductKey123456789timestamp{time}");
        let digest = hmac(method, text("Y877Bgo8X5owd3lcB5wWDjryNPoB"), text(&message));
        assert_eq!(call("upper", &[digest]), text(expected));
    }
}

#[test]
fn tencent_decodes_its_key() {
    let key = call("unbase64", &[text("acyv3QDJrRa0fW5UE58KnQ==")]);
    let user = text("LD8S5J1L07test;12010126;abcde;32472115200");
    assert_hex(&hmac("sha1", key.clone(), user.clone()), "3dc0d946301a04219b1c5ff4446109ad24982539");
    let expected = "330d31dbd0758c2429e92b586981346962759a5c8742b5af18fb81a1ecf4e318";
    assert_hex(&hmac("sha256", key, user), expected);
}

#[test]
fn huawei_has_the_hour_as_its_key() {
    for (hour, secret, expected) in [
        (1_744_594_496, "12345678", "c75150e6cb841417396819e4d2ee4358a416344a03a083e3a8567074ddec820a"),
        (32_472_144_000, "123456789", "5888ea6f4631ce76d621f452e8823507c36dd68a61f6e08518c8935e280c3c72"),
        (1_700_028_000, "123456789", "1c05cd54cb1b9585d40f10581aa2c84bf8c93c418eceff2f55f55dbc396c5b32"),
    ] {
        let key = call("format_time", &[Value::Int(hour), text("%Y%m%d%H")]);
        assert_hex(&hmac("sha256", key, text(secret)), expected);
    }
}

#[test]
fn onenet_signs_the_spelling_of_its_method() {
    let key = call("unbase64", &[text("KuF3NT/jUBJ62LNBB/A8XZA9CqS3Cu79B/ABmfA1UCw=")]);
    for (method, spelling, version, expected) in [
        ("md5", "md5", "2018-10-31", "htDD26UhXtXayMFAWRmNiA%3D%3D"),
        ("sha1", "sha1", "2018-10-31", "onzQlILHFFNqIY%2BdOXYM3lthLT8%3D"),
        ("sha256", "sha256", "2018-10-31", "6Y4zbk3Sa89tRf9lMxCCE0jG74uEcEuu%2Fnly1pU9ADM%3D"),
        ("md5", "MD5", "2018-10-31", "y215sMm9evP3NThz5QRsiA%3D%3D"),
        ("sha256", "sha256", "2022-05-01", "N41Pmx3YpLyOoc9jtyCFPJX1etO8MxfcCr7xHYw40ws%3D"),
    ] {
        let message = format!("32472115200\n{spelling}\nproducts/Ck2AF9QD2K/devices/test\n{version}");
        let digest = hmac(method, key.clone(), text(&message));
        let sign = call("url_encode", &[call("base64", &[digest])]);
        assert_eq!(sign, text(expected), "{spelling} {version}");
    }
}

#[test]
fn azure_derives_the_key_of_a_device_from_that_of_its_group() {
    let group = "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==";
    let key = call("unbase64", &[text(group)]);
    let device = hmac("sha256", key, text("sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6"));
    assert_eq!(call("base64", &[device]), text("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc="));
}

#[test]
fn tuya_signs_its_parameters_in_their_order() {
    let fields = map([
        ("deviceId", text("6c95875d0f5ba69607nzfl")),
        ("timestamp", Value::Int(7_258_089_600)),
        ("secureMode", Value::Int(1)),
        ("accessType", Value::Int(1)),
    ]);
    let message = call("replace", &[call("form_encode", &[fields]), text("&"), text(",")]);
    let expected = "d4e2d498e4195db3ed213b33d662e3b7bf434dc3d5a1f2e63b602ac9248ba72c";
    assert_hex(&hmac("sha256", text("fb803786602df760"), message), expected);
}

#[test]
fn baidu_uses_plain_digests() {
    let md5 = call("md5", &[text("mydevice&0&MD5ImSeCrEt0I1M2jkl")]);
    assert_hex(&md5, "22bc75231495220c7a2202fe15f7d286");
    let sha256 = call("sha256", &[text("mydevice&1700000000&SHA256ImSeCrEt0I1M2jkl")]);
    assert_hex(&sha256, "4b4923db7522a0fe7a50a26003ba4a7647f627921828127e169073b9eafe5a2e");
}

#[test]
fn aws_chains_raw_digests_into_a_signing_key() {
    for (date, expected) in [
        ("20120215", "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"),
        ("20150830", "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"),
    ] {
        let secret = text("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let parts = [date, "us-east-1", "iam", "aws4_request"];
        let key = parts.into_iter().fold(secret, |key, part| hmac("sha256", key, text(part)));
        assert_hex(&key, expected);
    }
}

#[test]
fn rfc_6238_appendix_b_has_passwords_of_three_digests() {
    let seed = |n: usize| text(&"1234567890".repeat(7)[..n]);
    for (time, sha1, sha256, sha512) in [
        (59, "94287082", "46119246", "90693936"),
        (1_111_111_109, "07081804", "68084774", "25091201"),
        (1_111_111_111, "14050471", "67062674", "99943326"),
        (1_234_567_890, "89005924", "91819424", "93441116"),
        (2_000_000_000, "69279037", "90698825", "38618901"),
        (20_000_000_000, "65353130", "77737706", "47863826"),
    ] {
        for (method, length, expected) in [("sha1", 20, sha1), ("sha256", 32, sha256), ("sha512", 64, sha512)] {
            let password = call("totp", &[seed(length), Value::Int(time), Value::Int(8), text(method)]);
            assert_eq!(password, text(expected), "{method} at {time}");
        }
    }
}

#[test]
fn bodies_have_the_lengths_that_were_seen() {
    let body = map([
        ("productKey", text("b1KCi45LcCP")),
        ("deviceName", text("862991419835241")),
        ("random", text("123456")),
        ("sign", call("unhex", &[text("1770d38260cc980dbc4337ed7fe1e8de")])),
        ("signMethod", text("HmacMD5")),
    ]);
    assert_eq!(call("len", &[call("form_encode", &[body])]), Value::Int(120));
    let reply = map([("code", Value::Int(6289)), ("message", text("device is already active"))]);
    assert_eq!(call("len", &[call("to_json", &[reply])]), Value::Int(50));
}

//! The credentials of `std/clouds` are those that the clouds and others have published.
//!
//! `tests/clouds` has a flow for each cloud, which asserts what the procedures return. The table here was typed
//! from the published values, apart from the flows, and says that none of them is forgotten.
//!
//! To add a vector, assert it in a flow and name it here.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use flowrun::event::Verdict;
use flowrun::program::Program;
use support::{Outcome, Run, check_file, check_text, check_text_in, flows_in, program, repo, shown};

const FOLDER: &str = "tests/clouds";

/// No flow here sends anything.
const DEVICE: &str = "device \"nothing\"\non line /.+/ { reply \"ERROR\" }\n";

/// Vector, flow, key, and what is made with it.
const VECTORS: &[(&str, &str, &str, &str)] = &[
    ("A1", "aliyun", "VWll9fiYWKiwraBk", "1770d38260cc980dbc4337ed7fe1e8de"),
    ("A2", "aliyun", "mRMyB50qafv74A5FofvhxZ2h9iTL9wX7", "70e7bb641d7566ad26a305dd20e8e261"),
    ("A3", "aliyun", "c6994889014596cc1167940410f25bb7", "0ef750162fe4ad93fcf463fc5d5f82c666961dc4"),
    ("A4", "aliyun", "fef32adf6dad46c2c7cbf335d3a7b021", "0f655b12adf519b9a7a2b0a990f398b6"),
    ("A5", "aliyun", "8LQwOYSZMwp3DFBd", "20558baadb2a0b04847767980f0ee67b"),
    (
        "A6",
        "aliyun",
        "09ba0ef4c5bbb19a8398c0a2f8b15ac0",
        "8b698e8b90eeee66ea733e8082d9061f6c5a04e45095e0bcbcde841304337ce3",
    ),
    ("A7", "aliyun", "secret", "FAFD82A3D602B37FB0FA8B7892F24A477F851A14"),
    ("A8", "aliyun", "ffFnFlKQW3HYjjPR", "d3b560d5be0c9c19749470e85d912b65685fa4b20edcbd179ccfe98fcca23d5e"),
    ("A9", "aliyun", "VuULINCrtTAzCSzp", "9bba3312eb8d62ab11baaf910ad617ac052b31defc35a10446277a9e0aab2556"),
    ("A10 md5", "aliyun", "Y877Bgo8X5owd3lcB5wWDjryNPoB", "16CB9B20009795D576E9172CDC820646"),
    ("A10 sha1", "aliyun", "Y877Bgo8X5owd3lcB5wWDjryNPoB", "4E5358D2C33CA163BDA58EC994B9E312712230C7"),
    (
        "A10 sha256",
        "aliyun",
        "Y877Bgo8X5owd3lcB5wWDjryNPoB",
        "2842DC9F2FBA19C671DD3F4D24590D41F91C25FD9BC4E5101951BEA88B7DEACD",
    ),
    ("A10 md5, 1700000000", "aliyun", "Y877Bgo8X5owd3lcB5wWDjryNPoB", "21FAD88809E6E674A0BC8D43D6FD1889"),
    ("A10 sha1, 1700000000", "aliyun", "Y877Bgo8X5owd3lcB5wWDjryNPoB", "501B3E054A929A0158D8E34826A224C1B9E967E3"),
    ("Tencent sha1", "tencent", "acyv3QDJrRa0fW5UE58KnQ==", "3dc0d946301a04219b1c5ff4446109ad24982539"),
    (
        "Tencent sha256",
        "tencent",
        "acyv3QDJrRa0fW5UE58KnQ==",
        "330d31dbd0758c2429e92b586981346962759a5c8742b5af18fb81a1ecf4e318",
    ),
    ("Huawei, 2025041401", "huawei", "12345678", "c75150e6cb841417396819e4d2ee4358a416344a03a083e3a8567074ddec820a"),
    ("Huawei, 2999010100", "huawei", "123456789", "5888ea6f4631ce76d621f452e8823507c36dd68a61f6e08518c8935e280c3c72"),
    ("Huawei, 2023111506", "huawei", "123456789", "1c05cd54cb1b9585d40f10581aa2c84bf8c93c418eceff2f55f55dbc396c5b32"),
    ("OneNET md5", "onenet", "KuF3NT/jUBJ62LNBB/A8XZA9CqS3Cu79B/ABmfA1UCw=", "htDD26UhXtXayMFAWRmNiA%3D%3D"),
    ("OneNET sha1", "onenet", "KuF3NT/jUBJ62LNBB/A8XZA9CqS3Cu79B/ABmfA1UCw=", "onzQlILHFFNqIY%2BdOXYM3lthLT8%3D"),
    (
        "OneNET sha256",
        "onenet",
        "KuF3NT/jUBJ62LNBB/A8XZA9CqS3Cu79B/ABmfA1UCw=",
        "6Y4zbk3Sa89tRf9lMxCCE0jG74uEcEuu%2Fnly1pU9ADM%3D",
    ),
    ("OneNET MD5", "onenet", "KuF3NT/jUBJ62LNBB/A8XZA9CqS3Cu79B/ABmfA1UCw=", "y215sMm9evP3NThz5QRsiA%3D%3D"),
    (
        "OneNET 2022-05-01",
        "onenet",
        "KuF3NT/jUBJ62LNBB/A8XZA9CqS3Cu79B/ABmfA1UCw=",
        "N41Pmx3YpLyOoc9jtyCFPJX1etO8MxfcCr7xHYw40ws%3D",
    ),
    (
        "Azure DPS group",
        "azure",
        "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==",
        "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=",
    ),
    (
        "AWS 20150830",
        "aws",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9",
    ),
    (
        "AWS 20120215",
        "aws",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d",
    ),
    (
        "AWS request",
        "aws",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ),
    ("Baidu MD5", "baidu", "ImSeCrEt0I1M2jkl", "22bc75231495220c7a2202fe15f7d286"),
    ("Baidu SHA256", "baidu", "ImSeCrEt0I1M2jkl", "4b4923db7522a0fe7a50a26003ba4a7647f627921828127e169073b9eafe5a2e"),
    ("Tuya", "tuya", "fb803786602df760", "d4e2d498e4195db3ed213b33d662e3b7bf434dc3d5a1f2e63b602ac9248ba72c"),
];

/// Clouds without a published vector: what their flows assert was computed with another program.
const WITHOUT_VECTORS: &[&str] = &["jetlinks", "thingsboard", "thingscloud"];

fn text_of(flow: &str) -> String {
    fs::read_to_string(repo(&format!("{FOLDER}/{flow}.flow"))).expect("there is a flow for each cloud")
}

fn run(flow: Arc<Program>) -> Outcome {
    Run::new(flow, program(check_text("device.flow", DEVICE))).go()
}

#[test]
fn the_procedures_return_what_each_flow_asserts() {
    for name in flows_in(FOLDER) {
        let checked = check_file(&format!("{FOLDER}/{name}.flow"));
        assert!(checked.problems.is_empty(), "{}", shown(&checked.problems, &checked));
        let outcome = run(program(checked));
        assert_eq!(outcome.verdict, Verdict::Passed, "{name}\n{}", outcome.report);
        assert!(outcome.raw_sent.is_empty(), "{name} sends something");
    }
}

#[test]
fn every_vector_is_asserted() {
    for (vector, flow, key, result) in VECTORS {
        let text = text_of(flow);
        assert!(text.contains(&format!("\"{key}\"")), "{vector}: its key is not in {flow}.flow");
        assert!(text.contains(result), "{vector}: its result is not in {flow}.flow");

        // With another result the flow fails.
        let first = if result.starts_with('0') { "1" } else { "0" };
        let other = format!("{first}{}", &result[1..]);
        let outcome = run(program(check_text_in(FOLDER, &text.replace(result, &other))));
        assert_eq!(outcome.verdict, Verdict::Failed, "{vector}: {flow}.flow does not assert it");
    }
}

#[test]
fn every_flow_has_a_vector_or_is_known_to_have_none() {
    let flows: BTreeSet<String> = flows_in(FOLDER).into_iter().collect();
    let named = VECTORS.iter().map(|(_, flow, ..)| *flow).chain(WITHOUT_VECTORS.iter().copied());
    assert_eq!(flows, named.map(str::to_string).collect());
}

#[test]
fn every_procedure_is_in_a_flow_and_in_the_document() {
    let library = fs::read_to_string(repo("flows/std/clouds.flow")).expect("it is UTF-8");
    let document = fs::read_to_string(repo("docs/clouds.md")).expect("it is UTF-8");
    let flows: String = flows_in(FOLDER).iter().map(|name| text_of(name)).collect();
    let names = library.lines().filter_map(|line| line.strip_prefix("procedure ")?.split('(').next());
    let mut n_procedures = 0;
    for name in names {
        let is_helper = library.contains(&format!("call {name}("));
        assert!(is_helper || flows.contains(&format!("call {name}(")), "no flow calls {name}");
        assert!(document.contains(&format!("`{name}(")), "docs/clouds.md does not name {name}");
        n_procedures += 1;
    }
    assert!(n_procedures > 20, "{n_procedures} procedures");
}

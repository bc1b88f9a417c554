use super::*;

fn flow(kind: Kind, text: &str) -> String {
    import(text, "a.txt", Some(kind)).expect("it can be imported").flow
}

/// Returns the statements of a flow, without its head.
fn body(kind: Kind, text: &str) -> String {
    let flow = flow(kind, text);
    let at = flow.find("flow \"").expect("it has a header");
    flow[at..].split_once("\n\n").map_or_else(String::new, |(_, body)| body.to_string())
}

#[test]
fn show() {
    if let Ok(path) = std::env::var("SHOW") {
        let text = std::fs::read_to_string(&path).expect("it is there");
        println!("{:#?}", import(&text, &path, None).map(|i| { println!("{}", i.flow); i.lost }));
        let _ = body(Kind::Chat, "'' AT OK");
    }
}

//! Files as exports write them, what is wrong with others, and results that are cut anywhere.

use std::fs;
use std::path::Path;

use super::*;
use crate::check::check as checked;
use crate::load::load;
use crate::program::Program;
use crate::variables::{Given, Origin};

fn sheet(text: &str) -> Sheet {
    Sheet::parse(text.as_bytes(), "u.csv".to_string()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn cells(text: &str) -> Vec<Vec<String>> {
    let sheet = sheet(text);
    std::iter::once(sheet.columns).chain(sheet.rows.into_iter().map(|row| row.cells)).collect()
}

fn told(problems: Vec<Diagnostic>) -> Vec<String> {
    problems.into_iter().map(|problem| format!("{} | {}", problem.message, problem.help.unwrap_or_default())).collect()
}

fn flow(declarations: &str) -> Program {
    let text = format!("flow \"Test\"\n{declarations}\nsend \"AT\"\nexpect line \"OK\"\n");
    let reader = |_: &Path| -> std::io::Result<Vec<u8>> { Ok(text.as_bytes().to_vec()) };
    let checked = checked(load(Path::new("test.flow"), &reader));
    assert_eq!(checked.problems, []);
    checked.program.expect("it has no problems")
}

#[test]
fn every_usual_export_gives_the_same_cells() {
    let expected = [["sn", "note"], ["SN1", "a, b; \"c\""], ["SN2", "two\r\nlines"], ["SN3", ""]];
    let plain = "sn,note\nSN1,\"a, b; \"\"c\"\"\"\nSN2,\"two\r\nlines\"\n\nSN3,\n";
    let semicolons =
        plain.replacen("sn,", "sn;", 1).replace("SN1,", "SN1;").replace("SN2,", "SN2;").replace("SN3,", "SN3;");
    let crlf = plain.replace("\r\n", "|").replace(['\n', '|'], "\r\n");
    let tabs =
        semicolons.replace("sn;", "sn\t").replace("SN1;", "SN1\t").replace("SN2;", "SN2\t").replace("SN3;", "SN3\t");
    let marked = format!("\u{feff}{semicolons}");
    let said = format!("sep=;\r\n{semicolons}");
    let padded = format!("{}\n,,\n", plain.replace("sn,note", " sn , note ,").replace("SN3,", "SN3,,"));
    for text in [plain, &semicolons, &crlf, &tabs, &marked, &said, &padded] {
        assert_eq!(cells(text), expected, "{text:?}");
    }
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(tabs.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let sheet = Sheet::parse(&utf16, "u.txt".to_string()).expect("it is right");
    assert_eq!((sheet.columns, sheet.rows.len()), (vec!["sn".to_string(), "note".to_string()], 3));
    assert_eq!(sheet.rows[2].place(), "row 3 (line 6)");
}

/// `FLOWRUN_CHAOS=1000000` makes so many files.
#[test]
fn no_mutated_file_of_rows_makes_a_panic() {
    let count = std::env::var("FLOWRUN_CHAOS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let flow = flow("param sn unique matches /^SN\\d$/\nsecret key\nparam n = 5");
    let right = b"\xef\xbb\xbfsep=;\r\nport;sn;key;n\r\nCOM1;SN1;\"hunter\r\n2\";5\r\n\r\n;;;\r\nCOM2;SN2;hunter3;\r\n";
    let pieces = b"\"';,\t\n\rs=\xff\xfe\x00\xc3Sn1";
    let mut random = crate::value::random::Rng::from_seed(1);
    for _ in 0..count {
        let mut bytes = right.to_vec();
        for _ in 0..=random.below(6) {
            let at = random.below(bytes.len() as u64) as usize;
            let piece = pieces[random.below(pieces.len() as u64) as usize];
            match random.below(4) {
                0 => bytes[at] = piece,
                1 => bytes.insert(at, piece),
                2 => drop(bytes.drain(..at.min(bytes.len() - 1))),
                _ => drop(bytes.remove(at)),
            }
            bytes.push(piece);
        }
        if let Ok(sheet) = Sheet::parse(&bytes, "u.csv".to_string())
            && let Ok(units) = check(&sheet, &flow, &[])
        {
            assert_eq!(units.len(), sheet.rows.len());
        }
    }
}

#[test]
fn a_file_in_a_wrong_form_says_what_is_wrong_and_where() {
    let problems = |bytes: &[u8]| told(Sheet::parse(bytes, "u.csv".to_string()).expect_err("it is wrong"));
    let utf8 = "save it as CSV in UTF-8: most programs call that `CSV UTF-8`";
    assert_eq!(problems(b"sn\nM\xfcller\n"), [format!("`u.csv` cannot be read: line 2 is not UTF-8 | {utf8}")]);
    assert_eq!(problems(b""), ["`u.csv` is empty | its first row has the names of the columns"]);
    assert_eq!(problems(b"sn\n"), ["`u.csv` has no row below the names of its columns | "]);
    assert_eq!(
        problems(b"sn,,sn\na,b,c\n"),
        [
            "column 2 of `u.csv` has no name | the first row has the names of the columns",
            "`u.csv` has two columns `sn` | leave one of them out"
        ]
    );
    assert_eq!(
        problems(b"sn,key\na\nb,c\nd,e,f\n"),
        ["2 rows of `u.csv` have another number of cells than there are columns: 2 columns | row 1 (line 2): 1 cell\n\
          row 3 (line 4): 3 cells"]
    );
    assert_eq!(
        problems(b"sn,key\na,\"b\nc,d\n"),
        ["a quote that begins in line 2 of `u.csv` is not closed | write `\"\"` for a quote in a quoted cell"]
    );
    assert_eq!(
        problems(b"sep=;\nsn;key\n\"a\"b;c\n"),
        [
            "a quote that begins in line 3 of `u.csv` is closed before the end of its cell | quote the whole cell, and write \
          `\"\"` for a quote in it"
        ]
    );
    let utf16: Vec<u8> = "sn,key\na,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        problems(&utf16),
        [format!("`u.csv` cannot be read: it has zero bytes, as UTF-16 without a byte-order mark | {utf8}")]
    );
    // A quote in a cell without quotes is itself: so pipes are sold.
    assert_eq!(sheet("sn,size\na,5\"\n").rows[0].cells[1], "5\"");
}

#[test]
fn every_wrong_cell_and_column_is_told_and_no_secret_is() {
    let flow = flow("param sn unique matches /^SN\\d$/\nsecret key matches /^k\\w+$/\nparam n = 5\nparam lot");
    let problems = |text: &str, others: &[Given]| told(check(&sheet(text), &flow, others).err().unwrap_or_default());
    assert_eq!(
        problems("sm,key,n,lott\nSN1,k123,1,a\n", &[Given::new("n", "6", Origin::Option)]),
        [
            "`u.csv` has a column `sm`, and `Test` has no param of this name | did you mean `sn`?",
            "`u.csv` has a column `lott`, and `Test` has no param of this name | did you mean `lot`?",
            "`u.csv` has no column `sn`, and `sn` has no default | is the column `sm` meant?",
            "`u.csv` has no column `lot`, and `lot` has no default | is the column `lott` meant?",
            "`n` is a column of `u.csv`, and was given with `--var` too | leave one of them out",
        ]
    );
    let lot = [Given::new("lot", "7", Origin::Option)];
    assert_eq!(
        problems("port,sn,key,n\nCOM1,SN1,hunter22,\n,SN9,k1,x\nCOM1,SN1,k123,1\nCOM2,,k123,007\n", &lot),
        [
            "6 cells of `u.csv` do not fit | row 1 (line 2), `key`: the value must match `/^k\\w+$/`\n\
             row 2 (line 3), `port`: the cell is empty\n\
             row 2 (line 3), `key`: the value needs at least 4 bytes: what is shorter cannot be masked\n\
             row 2 (line 3), `n`: `x` needs a whole number, such as `42` or `0x2a`\n\
             row 4 (line 5), `sn`: the cell is empty, and there is no default\n\
             row 4 (line 5), `n`: `007` needs a number without leading zeros; put its default in quotes, if the zeros \
             count",
            "`sn` is `unique`, and rows of `u.csv` have the same value | `SN1`: row 1 (line 2), row 3 (line 4)",
        ]
    );
    let shared = [lot[0].clone(), Given::new("sn", "SN1", Origin::Option)];
    assert_eq!(
        problems("key\nk123\nk124\n", &shared),
        ["`sn` is `unique`, and `u.csv` has no column for it: all rows would have one value | add the column `sn`"]
    );
    assert_eq!(problems("key\nk123\n", &shared), [""; 0], "one row may");
}

#[test]
fn a_row_has_a_name_for_its_files_that_no_other_has_and_shows_no_secret() {
    let by_number = flow("param sn unique\nsecret key\nparam n = 5");
    let units = check(&sheet("port,sn,key,n\nm1,A/1,k123,\nm2,a_1,k124,7\nm1,../..,k125,\n"), &by_number, &[]);
    let units = units.expect("all of it is right");
    let labels: Vec<&str> = units.iter().map(|unit| unit.label.as_str()).collect();
    assert_eq!(labels, ["A_1", "a_1_row_2", "row_3"]);
    assert_eq!(units[1].shown, ["a_1", "«key»", "7"]);
    assert_eq!((units[0].shown[2].as_str(), units[0].given.len(), units[0].port.as_deref()), ("", 2, Some("m1")));
    let secret = flow("secret pin unique");
    let units = check(&sheet("pin\nhunter22\n"), &secret, &[]).expect("all of it is right");
    assert_eq!((units[0].name.as_str(), units[0].label.as_str()), ("row 1", "row_1"));
}

fn ended(number: usize, verdict: &str) -> Ended {
    let recorded = vec![("imei".to_string(), "8\n9".to_string())];
    let cells = vec![format!("SN{number}, \"x\""), "no".to_string()];
    Ended { number, verdict: verdict.to_string(), cells, recorded, id: format!("id{number}"), ..Ended::default() }
}

#[test]
fn lines_of_results_are_whole_and_a_torn_one_is_removed() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let path = folder.path().join("r.csv");
    let text = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let layout = || Layout::new(&text(&["port", "sn", "verdict"]), &text(&["imei", "sn", "imei"]));
    let (mut results, past) = ResultsFile::open(&path, layout(), Opened::New).expect("it can be made");
    assert_eq!(past, []);
    results.keep(&[ended(1, "passed"), ended(2, "failed")]).expect("there is room");
    assert_eq!(
        ResultsFile::open(&path, layout(), Opened::Resumed).err().as_deref(),
        Some("another process is writing it")
    );
    drop(results);
    let whole = fs::read_to_string(&path).expect("it is there");
    assert_eq!(
        whole,
        "row,port,verdict,step,reason,sn,row.verdict,imei,started,seconds,host,user,flowrun,seed,flow_digest,row_digest\n\
         1,,passed,,,\"SN1, \"\"x\"\"\",no,8\\n9,,,,,,0,,id1\n\
         2,,failed,,,\"SN2, \"\"x\"\"\",no,8\\n9,,,,,,0,,id2\n"
    );
    assert!(ResultsFile::open(&path, layout(), Opened::New).is_err_and(|why| why.contains("--resume")));
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("there is room");
        let (mut results, past) = ResultsFile::open(&path, layout(), Opened::Resumed).expect("it goes on");
        let n_whole = whole[..length].matches('\n').count().saturating_sub(1);
        let ids: Vec<&str> = past.iter().map(|past| past.id.as_str()).collect();
        assert_eq!(ids, ["id1", "id2"][..n_whole], "{length}");
        for number in n_whole + 1..=2 {
            results.keep(&[ended(number, if number == 1 { "passed" } else { "failed" })]).expect("there is room");
        }
        drop(results);
        assert_eq!(fs::read_to_string(&path).ok().as_ref(), Some(&whole), "{length}");
    }
    let foreign = folder.path().join("notes.txt");
    fs::write(&foreign, "notes, without an end of the line").expect("there is room");
    let refused = ResultsFile::open(&foreign, layout(), Opened::Resumed).expect_err("it is no file of results");
    assert!(refused.starts_with("its columns are others than"), "{refused}");
    assert_eq!(fs::read_to_string(&foreign).ok().as_deref(), Some("notes, without an end of the line"));
    let other = Layout::new(&text(&["sn"]), &[]);
    let why = ResultsFile::open(&path, other, Opened::Resumed).expect_err("it has other columns");
    assert_eq!(
        why,
        "its columns are others than `row,port,verdict,step,reason,sn,started,seconds,host,user,flowrun,seed,flow_digest,row_digest`"
    );
    fs::write(&path, "row\n\"open\n").expect("there is room");
    assert!(ResultsFile::open(&path, layout(), Opened::Resumed).is_err());
}

#[test]
fn no_cell_is_a_formula_and_numbers_stay() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let path = folder.path().join("r.csv");
    for (said, kept) in [
        ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
        ("+CSQ: 20", "'+CSQ: 20"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("  =1", "'  =1"),
        ("\u{ff1d}1", "'\u{ff1d}1"),
        ("-71", "-71"),
        ("+3.5e-3", "+3.5e-3"),
        ("a=b", "a=b"),
        ("", ""),
    ] {
        let _ = fs::remove_file(&path);
        let layout = Layout::new(&[], &["said".to_string()]);
        let (mut results, _) = ResultsFile::open(&path, layout, Opened::New).expect("it can be made");
        let recorded = vec![("said".to_string(), said.to_string())];
        results.keep(&[Ended { recorded, cells: Vec::new(), ..ended(1, "passed") }]).expect("there is room");
        let whole = fs::read_to_string(&path).expect("it is there");
        let line = whole.lines().nth(1).unwrap_or_default();
        assert_eq!(line, format!("1,,passed,,,{kept},,,,,,0,,id1"));
    }
}

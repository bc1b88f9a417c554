//! A module without a module: offers an emulated AirM2M module on a pseudo-terminal, whose connections go to real
//! servers.
//!
//! `docs/testing.md` says how to point it at a broker of one's own.

#[cfg(unix)]
#[path = "../tests/real/air/mod.rs"]
mod air;

#[cfg(unix)]
const HELP: &str = "\
An emulated AirM2M module with real connections

Usage: air_emulator [OPTIONS]

Options:
  --resolve HOST:PORT=ADDRESS:PORT  let the module find a server here (repeatable); it finds no other
  --ca FILE                         trust the certificates that this authority (PEM) has signed (repeatable)
  --family 2g|4g                    be an Air202 (the default) or an Air780E
";

#[cfg(unix)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let outcome = async {
        let (family, network) = read(std::env::args().skip(1))?;
        let air = air::Air::start(family, network).map_err(|why| format!("no pseudo-terminal: {why}"))?;
        println!("{}", air.path().display());
        // Until it is killed.
        std::future::pending::<Result<(), String>>().await
    };
    match outcome.await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(problem) => {
            eprint!("{problem}\n\n{HELP}");
            std::process::ExitCode::from(2)
        }
    }
}

#[cfg(unix)]
fn read(mut arguments: impl Iterator<Item = String>) -> Result<(air::Family, air::network::Network), String> {
    let mut family = air::Family::TwoG;
    let mut names = Vec::new();
    let mut authorities = Vec::new();
    while let Some(option) = arguments.next() {
        if option == "--help" || option == "-h" {
            return Err("Help:".to_string());
        }
        let value = arguments.next().ok_or(format!("`{option}` needs a value"))?;
        match option.as_str() {
            "--resolve" => names.push(value),
            "--ca" => authorities.push(std::fs::read_to_string(&value).map_err(|why| format!("`{value}`: {why}"))?),
            "--family" => {
                family = match value.as_str() {
                    "2g" => air::Family::TwoG,
                    "4g" => air::Family::FourG,
                    _ => return Err(format!("`{value}` is neither 2g nor 4g")),
                }
            }
            _ => return Err(format!("there is no option `{option}`")),
        }
    }
    let network = air::network::Network::new(&authorities).map_err(|why| why.to_string())?;
    for name in names {
        let parts = name.split_once('=').and_then(|(from, to)| Some((from.rsplit_once(':')?, to)));
        let ((host, port), address) = parts.ok_or(format!("`{name}` is not HOST:PORT=ADDRESS:PORT"))?;
        let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
        let address =
            address.parse().map_err(|_| format!("`{address}` is not ADDRESS:PORT, such as 127.0.0.1:8883"))?;
        network.add_name(host, port, address);
    }
    Ok((family, network))
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this needs pseudo-terminals, which this system does not have");
}

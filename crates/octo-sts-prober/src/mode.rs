//! When rounds are run; read from flags and variables.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use octo_sts_types::Printable;
use secrecy::SecretString;

use crate::{
    args::ProbeArgs,
    settings::{ConfigError, Env, set, wrong},
};

const PORT: u16 = 8080;
const METRICS_PORT: u16 = 2112;
/// The shortest pause between rounds: they cost GitHub calls.
const SHORTEST: Duration = Duration::from_secs(5);

/// When rounds are run.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Once.
    Once,
    /// Every so often.
    Every {
        /// The pause between the beginnings of two rounds.
        pause: Duration,
        /// Where the metrics are.
        metrics: Option<SocketAddr>,
    },
    /// One per request.
    Endpoint {
        /// Where requests come in.
        listen: SocketAddr,
        /// What lets a request in: the whole value of its `Authorization`.
        authorization: SecretString,
        /// Where the metrics are.
        metrics: Option<SocketAddr>,
    },
}

impl Mode {
    /// Reads when rounds are run.
    pub fn from_args(args: &ProbeArgs, env: Env<'_>) -> Result<Self, ConfigError> {
        if args.once {
            return Ok(Self::Once);
        }
        let metrics_on = set(args.metrics.as_deref()).map_or(Ok(true), boolean)?;
        let port = port("METRICS_PORT", args.metrics_port.as_deref(), METRICS_PORT)?;
        let metrics = metrics_on.then_some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
        if let Some(text) = set(args.every.as_deref()) {
            return Ok(Self::Every { pause: pause(text)?, metrics });
        }
        let authorization = env("AUTHORIZATION").filter(|value| !value.is_empty()).ok_or_else(|| {
            wrong("AUTHORIZATION", "is not set: write the value of the header that lets requests in, or run with --once or --every 60s")
        })?;
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), self::port("PORT", args.port.as_deref(), PORT)?);
        Ok(Self::Endpoint { listen, authorization: authorization.into(), metrics })
    }
}

fn pause(text: &str) -> Result<Duration, ConfigError> {
    match humantime::parse_duration(text) {
        Ok(pause) if pause >= SHORTEST => Ok(pause),
        Ok(_) => Err(wrong("--every, PROBER_EVERY", format!("`{}` is too often: write 5s or more", Printable(text)))),
        Err(_) => Err(wrong("--every, PROBER_EVERY", format!("`{}` is not a time: write one such as 60s or 5m", Printable(text)))),
    }
}

fn port(name: &'static str, text: Option<&str>, default: u16) -> Result<u16, ConfigError> {
    let Some(text) = set(text) else { return Ok(default) };
    text.parse().map_err(|_| wrong(name, format!("`{}` is not a port: write a number from 0 to 65535", Printable(text))))
}

fn boolean(text: &str) -> Result<bool, ConfigError> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "t" => Ok(true),
        "false" | "0" | "f" => Ok(false),
        _ => Err(wrong("METRICS", format!("`{}` is neither: write true or false", Printable(text)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{args, env};

    #[test]
    fn the_endpoint_is_never_open_to_everybody() {
        assert_eq!(Mode::from_args(&args(), &env(&[])).unwrap_err().name, "AUTHORIZATION");
        assert_eq!(Mode::from_args(&args(), &env(&[("AUTHORIZATION", "")])).unwrap_err().name, "AUTHORIZATION");
        let mode = Mode::from_args(&args(), &env(&[("AUTHORIZATION", "sekret")])).unwrap();
        assert!(!format!("{mode:?}").contains("sekret"));
        assert!(matches!(mode, Mode::Endpoint { listen, metrics: Some(metrics), .. } if (listen.port(), metrics.port()) == (8080, 2112)));
    }

    #[test]
    fn a_pause_is_a_time_and_not_too_short() {
        let every = |text: &str| ProbeArgs { every: Some(text.to_owned()), metrics: Some("false".to_owned()), ..args() };
        let Mode::Every { pause, metrics } = Mode::from_args(&every("1m30s"), &env(&[])).unwrap() else { panic!("another mode") };
        assert_eq!((pause, metrics), (Duration::from_secs(90), None));
        for odd in ["1s", "soon", "-5s", "60"] {
            assert!(Mode::from_args(&every(odd), &env(&[])).is_err(), "Input: {odd}");
        }
        assert!(matches!(Mode::from_args(&ProbeArgs { once: true, ..args() }, &env(&[])).unwrap(), Mode::Once));
    }
}

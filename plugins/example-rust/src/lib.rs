//! A provider to copy, in Rust. It drops each message as a text file into a folder, the way SMS daemons and mail
//! robots take their work: a name nobody has seen before, complete from the moment it appears, and never twice for one
//! job. No crates, so that plain rustc builds it; with cargo, serde_json would take the place of json.rs.
mod abi;
mod json;
mod provider;

use json::Value;
use provider::{Address, Job, Outcome, Provider};
use std::fs::{rename, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const ADDRESS_BYTES_MAX: usize = 100;

/// What the instance of a section holds. Nothing in it changes, so all threads may share one.
pub struct FileDrop {
    directory: PathBuf,
}

impl Provider for FileDrop {
    const DESCRIPTOR: abi::Descriptor = abi::Descriptor {
        struct_size: std::mem::size_of::<abi::Descriptor>() as u32,
        channel_kind: abi::CHANNEL_OTHER, // EMAIL, SMS, WHATSAPP and VOICE have texts of their own
        id: abi::text(b"example\0"),
        name: abi::text(b"File drop\0"),
        version: abi::text(b"0.1.0\0"),
        vendor: abi::text(b"You\0"),
        channel_name: abi::text(b"Message\0"),
        address_name: abi::text(b"Recipient\0"),
        channel_description: abi::text(b"A verification code is sent to you.\0"),
        address_description: abi::text(b"Who gets the code.\0"),
        config_schema: abi::text(
            b"{\"type\":\"object\",\"required\":[\"directory\"],\"properties\":{\"directory\":{\"type\":\"string\"}}}\0",
        ),
        address_bytes_max: ADDRESS_BYTES_MAX as u32,
        otp_length_max: 8,
        body_bytes_max: 1000,
        // The job's id is the file's name, so a second send of a job changes nothing.
        flags: abi::FLAG_THREAD_SAFE | abi::FLAG_IDEMPOTENT,
    };

    /// `config`: JSON with all keys of [providers.NAME].
    fn create(config: &[u8]) -> Result<Self, String> {
        let config = json::parse(config).ok_or("the configuration is not JSON")?;
        let directory = match config.member("directory") {
            Some(Value::Text(text)) => PathBuf::from(text),
            Some(_) => return Err("directory: expected text".into()),
            None => return Err("directory: missing".into()),
        };
        if !directory.is_dir() {
            return Err("directory: there is no such folder".into());
        }
        Ok(FileDrop { directory })
    }

    fn validate(&self, address: &[u8]) -> Address {
        // Printable ASCII: a line of text that can break no file format. Real providers know their addresses better.
        if address.len() > ADDRESS_BYTES_MAX {
            Address::TooLong("The recipient is longer than 100 bytes.".into())
        } else if address.is_empty() || !address.iter().all(|c| (0x20..0x7F).contains(c)) {
            Address::Invalid("The recipient must be one line of plain letters.".into())
        } else {
            Address::Valid { normalised: String::new(), country: String::new() }
        }
    }

    fn send(&self, job: &Job) -> Outcome {
        // Checked again: while no worker is there, the gateway takes addresses by their length alone.
        if !matches!(self.validate(job.address), Address::Valid { .. }) {
            return Outcome::rejected("the recipient is not one line of plain letters");
        }
        // Ids come through the network: never let one choose a path.
        let id = match std::str::from_utf8(job.id) {
            Ok(id) if is_name(id) => id,
            _ => return Outcome::rejected("the job's id is no file name"),
        };
        let unfinished = self.directory.join(format!(".{}", id));
        let finished = self.directory.join(format!("{}.txt", id));
        match write(&unfinished, job).and_then(|_| rename(&unfinished, &finished)) {
            Ok(()) => Outcome::sent(id),
            // Certainly not sent, so RETRY: a full disk gets empty again.
            Err(error) => Outcome::retry(&format!("the file cannot be written: {}", error.kind())),
        }
    }
}

fn is_name(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

fn write(path: &Path, job: &Job) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600); // it holds a code
    let mut file = options.open(path)?;
    file.write_all(&[b"To: ", job.address, b"\n\n", job.body, b"\n"].concat())
}

/// The one symbol.
#[no_mangle]
#[allow(non_upper_case_globals)]
pub static otpgw_provider_entry: abi::Entry = provider::entry::<FileDrop>();

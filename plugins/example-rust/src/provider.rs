//! A provider as a safe trait, and the C functions around it: no panic crosses the boundary.
#![allow(dead_code)]
use crate::abi;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Which thread calls what stands in provider.h. With FLAG_THREAD_SAFE several threads share one instance; Sync makes
/// the compiler see to it.
pub trait Provider: Send + Sync + Sized + 'static {
    const DESCRIPTOR: abi::Descriptor;
    /// The error is one sentence that says which key is wrong and why.
    fn create(config: &[u8]) -> Result<Self, String>;
    /// Pure, fast, no network. The bytes are what somebody typed.
    fn validate(&self, address: &[u8]) -> Address;
    /// May block; returns by job.deadline_unix_ms.
    fn send(&self, job: &Job) -> Outcome;
}

/// The sentences are for the person who typed the address.
pub enum Address {
    Valid { normalised: String, country: String }, // empty: as given; unknown
    Invalid(String),
    TooLong(String),
}

/// One message to send, borrowed from the worker.
pub struct Job<'a> {
    pub id: &'a [u8], // the same on every attempt: the idempotency key
    pub attempt: u32,
    pub namespace: &'a [u8],
    pub otp_id: &'a [u8],
    pub address: &'a [u8],
    pub code: &'a [u8],
    pub subject: &'a [u8],
    pub body: &'a [u8],
    pub text_body: &'a [u8],
    pub locale: &'a [u8],
    pub extra: &'a [u8],
    pub otp_json: &'a [u8],
    pub expiry_unix_ms: i64,
    pub deadline_unix_ms: i64,
}

/// What became of a message. The sentence is for operators: no code, no body, no address.
#[derive(Default)]
pub struct Outcome {
    pub code: i32,
    pub detail: String,
    pub retry_after_ms: i64,
    pub upstream_status: i32,
    pub upstream_id: String,
}

impl Outcome {
    pub fn sent(upstream_id: &str) -> Self {
        Outcome { code: abi::SENT, upstream_id: upstream_id.into(), ..Default::default() }
    }
    pub fn retry(detail: &str) -> Self {
        Outcome { code: abi::RETRY, detail: detail.into(), ..Default::default() }
    }
    pub fn rejected(detail: &str) -> Self {
        Outcome { code: abi::REJECTED, detail: detail.into(), ..Default::default() }
    }
    pub fn unknown(detail: &str) -> Self {
        Outcome { code: abi::UNKNOWN, detail: detail.into(), ..Default::default() }
    }
    pub fn broken(detail: &str) -> Self {
        Outcome { code: abi::BROKEN, detail: detail.into(), ..Default::default() }
    }
}

pub const fn entry<P: Provider>() -> abi::Entry {
    abi::Entry {
        abi_major: abi::MAJOR,
        abi_minor: abi::MINOR,
        struct_size: std::mem::size_of::<abi::Entry>() as u32,
        descriptor_count: 1,
        descriptors: Descriptors::<P>::LIST as *const &abi::Descriptor as *const *const abi::Descriptor,
        init: None,
        deinit: None,
        create: create::<P>,
        validate: validate::<P>,
        send: send::<P>,
        destroy: destroy::<P>,
        get_extension: None,
    }
}

struct Descriptors<P>(std::marker::PhantomData<P>);
impl<P: Provider> Descriptors<P> {
    const LIST: &'static &'static abi::Descriptor = &&P::DESCRIPTOR;
}

/// Cuts between characters; the host has zeroed the rest.
fn put(to: &mut [c_char], text: &str) {
    let mut size = text.len().min(to.len() - 1);
    while !text.is_char_boundary(size) {
        size -= 1;
    }
    for (byte, c) in to.iter_mut().zip(&text.as_bytes()[..size]) {
        *byte = *c as c_char;
    }
    to[size] = 0;
}

unsafe extern "C" fn create<P: Provider>(
    _host: *const abi::Host,
    _provider_id: *const c_char,
    config: abi::Str,
    instance: *mut *mut c_void,
    result: *mut abi::SendResult,
) -> i32 {
    let refusal = match catch_unwind(|| P::create(config.bytes())) {
        Ok(Ok(made)) => {
            *instance = Box::into_raw(Box::new(made)) as *mut c_void;
            return 0;
        }
        Ok(Err(sentence)) => sentence,
        Err(_) => "the plug-in panicked".into(),
    };
    put(&mut (*result).detail, &refusal);
    1
}

unsafe extern "C" fn validate<P: Provider>(instance: *mut c_void, address: abi::Str, result: *mut abi::AddressResult) {
    let (provider, result) = (&*(instance as *const P), &mut *result);
    let answer = catch_unwind(AssertUnwindSafe(|| provider.validate(address.bytes())))
        .unwrap_or_else(|_| Address::Invalid("The address could not be checked.".into()));
    match answer {
        Address::Valid { normalised, country } => {
            result.verdict = abi::ADDRESS_VALID;
            put(&mut result.normalised, &normalised);
            put(&mut result.country, &country);
        }
        Address::Invalid(sentence) => {
            result.verdict = abi::ADDRESS_INVALID;
            put(&mut result.sentence, &sentence);
        }
        Address::TooLong(sentence) => {
            result.verdict = abi::ADDRESS_TOO_LONG;
            put(&mut result.sentence, &sentence);
        }
    }
}

unsafe extern "C" fn send<P: Provider>(instance: *mut c_void, job: *const abi::Job, result: *mut abi::SendResult) {
    let (provider, job, result) = (&*(instance as *const P), &*job, &mut *result);
    let message = Job {
        id: job.id.bytes(),
        attempt: job.attempt,
        namespace: job.namespace.bytes(),
        otp_id: job.otp_id.bytes(),
        address: job.address.bytes(),
        code: job.code.bytes(),
        subject: job.subject.bytes(),
        body: job.body.bytes(),
        text_body: job.text_body.bytes(),
        locale: job.locale.bytes(),
        extra: job.extra.bytes(),
        otp_json: job.otp_json.bytes(),
        expiry_unix_ms: job.expiry_unix_ms,
        deadline_unix_ms: job.deadline_unix_ms,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| provider.send(&message)))
        .unwrap_or_else(|_| Outcome::unknown("the plug-in panicked"));
    result.code = outcome.code;
    result.retry_after_ms = outcome.retry_after_ms;
    result.upstream_status = outcome.upstream_status;
    put(&mut result.upstream_id, &outcome.upstream_id);
    put(&mut result.detail, &outcome.detail);
}

unsafe extern "C" fn destroy<P: Provider>(instance: *mut c_void) {
    let _ = catch_unwind(|| drop(Box::from_raw(instance as *mut P)));
}

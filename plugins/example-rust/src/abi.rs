//! otpgw/provider.h of ABI 1.0 in Rust. What each field means, and which thread calls what, stands there.
#![allow(dead_code)]
use std::os::raw::{c_char, c_void};

pub const MAJOR: u32 = 1;
pub const MINOR: u32 = 0;

pub const CHANNEL_OTHER: u32 = 0;
pub const CHANNEL_EMAIL: u32 = 1;
pub const CHANNEL_SMS: u32 = 2;
pub const CHANNEL_WHATSAPP: u32 = 3;
pub const CHANNEL_VOICE: u32 = 4;

pub const FLAG_THREAD_SAFE: u32 = 1;
pub const FLAG_IDEMPOTENT: u32 = 2;

pub const SENT: i32 = 0;
pub const RETRY: i32 = 1;
pub const REJECTED: i32 = 2;
pub const UNKNOWN: i32 = 3;
pub const BROKEN: i32 = 4;

pub const ADDRESS_VALID: i32 = 0;
pub const ADDRESS_INVALID: i32 = 1;
pub const ADDRESS_TOO_LONG: i32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub data: *const c_char,
    pub size: usize,
}

impl Str {
    /// Borrowed until the call that brought it returns, which the caller has to see to.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.size == 0 {
            &[]
        } else {
            std::slice::from_raw_parts(self.data as *const u8, self.size)
        }
    }
}

#[repr(C)]
pub struct Descriptor {
    pub struct_size: u32,
    pub channel_kind: u32,
    pub id: *const c_char,
    pub name: *const c_char,
    pub version: *const c_char,
    pub vendor: *const c_char,
    pub channel_name: *const c_char,
    pub address_name: *const c_char,
    pub channel_description: *const c_char,
    pub address_description: *const c_char,
    pub config_schema: *const c_char,
    pub address_bytes_max: u32,
    pub otp_length_max: u32,
    pub body_bytes_max: u32,
    pub flags: u32,
}
unsafe impl Sync for Descriptor {} // static data that nobody writes

/// A text of a descriptor; it has to end with a NUL.
pub const fn text(bytes: &'static [u8]) -> *const c_char {
    assert!(bytes[bytes.len() - 1] == 0, "a text of the descriptor does not end with \\0");
    bytes.as_ptr() as *const c_char
}

#[repr(C)]
pub struct Job {
    pub struct_size: u32,
    pub attempt: u32,
    pub id: Str,
    pub namespace: Str,
    pub otp_id: Str,
    pub address: Str,
    pub code: Str,
    pub subject: Str,
    pub body: Str,
    pub text_body: Str,
    pub locale: Str,
    pub extra: Str,
    pub otp_json: Str,
    pub expiry_unix_ms: i64,
    pub deadline_unix_ms: i64,
}

#[repr(C)]
pub struct SendResult {
    pub struct_size: u32,
    pub code: i32,
    pub retry_after_ms: i64,
    pub upstream_status: i32,
    pub upstream_id: [c_char; 128],
    pub detail: [c_char; 256],
}

#[repr(C)]
pub struct AddressResult {
    pub struct_size: u32,
    pub verdict: i32,
    pub sentence: [c_char; 256],
    pub normalised: [c_char; 256],
    pub country: [c_char; 4],
}

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub context: *mut c_void,
    pub log: Option<extern "C" fn(*mut c_void, i32, Str)>,
    pub get_extension: Option<extern "C" fn(*mut c_void, *const c_char) -> *const c_void>,
}

#[repr(C)]
pub struct Entry {
    pub abi_major: u32,
    pub abi_minor: u32,
    pub struct_size: u32,
    pub descriptor_count: u32,
    pub descriptors: *const *const Descriptor,
    pub init: Option<extern "C" fn(*const Host) -> i32>,
    pub deinit: Option<extern "C" fn()>,
    pub create: unsafe extern "C" fn(*const Host, *const c_char, Str, *mut *mut c_void, *mut SendResult) -> i32,
    pub validate: unsafe extern "C" fn(*mut c_void, Str, *mut AddressResult),
    pub send: unsafe extern "C" fn(*mut c_void, *const Job, *mut SendResult),
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub get_extension: Option<extern "C" fn(*const c_char) -> *const c_void>,
}
unsafe impl Sync for Entry {} // static data that nobody writes

// The layout of ABI 1.0 on 64-bit machines.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::size_of;
    assert!(size_of::<Descriptor>() == 96 && size_of::<Job>() == 200 && size_of::<SendResult>() == 408);
    assert!(size_of::<AddressResult>() == 524 && size_of::<Host>() == 32 && size_of::<Entry>() == 80);
};

//! The raw N-API calls of the hot path, and nothing else. Only on the environment's own thread.
//!
//! Every function checks the status N-API returns; a refused value becomes a [`Failure`]. [`call`] is the one door
//! from C: it reads the arguments, catches panics and turns failures into JavaScript exceptions.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use napi::sys;

use crate::block::{BLOCK_BYTES, Block};
use crate::failure::{Failure, Result, guarded};
use crate::state::State;

/// A JavaScript value of the running call.
pub type Value = sys::napi_value;

/// The running call: its environment, its state and its arguments.
pub struct Call<'a> {
    env: sys::napi_env,
    /// The environment's state.
    pub state: &'a State,
    arguments: [Value; MAX_ARGUMENTS],
    count: usize,
}

const MAX_ARGUMENTS: usize = 10;

fn check(status: sys::napi_status, what: &str) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(Failure::internal(format!("N-API refused {what} (status {status})")))
}

/// Runs `body` as the function JavaScript called.
///
/// # Safety
/// `env` and `info` are those N-API passed to a function made by [`define`].
pub unsafe fn call(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Call<'_>) -> Result<Value>,
) -> Value {
    let outcome = guarded(|| {
        let mut arguments = [ptr::null_mut(); MAX_ARGUMENTS];
        let mut count = MAX_ARGUMENTS;
        let mut data: *mut c_void = ptr::null_mut();
        // SAFETY: `count` is the capacity of `arguments`; all out pointers live through the call.
        let status = unsafe {
            sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data)
        };
        check(status, "the arguments")?;
        // SAFETY: `define` made `data` from an `Rc<State>` whose count the function object itself holds until it is
        // finalized, and the function is being called, so it is alive.
        let state = unsafe { &*data.cast_const().cast::<State>() };
        body(&Call { env, state, arguments, count })
    });
    match outcome {
        Ok(value) => value,
        Err(failure) => {
            // SAFETY: `env` is valid during the call; an exception that cannot be thrown leaves undefined behind.
            unsafe { throw(env, &failure) };
            ptr::null_mut()
        }
    }
}

/// Puts a function called `name` on `exports` that finds `state` again when it is called.
///
/// # Safety
/// `env` and `exports` are of the running call; `function` passes its arguments to [`call`].
pub unsafe fn define(
    env: sys::napi_env,
    exports: Value,
    state: &Rc<State>,
    name: &std::ffi::CStr,
    function: unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> Value,
) -> Result<()> {
    let data = Rc::into_raw(Rc::clone(state)).cast_mut().cast::<c_void>();
    let mut made = ptr::null_mut();
    // SAFETY: `name` ends in NUL and says so by its length; `data` stays valid until `release_state` runs, which the
    // finalizer below does when the function object is gone.
    unsafe {
        let length = name.to_bytes().len() as isize;
        check(
            sys::napi_create_function(env, name.as_ptr(), length, Some(function), data, &mut made),
            "a function",
        )?;
        check(
            sys::napi_add_finalizer(env, made, data, Some(release_state), ptr::null_mut(), ptr::null_mut()),
            "a finalizer",
        )?;
        check(sys::napi_set_named_property(env, exports, name.as_ptr(), made), "a property")
    }
}

unsafe extern "C" fn release_state(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is the count `define` took for this one function, given back once, by its finalizer.
    drop(unsafe { Rc::from_raw(data.cast_const().cast::<State>()) });
}

unsafe extern "C" fn release_block(_env: sys::napi_env, _data: *mut c_void, block: *mut c_void) {
    // SAFETY: the count `Call::block` took for this one ArrayBuffer, given back once, by its finalizer.
    drop(unsafe { Arc::from_raw(block.cast_const().cast::<Block>()) });
}

/// Throws `failure` as an `Error` with a `code`.
///
/// # Safety
/// `env` is valid and on its own thread.
unsafe fn throw(env: sys::napi_env, failure: &Failure) {
    // SAFETY: the strings carry their lengths; the error object is thrown at once or not at all.
    unsafe {
        if let Ok(error) = error_object(env, failure) {
            sys::napi_throw(env, error);
        }
    }
}

/// An `Error` object with a `code`.
///
/// # Safety
/// `env` is valid, on its own thread, with an open handle scope.
pub unsafe fn error_object(env: sys::napi_env, failure: &Failure) -> Result<Value> {
    let mut error = ptr::null_mut();
    // SAFETY: as promised by the caller; all values are of this scope.
    unsafe {
        let code = utf8(env, failure.code.as_bytes())?;
        let message = utf8(env, failure.message.as_bytes())?;
        check(sys::napi_create_error(env, code, message, &mut error), "an error")?;
    }
    Ok(error)
}

/// # Safety
/// As for [`error_object`].
unsafe fn utf8(env: sys::napi_env, bytes: &[u8]) -> Result<Value> {
    let mut value = ptr::null_mut();
    let (start, length) = (bytes.as_ptr().cast(), bytes.len() as isize);
    // SAFETY: start and length describe `bytes`; V8 copies them. ASCII is the same in latin1, of which V8 makes long
    // strings faster.
    let status = unsafe {
        if bytes.is_ascii() {
            sys::napi_create_string_latin1(env, start, length, &mut value)
        } else {
            sys::napi_create_string_utf8(env, start, length, &mut value)
        }
    };
    if status != sys::Status::napi_ok {
        return Err(Failure::new(
            mosskv::ErrorKind::InvalidArgument,
            format!(
                "a value of {} bytes is too long for a string: read it with the 'buffer' encoding",
                bytes.len()
            ),
        ));
    }
    Ok(value)
}

/// Values JavaScript can be given, outside a [`Call`] too.
pub mod make {
    use super::{Failure, Result, Value, check, ptr, sys};

    /// A string from UTF-8.
    ///
    /// # Safety
    /// `env` is valid, on its own thread, with an open handle scope. (For every function here.)
    pub unsafe fn text(env: sys::napi_env, bytes: &[u8]) -> Result<Value> {
        // SAFETY: the same contract.
        unsafe { super::utf8(env, bytes) }
    }

    /// A Buffer with its own copy of `bytes`.
    ///
    /// # Safety
    /// As for [`text`].
    pub unsafe fn buffer(env: sys::napi_env, bytes: &[u8]) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: start and length describe `bytes`, which Node copies.
        let status = unsafe {
            sys::napi_create_buffer_copy(env, bytes.len(), bytes.as_ptr().cast(), ptr::null_mut(), &mut value)
        };
        check(status, "a buffer").map_err(|_| {
            Failure::internal(format!("Node could not allocate a buffer of {} bytes", bytes.len()))
        })?;
        Ok(value)
    }

    /// A number.
    ///
    /// # Safety
    /// As for [`text`].
    pub unsafe fn number(env: sys::napi_env, number: f64) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: the same contract.
        check(unsafe { sys::napi_create_double(env, number, &mut value) }, "a number")?;
        Ok(value)
    }

    /// `true` or `false`.
    ///
    /// # Safety
    /// As for [`text`].
    pub unsafe fn boolean(env: sys::napi_env, truth: bool) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: the same contract.
        check(unsafe { sys::napi_get_boolean(env, truth, &mut value) }, "a boolean")?;
        Ok(value)
    }

    /// `undefined`.
    ///
    /// # Safety
    /// As for [`text`].
    pub unsafe fn undefined(env: sys::napi_env) -> Result<Value> {
        let mut value = ptr::null_mut();
        // SAFETY: the same contract.
        check(unsafe { sys::napi_get_undefined(env, &mut value) }, "undefined")?;
        Ok(value)
    }
}

impl Call<'_> {
    /// How many arguments JavaScript passed.
    pub fn count(&self) -> usize {
        self.count
    }

    fn argument(&self, index: usize) -> Result<Value> {
        match self.arguments.get(index) {
            Some(value) if index < self.count => Ok(*value),
            _ => Err(Failure::internal(format!("argument {index} of a native call is missing"))),
        }
    }

    /// Argument `index` as an integer.
    #[inline]
    pub fn integer(&self, index: usize) -> Result<i32> {
        let mut number = 0;
        let value = self.argument(index)?;
        // SAFETY: the value is of this call; the out pointer lives through it.
        let status = unsafe { sys::napi_get_value_int32(self.env, value, &mut number) };
        check(status, "an integer")?;
        Ok(number)
    }

    /// Argument `index` as a length or a handle.
    #[inline]
    pub fn size(&self, index: usize) -> Result<usize> {
        let mut number = 0;
        let value = self.argument(index)?;
        // SAFETY: as above.
        let status = unsafe { sys::napi_get_value_uint32(self.env, value, &mut number) };
        check(status, "a size")?;
        Ok(number as usize)
    }

    /// Argument `index`, a string, as UTF-8 in the key part of the area. Strings too long for any key are refused.
    #[inline]
    pub fn key_text(&self, index: usize) -> Result<&[u8]> {
        let (start, capacity) = self.state.area.keys_target();
        let mut length = 0;
        // SAFETY: `start` has room for `capacity` bytes; N-API writes at most that, with a NUL.
        let status = unsafe {
            sys::napi_get_value_string_utf8(
                self.env,
                self.argument(index)?,
                start.cast(),
                capacity,
                &mut length,
            )
        };
        check(status, "a key string")?;
        if length > mosskv::key::MAX_KEY_BYTES {
            return Err(Failure::new(
                mosskv::ErrorKind::InvalidArgument,
                format!(
                    "key is longer than {} bytes: keys are at most that long",
                    mosskv::key::MAX_KEY_BYTES
                ),
            ));
        }
        self.state.area.keys(length).ok_or_else(|| Failure::internal("a key outside the area"))
    }

    /// The first `length` bytes of argument `index`, a `Uint8Array` over ordinary memory.
    pub fn bytes(&self, index: usize, length: usize) -> Result<&[u8]> {
        let (mut kind, mut size, mut start) = (0, 0, ptr::null_mut());
        // SAFETY: all out pointers live through the call; null ones are not wanted.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.argument(index)?,
                &mut kind,
                &mut size,
                &mut start,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check(status, "a typed array")?;
        if kind != sys::TypedarrayType::uint8_array || length > size {
            return Err(Failure::internal("not a Uint8Array, or shorter than was said"));
        }
        if length == 0 {
            return Ok(&[]);
        }
        // SAFETY: N-API says that `size` bytes, at least `length`, start there; JavaScript, which could move or change
        // them, cannot run before this call returns, and the borrow ends with the call.
        Ok(unsafe { std::slice::from_raw_parts(start.cast(), length) })
    }

    /// Copies `bytes` into argument `index`, an `ArrayBuffer`, from `start` on; `false` when they do not fit.
    #[inline]
    pub fn put(&self, index: usize, start: usize, bytes: &[u8]) -> bool {
        let (mut memory, mut size) = (ptr::null_mut(), 0);
        let Ok(value) = self.argument(index) else { return false };
        // SAFETY: the out pointers live through the call, which refuses what is not an ArrayBuffer.
        let status = unsafe { sys::napi_get_arraybuffer_info(self.env, value, &mut memory, &mut size) };
        let fits = start.checked_add(bytes.len()).is_some_and(|end| end <= size);
        if status != sys::Status::napi_ok || memory.is_null() || !fits {
            return false;
        }
        // SAFETY: N-API says that `size` bytes start at `memory` (none if it was detached), and those from `start` on for
        // `bytes` are among them; JavaScript cannot run before this call returns, and `bytes` is not JavaScript's memory.
        unsafe { memory.cast::<u8>().add(start).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        true
    }

    /// A number for JavaScript.
    #[inline]
    pub fn number(&self, number: f64) -> Result<Value> {
        // SAFETY: the call's environment is valid and its scope is open. (For all below.)
        unsafe { make::number(self.env, number) }
    }

    /// A string for JavaScript.
    #[inline]
    pub fn text(&self, bytes: &[u8]) -> Result<Value> {
        // SAFETY: as above.
        unsafe { make::text(self.env, bytes) }
    }

    /// A Buffer for JavaScript, for what does not fit the area.
    pub fn buffer(&self, bytes: &[u8]) -> Result<Value> {
        // SAFETY: as above.
        unsafe { make::buffer(self.env, bytes) }
    }

    /// A boolean for JavaScript.
    #[inline]
    pub fn boolean(&self, truth: bool) -> Result<Value> {
        // SAFETY: as above.
        unsafe { make::boolean(self.env, truth) }
    }

    /// `undefined`.
    #[inline]
    pub fn undefined(&self) -> Result<Value> {
        // SAFETY: as above.
        unsafe { make::undefined(self.env) }
    }

    /// An `ArrayBuffer` that is `block`; `undefined` where the runtime takes no memory of others.
    pub fn block(&self, block: Arc<Block>) -> Result<Value> {
        let mut value = ptr::null_mut();
        let start = block.start().cast();
        let hint = Arc::into_raw(block).cast_mut().cast::<c_void>();
        // SAFETY: the memory stays for as long as the count in `hint`, which the finalizer gives back when the ArrayBuffer
        // is gone.
        let status = unsafe {
            sys::napi_create_external_arraybuffer(
                self.env,
                start,
                BLOCK_BYTES,
                Some(release_block),
                hint,
                &mut value,
            )
        };
        if status == sys::Status::napi_ok {
            return Ok(value);
        }
        // SAFETY: there is no ArrayBuffer, so the finalizer will not run: the count is still ours.
        drop(unsafe { Arc::from_raw(hint.cast_const().cast::<Block>()) });
        self.undefined()
    }

    /// `bytes` through the out part of the area (JavaScript gets their number), or as a Buffer when they do not fit.
    #[inline]
    pub fn answer(&self, bytes: &[u8]) -> Result<Value> {
        if self.state.area.answer(bytes) { self.number(bytes.len() as f64) } else { self.buffer(bytes) }
    }
}

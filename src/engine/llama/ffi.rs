//! The corner where llama.cpp is called past its Rust wrapper: loading from an open file, which the
//! wrapper does not have and the cage needs, and hearing why that failed.

use std::ffi::{CStr, c_char, c_void};
use std::fs::File;
use std::io::Seek as _;
use std::os::fd::IntoRawFd;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;
use models::protocol::WorkerError;

/// Longest complaint that is kept, in bytes.
const COMPLAINT_MAX_BYTES: usize = 300;

/// The library's complaints since loading began. They speak of files and tensors, never of prompts.
static COMPLAINT: Mutex<String> = Mutex::new(String::new());

/// What tells ggml which of Vulkan's devices to use, software ones too.
const VISIBLE_DEVICES: &CStr = c"GGML_VK_VISIBLE_DEVICES";

/// Called with how far loading is, 0 to 1.
pub(super) type Progress<'a> = &'a mut dyn FnMut(f32);

/// Starts the library. It writes nothing to standard error from then on; its complaints are kept
/// for [`load`].
///
/// # Errors
/// When it was started before.
pub(super) fn start() -> Result<Arc<LlamaBackend>, WorkerError> {
    hear_complaints();
    LlamaBackend::init()
        .map(Arc::new)
        .map_err(|error| WorkerError::Failed { reason: error.to_string() })
}

pub(super) fn hear_complaints() {
    // SAFETY: the callback is a plain function that lives as long as the program and takes no data.
    #[expect(unsafe_code, reason = "the wrapper's log carries everything, and gives nothing back")]
    unsafe {
        sys::llama_log_set(Some(hear), std::ptr::null_mut());
        sys::ggml_log_set(Some(hear), std::ptr::null_mut());
    }
}

#[expect(unsafe_code, reason = "called by C")]
unsafe extern "C" fn hear(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if level != sys::GGML_LOG_LEVEL_ERROR || text.is_null() {
        return;
    }
    // SAFETY: the library passes a terminated string that outlives the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let mut complaint = COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner);
    // The first ones say most; those after them only that something failed.
    let room = COMPLAINT_MAX_BYTES.saturating_sub(complaint.len());
    if room > 0 && !complaint.is_empty() {
        complaint.push_str("; ");
    }
    complaint.extend(text.trim().chars().take(room));
}

fn complaint() -> String {
    let complaint = COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner);
    if complaint.is_empty() { "llama.cpp gives no reason".to_owned() } else { complaint.clone() }
}

/// Lets the first device that Vulkan knows be used, whatever it is. Before the devices are listed, and
/// before there are other threads.
pub(super) fn show_software_devices() {
    // SAFETY: both are terminated strings, and no other thread reads the environment yet.
    #[expect(unsafe_code, reason = "ggml has no other way to be told")]
    unsafe {
        libc::setenv(VISIBLE_DEVICES.as_ptr(), c"0".as_ptr(), 1);
    }
}

/// Has the driver of a device make ready what it needs to compute.
pub(super) fn open_device(index: usize) -> Option<()> {
    // SAFETY: an index that the library does not know ends the process, so it is looked at before; the
    // backend is freed where it is made, the device itself stays open with the library.
    #[expect(unsafe_code, reason = "plain functions of C")]
    unsafe {
        if index >= sys::ggml_backend_dev_count() {
            return None;
        }
        let device = sys::ggml_backend_dev_get(index);
        let backend = sys::ggml_backend_dev_init(device, std::ptr::null());
        if backend.is_null() {
            return None;
        }
        sys::ggml_backend_free(backend);
    }
    Some(())
}

/// Loads the model in `file`, with the first `gpu_layers` of its layers on graphics processors. Every tensor
/// is looked through once.
///
/// # Errors
/// Says, for the administrator, what the library found wrong.
pub(super) fn load(
    mut file: File,
    gpu_layers: u32,
    mut progress: Progress<'_>,
) -> Result<LlamaModel, String> {
    // The library reads from where the file stands.
    file.rewind().map_err(|error| error.to_string())?;
    COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner).clear();
    // SAFETY: the descriptor is owned and given away, the mode is a terminated string.
    #[expect(unsafe_code, reason = "the library takes a C stream")]
    let stream = NonNull::new(unsafe { libc::fdopen(file.into_raw_fd(), c"rb".as_ptr()) })
        .ok_or_else(|| std::io::Error::last_os_error().to_string())?;
    // SAFETY: the parameters are the library's own with fields set to valid values; the callback's
    // data is a pointer to `progress`, which outlives the call that uses it; the stream is open, and
    // what the library maps of the file stays mapped after it is closed.
    #[expect(unsafe_code, reason = "see above")]
    let model = unsafe {
        let mut params = sys::llama_model_default_params();
        params.n_gpu_layers = i32::try_from(gpu_layers).unwrap_or(i32::MAX);
        params.load_mode = sys::LLAMA_LOAD_MODE_MMAP;
        params.check_tensors = true;
        params.progress_callback = Some(tell);
        params.progress_callback_user_data = (&raw mut progress).cast();
        let model = sys::llama_model_load_from_file_ptr(stream.as_ptr().cast(), params);
        libc::fclose(stream.as_ptr());
        model
    };
    let model = NonNull::new(model).ok_or_else(complaint)?;
    const { assert!(size_of::<LlamaModel>() == size_of::<NonNull<sys::llama_model>>()) }
    // SAFETY: `LlamaModel` is a transparent wrapper of this pointer, in the version that the
    // workspace pins, and frees the model when it is dropped; nobody else has the pointer.
    #[expect(unsafe_code, reason = "the wrapper has no other way in")]
    Ok(unsafe { std::mem::transmute::<NonNull<sys::llama_model>, LlamaModel>(model) })
}

#[expect(unsafe_code, reason = "called by C")]
unsafe extern "C" fn tell(done: f32, data: *mut c_void) -> bool {
    // SAFETY: `load` passes a pointer to its `progress`, and the library calls back only from
    // inside that call, on the same thread.
    let progress = unsafe { &mut *data.cast::<Progress<'_>>() };
    progress(done);
    true
}

/// The instructions that the library's kernels were compiled for.
pub(super) fn instructions() -> String {
    // SAFETY: these take nothing and give a flag that is fixed when the library is built.
    #[expect(unsafe_code, reason = "plain functions of C")]
    let has: [(&str, i32); 8] = unsafe {
        [
            ("AVX", sys::ggml_cpu_has_avx()),
            ("AVX2", sys::ggml_cpu_has_avx2()),
            ("FMA", sys::ggml_cpu_has_fma()),
            ("F16C", sys::ggml_cpu_has_f16c()),
            ("AVX512", sys::ggml_cpu_has_avx512()),
            ("VNNI", sys::ggml_cpu_has_avx512_vnni()),
            ("BF16", sys::ggml_cpu_has_avx512_bf16()),
            ("AMX", sys::ggml_cpu_has_amx_int8()),
        ]
    };
    let names: Vec<&str> = has.iter().filter(|(_, has)| *has != 0).map(|(name, _)| *name).collect();
    if names.is_empty() { "SSE".to_owned() } else { names.join(" ") }
}

//! `Device`: an open COM port whose read and write go on while its thread waits for either of them or for an order.

use std::fs::OpenOptions;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, IntoRawHandle, OwnedHandle};
use std::ptr::{self, NonNull};
use std::time::Duration;

use serialport::{COMPort, SerialPort};
use windows_sys::Win32::Devices::Communication::{COMMTIMEOUTS, DCB, GetCommState, SetCommState, SetCommTimeouts};
use windows_sys::Win32::Foundation::{
    ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, FALSE, HANDLE, TRUE, WAIT_FAILED, WAIT_OBJECT_0,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OVERLAPPED, ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Threading::{
    CreateEventW, INFINITE, SetEvent, WaitForMultipleObjects, WaitForSingleObject,
};

use super::dcb;
use crate::settings::LineSettings;

const READ_SIZE: usize = 16 * 1024;
/// How long a driver may take to give up a read or a write, in milliseconds.
const MOST_TO_GIVE_UP: u32 = 1000;

/// A port that reads and writes in the background.
pub(super) struct Device {
    port: COMPort,
    reading: Transfer,
    writing: Transfer,
}

/// What a thread can wait for, and another can set.
pub(super) struct Event(OwnedHandle);

/// One direction of a port.
struct Transfer {
    /// The system writes to it as long as the transfer is pending, so it has a place of its own.
    overlapped: NonNull<OVERLAPPED>,
    /// Belongs to the system as long as the transfer is pending.
    buffer: Vec<u8>,
    /// Is set when the transfer has ended.
    ended: Event,
    is_pending: bool,
}

impl Device {
    /// Opens a port that nobody else has open.
    pub(super) fn open(name: &str) -> io::Result<Device> {
        // From COM10 on only the whole path is a name.
        let path = if name.starts_with('\\') { name.to_string() } else { format!(r"\\.\{name}") };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).share_mode(0).custom_flags(FILE_FLAG_OVERLAPPED).open(path)?;
        // SAFETY: the handle is open, and the port owns it from here on.
        let port = unsafe { COMPort::from_raw_handle(file.into_raw_handle()) };
        Ok(Device { port, reading: Transfer::new(vec![0; READ_SIZE])?, writing: Transfer::new(Vec::new())? })
    }

    /// Sets the line, all in one step.
    pub(super) fn set(&mut self, settings: &LineSettings, lines: dcb::Lines) -> io::Result<()> {
        let mut found = DCB { DCBlength: size_of::<DCB>().try_into().unwrap_or(0), ..DCB::default() };
        // SAFETY: the handle is open, and the structure has its size in it.
        succeeded(unsafe { GetCommState(self.handle(), &raw mut found) })?;
        dcb::set(&mut found, settings, lines);
        // SAFETY: as above.
        succeeded(unsafe { SetCommState(self.handle(), &raw const found) })
    }

    /// Has reads and writes end when all of it has come or left, and no sooner.
    ///
    /// The other forms of waiting mean something else to some drivers.
    pub(super) fn wait_without_end(&mut self) -> io::Result<()> {
        let none = COMMTIMEOUTS::default();
        // SAFETY: the handle is open.
        succeeded(unsafe { SetCommTimeouts(self.handle(), &raw const none) })
    }

    /// Returns the port, for what takes no time.
    pub(super) fn port(&mut self) -> &mut COMPort {
        &mut self.port
    }

    /// Returns some of what has come, or nothing if nothing has; a read that ended without a byte gives an empty slice.
    ///
    /// As long as it returns something, there may be more.
    pub(super) fn read(&mut self) -> io::Result<Option<&[u8]>> {
        let port = self.handle();
        if !self.reading.is_pending {
            // What is there is read at once; if nothing is, the read ends with the first byte. A port that cannot say
            // what is there has that error for the read too.
            let n_there = self.port.bytes_to_read().unwrap_or(0);
            let reading = &mut self.reading;
            let size = reading.buffer.len().try_into().unwrap_or(u32::MAX).min(n_there.max(1));
            let (buffer, overlapped) = (reading.buffer.as_mut_ptr(), reading.overlapped.as_ptr());
            // SAFETY: the buffer is no smaller; it and the structure stay where they are until the transfer has ended.
            reading.begun(unsafe { ReadFile(port, buffer, size, ptr::null_mut(), overlapped) })?;
        }
        let reading = &mut self.reading;
        Ok(reading.result(port)?.map(|n| &reading.buffer[..n]))
    }

    /// Says whether a read goes on, because nothing is there.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_pending
    }

    /// Begins to write; the write before must have ended.
    pub(super) fn begin_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let port = self.handle();
        let writing = &mut self.writing;
        if writing.is_pending {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        writing.buffer.clear();
        writing.buffer.extend_from_slice(bytes);
        let size = bytes.len().try_into().unwrap_or(u32::MAX);
        let (buffer, overlapped) = (writing.buffer.as_ptr(), writing.overlapped.as_ptr());
        // SAFETY: the buffer has this size; it and the structure stay where they are until the transfer has ended.
        writing.begun(unsafe { WriteFile(port, buffer, size, ptr::null_mut(), overlapped) })
    }

    /// Says whether a write was begun, and [`written`](Device::written) has not said yet that it has ended.
    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_pending
    }

    /// Returns how many bytes the write that ended has written.
    pub(super) fn written(&mut self) -> io::Result<Option<usize>> {
        if !self.writing.is_pending {
            return Ok(None);
        }
        self.writing.result(self.handle())
    }

    /// Gives up the read; what it has read and nobody has asked for is lost.
    pub(super) fn stop_reading(&mut self) {
        self.reading.give_up(self.port.as_raw_handle());
    }

    /// Gives up the write.
    pub(super) fn stop_writing(&mut self) {
        self.writing.give_up(self.port.as_raw_handle());
    }

    /// Waits until a read or a write that was begun has ended, there is an order, or that time has passed.
    pub(super) fn wait(&self, order: &Event, time: Option<Duration>) -> io::Result<()> {
        let pending = [&self.reading, &self.writing].into_iter().filter(|transfer| transfer.is_pending);
        let mut handles = vec![order.handle()];
        handles.extend(pending.map(|transfer| transfer.ended.handle()));
        let time = time.map_or(INFINITE, in_milliseconds);
        let n_handles = handles.len().try_into().unwrap_or(0);
        // SAFETY: these are so many events, and they are open.
        match unsafe { WaitForMultipleObjects(n_handles, handles.as_ptr(), FALSE, time) } {
            WAIT_FAILED => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    fn handle(&self) -> HANDLE {
        self.port.as_raw_handle()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop_reading();
        self.stop_writing();
    }
}

impl Event {
    /// Makes an event that one wait resets.
    pub(super) fn new() -> io::Result<Event> {
        Event::with(FALSE)
    }

    /// Ends the next wait, or the one that goes on.
    pub(super) fn set(&self) {
        // SAFETY: the handle is open. Setting an event does not fail.
        unsafe { SetEvent(self.handle()) };
    }

    fn with(is_manual: i32) -> io::Result<Event> {
        // SAFETY: it has no name and no attributes.
        let event = unsafe { CreateEventW(ptr::null(), is_manual, FALSE, ptr::null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just made, and nobody else closes it.
        Ok(Event(unsafe { OwnedHandle::from_raw_handle(event) }))
    }

    fn handle(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}

impl Transfer {
    fn new(buffer: Vec<u8>) -> io::Result<Transfer> {
        let ended = Event::with(TRUE)?;
        let overlapped = Box::new(OVERLAPPED { hEvent: ended.handle(), ..OVERLAPPED::default() });
        Ok(Transfer { overlapped: NonNull::from(Box::leak(overlapped)), buffer, ended, is_pending: false })
    }

    /// Takes what the call returned that begins the transfer.
    fn begun(&mut self, returned: i32) -> io::Result<()> {
        if let Err(error) = succeeded(returned)
            && !is(&error, ERROR_IO_PENDING)
        {
            return Err(error);
        }
        self.is_pending = true;
        Ok(())
    }

    /// Returns how many bytes were transferred, if the transfer has ended.
    fn result(&mut self, port: HANDLE) -> io::Result<Option<usize>> {
        let mut n = 0;
        // SAFETY: the transfer was begun with this structure.
        match succeeded(unsafe { GetOverlappedResult(port, self.overlapped.as_ptr(), &raw mut n, FALSE) }) {
            Err(error) if is(&error, ERROR_IO_INCOMPLETE) => Ok(None),
            ended => {
                self.is_pending = false;
                ended.map(|()| Some(n.try_into().unwrap_or(usize::MAX).min(self.buffer.len())))
            }
        }
    }

    /// Ends the transfer, if it is pending. A driver that does not let go keeps the buffer for ever.
    fn give_up(&mut self, port: HANDLE) {
        if !self.is_pending {
            return;
        }
        self.is_pending = false;
        // SAFETY: the transfer was begun with this structure. If it has ended by itself there is nothing to cancel.
        unsafe { CancelIoEx(port, self.overlapped.as_ptr()) };
        // SAFETY: the event is open.
        if unsafe { WaitForSingleObject(self.ended.handle(), MOST_TO_GIVE_UP) } != WAIT_OBJECT_0 {
            let size = self.buffer.len();
            std::mem::replace(&mut self.buffer, vec![0; size]).leak();
            let overlapped = Box::new(OVERLAPPED { hEvent: self.ended.handle(), ..OVERLAPPED::default() });
            self.overlapped = NonNull::from(Box::leak(overlapped));
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and the device has given the transfer up before.
        drop(unsafe { Box::from_raw(self.overlapped.as_ptr()) });
    }
}

/// Returns what a call says that returns 0 if it fails.
fn succeeded(returned: i32) -> io::Result<()> {
    if returned == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().and_then(|found| u32::try_from(found).ok()) == Some(code)
}

/// Rounds up: who waits for a moment does not wake up before it.
fn in_milliseconds(time: Duration) -> u32 {
    time.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(INFINITE - 1).min(INFINITE - 1)
}

# SPDX-License-Identifier: MIT
"""Postel as a binding sees it: functions of the shared object by name and plain C types. No C header is read.

A Result is copied out of C at once, so that only pools, leases, envelopes and messages have to be freed.
"""
import ctypes
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_longlong, c_size_t, c_uint,
                    c_ulonglong, c_void_p)
from dataclasses import dataclass

STATUSES = ("OK", "PARTIAL", "REJECTED", "DEFERRED", "UNKNOWN", "INVALID", "UNSUPPORTED", "HOST_UNKNOWN", "CONNECT",
            "IO", "TIMEOUT", "PROTOCOL", "TLS", "AUTH", "CLOSED", "INTERRUPTED", "MEMORY", "POLICY")
OUTCOMES = ("ACCEPTED", "REJECTED", "DEFERRED", "NOT_SENT", "UNKNOWN")
PHASES = ("none", "pool", "resolve", "connect", "tls", "greeting", "ehlo", "auth", "mail", "rcpt", "data", "body",
          "final", "rset", "noop", "quit", "vrfy", "expn", "help")
STATES = ("new", "connecting", "greeting", "ehlo", "starttls", "auth", "ready", "sending", "closed")
TLS_IMPLICIT, TLS_NONE = 1, 3
PROTOCOL_LMTP = 1
CHUNKING_AUTO, CHUNKING_NEVER, CHUNKING_ALWAYS = 0, 1, 2
TRANSPORT_AGAIN, TRANSPORT_FAULT = -1, -2
RET_HDRS = 2
NOTIFY_FAILURE, NOTIFY_DELAY, NOTIFY_NEVER = 2, 4, 8
BODY_7BIT = 1
REFUSE_BARE_NEWLINES = 1
TRACE_SENT = 0

READ = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, POINTER(c_size_t))
TRACE = CFUNCTYPE(None, c_void_p, c_ulonglong, c_int, c_char_p, c_size_t)
BATCH_DONE = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
AUDIT = CFUNCTYPE(None, c_void_p, c_ulonglong, c_int, c_char_p, c_longlong)
OUT = POINTER(c_void_p)
LIST = POINTER(c_char_p)
ARGUMENTS = (c_char_p, LIST, c_size_t, c_void_p, c_size_t, c_int, OUT, c_void_p)  # of a send, without its session
OBJECTS = (c_void_p, c_void_p, c_int, OUT, c_void_p)


class Segment(Structure):
    """postel_segment: with the next one, the only layouts that a binding must know."""
    _fields_ = [("data", c_char_p), ("size", c_size_t)]


class Transport(Structure):
    """postel_transport."""
    _fields_ = [
        ("open", CFUNCTYPE(c_int, c_void_p, c_char_p, c_int, c_int, OUT, c_void_p, c_size_t)),
        ("read", CFUNCTYPE(c_longlong, c_void_p, c_void_p, c_size_t)),
        ("write", CFUNCTYPE(c_longlong, c_void_p, c_void_p, c_size_t)),
        ("wait", CFUNCTYPE(c_int, c_void_p, c_int, c_int)),
        ("wake", CFUNCTYPE(None, c_void_p)),
        ("start_tls", CFUNCTYPE(c_int, c_void_p, c_char_p, c_int, c_void_p, c_size_t)),
        ("close", CFUNCTYPE(None, c_void_p)),
    ]


# Name without prefix: what it returns, what it takes. Handles are void pointers, enums are ints, an error is bytes.
FUNCTIONS = {
    "version": (c_char_p,),
    "error_size": (c_size_t,),
    "error_status": (c_int, c_void_p),
    "error_phase": (c_int, c_void_p),
    "error_code": (c_int, c_void_p),
    "error_system_error": (c_int, c_void_p),
    "error_message": (c_char_p, c_void_p),
    "status_name": (c_char_p, c_int),
    "status_text": (c_char_p, c_int),
    "phase_name": (c_char_p, c_int),
    "outcome_name": (c_char_p, c_int),
    "state_name": (c_char_p, c_int),
    "statistic_name": (c_char_p, c_int),
    "config_new": (c_void_p,),
    "config_from_url": (c_int, c_char_p, OUT, c_void_p),
    "config_check": (c_int, c_void_p, c_void_p),
    "config_free": (None, OUT),
    **{f"config_set_{field}": (None, c_void_p, c_char_p) for field in (
        "host", "server_name", "ca_file", "ca_directory", "ehlo_name", "user", "password", "auth_mechanism")},
    **{f"config_set_{field}": (None, c_void_p, c_int) for field in (
        "port", "tls", "system_trust", "allow_plaintext_auth", "timeout_ms", "phase_timeout_ms", "pipelining",
        "socket_buffer", "chunking", "protocol", "max_recipients", "pool_size", "idle_limit_ms", "max_age_ms", "max_messages", "keepalive_ms")},
    "config_set_max_octets": (None, c_void_p, c_ulonglong),
    "config_set_trace": (None, c_void_p, TRACE, c_void_p),
    "config_set_audit": (None, c_void_p, AUDIT, c_void_p),
    "config_set_transport": (None, c_void_p, POINTER(Transport), c_void_p),
    "audit_event_name": (c_char_p, c_int),
    "envelope_new": (c_void_p, c_char_p),
    "envelope_free": (None, OUT),
    "envelope_add_recipient": (c_size_t, c_void_p, c_char_p),
    "envelope_recipient_count": (c_size_t, c_void_p),
    "envelope_set_ret": (None, c_void_p, c_int),
    "envelope_set_envid": (None, c_void_p, c_char_p),
    "envelope_set_notify": (None, c_void_p, c_size_t, c_uint),
    "envelope_set_orcpt": (None, c_void_p, c_size_t, c_char_p),
    "envelope_set_body": (None, c_void_p, c_int),
    "envelope_set_all_or_none": (None, c_void_p, c_int),
    "envelope_check": (c_int, c_void_p, c_void_p),
    "message_from_memory": (c_void_p, c_void_p, c_size_t),
    "message_from_copy": (c_void_p, c_void_p, c_size_t),
    "message_from_segments": (c_void_p, POINTER(Segment), c_size_t),
    "message_from_path": (c_void_p, c_char_p),
    "message_from_reader": (c_void_p, READ, c_void_p, c_longlong),
    "message_set_refuse": (None, c_void_p, c_uint),
    "message_free": (None, OUT),
    "pool_open": (c_int, c_void_p, OUT, c_void_p),
    "pool_send": (c_int, c_void_p, *ARGUMENTS),
    "pool_send_with_params": (c_int, c_void_p, *OBJECTS),
    "pool_acquire": (c_int, c_void_p, c_int, OUT, c_void_p),
    "pool_release": (c_int, c_void_p, OUT),
    "pool_close": (None, OUT, c_int),
    "pool_statistics": (c_int, c_void_p, OUT, c_void_p),
    "statistics_get": (c_ulonglong, c_void_p, c_int),
    "statistics_free": (None, OUT),
    "send": (c_int, c_void_p, *ARGUMENTS),
    "send_with_params": (c_int, c_void_p, *OBJECTS),
    "connection_new": (c_int, c_void_p, OUT, c_void_p),
    "connect": (c_int, c_void_p, c_int, c_void_p),
    "connection_noop": (c_int, c_void_p, c_int, c_void_p),
    "connection_reset": (c_int, c_void_p, c_int, c_void_p),
    "connection_rehlo": (c_int, c_void_p, c_int, c_void_p),
    **{f"connection_{query}": (c_int, c_void_p, c_char_p, c_int, OUT, c_void_p) for query in ("vrfy", "expn", "help")},
    "connection_protocol": (c_int, c_void_p),
    "connection_is_shutting_down": (c_int, c_void_p),
    "reply_code": (c_int, c_void_p),
    "reply_enhanced": (c_char_p, c_void_p),
    "reply_text": (c_char_p, c_void_p),
    "reply_free": (None, OUT),
    "batch_new": (c_void_p,),
    "batch_free": (None, OUT),
    "batch_add": (c_size_t, c_void_p, c_void_p, c_void_p),
    "batch_count": (c_size_t, c_void_p),
    "batch_set_done": (None, c_void_p, BATCH_DONE, c_void_p),
    "connection_send_batch": (c_int, c_void_p, c_void_p, c_int, c_void_p),
    "pool_send_batch": (c_int, c_void_p, c_void_p, c_int, c_void_p),
    "batch_status": (c_int, c_void_p, c_size_t),
    "batch_result": (c_void_p, c_void_p, c_size_t),
    "batch_error": (c_void_p, c_void_p, c_size_t),
    "connection_close": (c_int, c_void_p, c_int, c_void_p),
    "connection_free": (None, OUT),
    "connection_interrupt": (None, c_void_p),
    "connection_state": (c_int, c_void_p),
    "connection_is_authenticated": (c_int, c_void_p),
    "connection_is_secure": (c_int, c_void_p),
    "connection_tls_description": (c_size_t, c_void_p, c_void_p, c_size_t),
    "connection_phase_us": (c_longlong, c_void_p, c_int),
    "connection_capabilities": (c_int, c_void_p, c_int, OUT, c_void_p),
    "capabilities_has": (c_int, c_void_p, c_char_p),
    "capabilities_parameters": (c_char_p, c_void_p, c_char_p),
    "capabilities_max_size": (c_ulonglong, c_void_p),
    "capabilities_line_count": (c_size_t, c_void_p),
    "capabilities_line": (c_char_p, c_void_p, c_size_t),
    "capabilities_free": (None, OUT),
    "result_status": (c_int, c_void_p),
    "result_phase": (c_int, c_void_p),
    "result_code": (c_int, c_void_p),
    "result_enhanced": (c_char_p, c_void_p),
    "result_text": (c_char_p, c_void_p),
    "result_queue_id": (c_char_p, c_void_p),
    "result_attempts": (c_int, c_void_p),
    "result_transactions": (c_int, c_void_p),
    "result_recipient_count": (c_size_t, c_void_p),
    "result_recipient_address": (c_char_p, c_void_p, c_size_t),
    "result_recipient_outcome": (c_int, c_void_p, c_size_t),
    "result_recipient_phase": (c_int, c_void_p, c_size_t),
    "result_recipient_code": (c_int, c_void_p, c_size_t),
    "result_recipient_enhanced": (c_char_p, c_void_p, c_size_t),
    "result_recipient_text": (c_char_p, c_void_p, c_size_t),
    "result_recipient_queue_id": (c_char_p, c_void_p, c_size_t),
    "result_free": (None, OUT),
}


class PostelError(Exception):
    """A call that did not work, out of the octets of a postel_error."""

    def __init__(self, c, octets):
        self.status = STATUSES[c.error_status(octets)]
        self.phase = PHASES[c.error_phase(octets)]
        self.code = c.error_code(octets)
        self.system_error = c.error_system_error(octets)
        self.message = c.error_message(octets).decode("utf-8")
        super().__init__(f"{self.status}: {self.message}")


@dataclass
class Recipient:
    address: str
    outcome: str
    phase: str
    code: int
    enhanced: str
    text: bytes
    queue_id: str


@dataclass
class Result:
    status: str
    phase: str
    code: int
    enhanced: str
    text: bytes  # as the server sent it: not always UTF-8
    queue_id: str
    attempts: int
    transactions: int
    recipients: list
    error: PostelError = None


def text(value):
    """A text for C. What is behind a NUL would vanish without a word: only the binding can refuse it."""
    octets = value.encode("utf-8") if isinstance(value, str) else value
    if octets is not None and b"\0" in octets:
        raise ValueError("holds a NUL")
    return octets


class Functions:
    def __init__(self, library):
        for name, (result, *arguments) in FUNCTIONS.items():
            function = getattr(library, "postel_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)


class Postel:
    """The loaded library."""

    def __init__(self, path, loader=ctypes.CDLL):
        self.c = Functions(loader(path))
        self.error_size = self.c.error_size()

    def call(self, function, *arguments):
        """Calls what takes an error last, and raises it."""
        error = ctypes.create_string_buffer(self.error_size)
        status = function(*arguments, error)
        if status != 0:
            raise PostelError(self.c, error)

    def config(self, **fields):
        handle = c_void_p(self.c.config_new())
        self.set(handle, **fields)
        return handle

    def config_from_url(self, url):
        handle = c_void_p()
        self.call(self.c.config_from_url, text(url), byref(handle))
        return handle

    def set(self, config, **fields):
        for field, value in fields.items():
            setter = getattr(self.c, "config_set_" + field)
            setter(config, text(value) if isinstance(value, (str, bytes)) else value)

    def pool(self, **fields):
        return self.open_pool(self.config(**fields))

    def open_pool(self, config):
        """A pool made of a config, which is freed."""
        handle = c_void_p()
        try:
            self.call(self.c.pool_open, config, byref(handle))
        finally:
            self.c.config_free(byref(config))
        return Pool(self, handle)

    def envelope(self, sender, *recipients):
        handle = c_void_p(self.c.envelope_new(text(sender)))
        for recipient in recipients:
            self.c.envelope_add_recipient(handle, text(recipient))
        return handle

    def send(self, function, session, sender, recipients, body, timeout_ms=60000):
        """postel_send() or postel_pool_send()."""
        addresses = (c_char_p * len(recipients))(*(text(recipient) for recipient in recipients))
        return self.result_of(function, session, text(sender), addresses, len(addresses), body, len(body), timeout_ms)

    def result_of(self, function, *arguments):
        """The account of a send; raises where there is none."""
        error, handle = ctypes.create_string_buffer(self.error_size), c_void_p()
        status = function(*arguments, byref(handle), error)
        if not handle:
            raise PostelError(self.c, error)
        result = self.read_result(handle)
        self.c.result_free(byref(handle))
        assert not handle and result.status == STATUSES[status], (result, status)
        if status != 0:
            result.error = PostelError(self.c, error)
        return result

    def read_result(self, handle):
        c = self.c
        recipients = [
            Recipient(c.result_recipient_address(handle, i).decode(), OUTCOMES[c.result_recipient_outcome(handle, i)],
                      PHASES[c.result_recipient_phase(handle, i)], c.result_recipient_code(handle, i),
                      c.result_recipient_enhanced(handle, i).decode(), c.result_recipient_text(handle, i),
                      c.result_recipient_queue_id(handle, i).decode())
            for i in range(c.result_recipient_count(handle))]
        return Result(STATUSES[c.result_status(handle)], PHASES[c.result_phase(handle)], c.result_code(handle),
                      c.result_enhanced(handle).decode(), c.result_text(handle), c.result_queue_id(handle).decode(),
                      c.result_attempts(handle), c.result_transactions(handle), recipients)


class Pool:
    def __init__(self, postel, handle):
        self.postel, self.c, self.handle = postel, postel.c, handle

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self, drain_ms=1000):
        self.c.pool_close(byref(self.handle), drain_ms)

    def send(self, sender, recipients, body, timeout_ms=60000):
        return self.postel.send(self.c.pool_send, self.handle, sender, recipients, body, timeout_ms)

    def send_with_params(self, envelope, message, timeout_ms=60000):
        return self.postel.result_of(self.c.pool_send_with_params, self.handle, envelope, message, timeout_ms)

    def acquire(self, timeout_ms=60000):
        connection = c_void_p()
        self.postel.call(self.c.pool_acquire, self.handle, timeout_ms, byref(connection))
        return connection

    def release(self, connection):
        return self.c.pool_release(self.handle, byref(connection))

    def statistics(self):
        """Every counter and gauge by its name: the numbers end where the names do."""
        snapshot, values = c_void_p(), {}
        self.postel.call(self.c.pool_statistics, self.handle, byref(snapshot))
        while name := self.c.statistic_name(len(values)):
            values[name.decode()] = self.c.statistics_get(snapshot, len(values))
        self.c.statistics_free(byref(snapshot))
        return values

"""A TLS client that sends what no library lets a program send: many records without a byte of data.

OpenSSL through ctypes, in memory: what is to be sent is made first and sent as the test likes.
"""

import ctypes
import ctypes.util
import hashlib
import hmac
import socket
import struct

SSL = ctypes.CDLL(ctypes.util.find_library("ssl"))
CRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto"))
POINTER, INT, LONG, SIZE, BYTES = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_size_t, ctypes.c_char_p

for _library, _functions in (
        (SSL, dict(TLS_client_method=(POINTER,), SSL_CTX_new=(POINTER, POINTER), SSL_CTX_free=(None, POINTER),
                   SSL_new=(POINTER, POINTER), SSL_free=(None, POINTER), SSL_set_bio=(None, POINTER, POINTER, POINTER),
                   SSL_ctrl=(LONG, POINTER, INT, LONG, POINTER), SSL_set_cipher_list=(INT, POINTER, BYTES),
                   SSL_set_connect_state=(None, POINTER), SSL_do_handshake=(INT, POINTER),
                   SSL_key_update=(INT, POINTER, INT), SSL_write=(INT, POINTER, BYTES, INT),
                   SSL_read=(INT, POINTER, BYTES, INT), SSL_get_session=(POINTER, POINTER),
                   SSL_SESSION_get_master_key=(SIZE, POINTER, BYTES, SIZE),
                   SSL_get_client_random=(SIZE, POINTER, BYTES, SIZE), SSL_get_server_random=(SIZE, POINTER, BYTES, SIZE))),
        (CRYPTO, dict(BIO_s_mem=(POINTER,), BIO_new=(POINTER, POINTER), BIO_ctrl=(LONG, POINTER, INT, LONG, POINTER),
                      BIO_write=(INT, POINTER, BYTES, INT), BIO_read=(INT, POINTER, BYTES, INT),
                      EVP_CIPHER_CTX_new=(POINTER,), EVP_CIPHER_CTX_free=(None, POINTER), EVP_aes_128_gcm=(POINTER,),
                      EVP_EncryptInit_ex=(INT, POINTER, POINTER, POINTER, BYTES, BYTES),
                      EVP_EncryptUpdate=(INT, POINTER, BYTES, ctypes.POINTER(INT), BYTES, INT),
                      EVP_EncryptFinal_ex=(INT, POINTER, BYTES, ctypes.POINTER(INT)),
                      EVP_CIPHER_CTX_ctrl=(INT, POINTER, INT, INT, BYTES)))):
    for _name, (_result, *_arguments) in _functions.items():
        getattr(_library, _name).restype = _result
        getattr(_library, _name).argtypes = _arguments

BIO_C_SET_BUF_MEM_EOF_RETURN = 130
SSL_CTRL_SET_MAX_PROTO_VERSION = 124
EVP_CTRL_GCM_GET_TAG = 16
TLS_1_2 = 0x0303
HELLO_OF_NOTHING = b"\x01\0\0\0"  # a ClientHello's head: its body is empty


class RudeTls:
    """A connection to 127.0.0.1 whose handshake is done."""

    def __init__(self, port, timeout=15, is_tls_1_2=False):
        self.context = SSL.SSL_CTX_new(SSL.TLS_client_method())
        self.ssl = SSL.SSL_new(self.context)
        self.incoming, self.outgoing = (CRYPTO.BIO_new(CRYPTO.BIO_s_mem()) for _ in range(2))
        for bio in (self.incoming, self.outgoing):
            CRYPTO.BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, None)
        SSL.SSL_set_bio(self.ssl, self.incoming, self.outgoing)
        if is_tls_1_2:
            SSL.SSL_ctrl(self.ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS_1_2, None)
            SSL.SSL_set_cipher_list(self.ssl, b"ECDHE-ECDSA-AES128-GCM-SHA256")
        SSL.SSL_set_connect_state(self.ssl)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        while (done := SSL.SSL_do_handshake(self.ssl)) != 1:
            self.socket.sendall(self.made())
            self._receive()
        assert done == 1
        self.socket.sendall(self.made())
        self.sent_1_2 = 0  # records since the handshake's one

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        SSL.SSL_free(self.ssl)
        SSL.SSL_CTX_free(self.context)

    def made(self):
        """What OpenSSL wants to send."""
        buffer = ctypes.create_string_buffer(65536)
        parts = []
        while (count := CRYPTO.BIO_read(self.outgoing, buffer, len(buffer))) > 0:
            parts.append(buffer.raw[:count])
        return b"".join(parts)

    def _receive(self):
        data = self.socket.recv(65536)
        CRYPTO.BIO_write(self.incoming, data, len(data))
        return bool(data)

    def ask(self, request):
        """The first bytes of the answer; empty when the peer has closed instead."""
        assert SSL.SSL_write(self.ssl, request, len(request)) == len(request)
        self.socket.sendall(self.made())
        answer = ctypes.create_string_buffer(65536)
        while (count := SSL.SSL_read(self.ssl, answer, len(answer))) <= 0:
            if not self._receive():
                return b""
        return answer.raw[:count]

    def key_updates(self, count, want_answers=False):
        """Records of TLS 1.3 that change the keys, and ask the peer for the same."""
        for _ in range(count):
            assert SSL.SSL_key_update(self.ssl, int(want_answers)) == 1
            assert SSL.SSL_do_handshake(self.ssl) == 1
        return self.made()

    def hellos(self, count):
        """Records of TLS 1.2 that begin another handshake."""
        key, salt = self._keys_1_2()
        cipher = CRYPTO.EVP_CIPHER_CTX_new()
        CRYPTO.EVP_EncryptInit_ex(cipher, CRYPTO.EVP_aes_128_gcm(), None, key, None)
        text, tag, size = ctypes.create_string_buffer(16), ctypes.create_string_buffer(16), INT()
        records = []
        for _ in range(count):
            self.sent_1_2 += 1
            number = struct.pack(">Q", self.sent_1_2)
            CRYPTO.EVP_EncryptInit_ex(cipher, None, None, None, salt + number)
            seen = number + b"\x16\x03\x03" + struct.pack(">H", len(HELLO_OF_NOTHING))
            CRYPTO.EVP_EncryptUpdate(cipher, None, size, seen, len(seen))
            CRYPTO.EVP_EncryptUpdate(cipher, text, size, HELLO_OF_NOTHING, len(HELLO_OF_NOTHING))
            CRYPTO.EVP_EncryptFinal_ex(cipher, tag, size)
            CRYPTO.EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, tag)
            body = number + text.raw[:len(HELLO_OF_NOTHING)] + tag.raw
            records.append(b"\x16\x03\x03" + struct.pack(">H", len(body)) + body)
        CRYPTO.EVP_CIPHER_CTX_free(cipher)
        return b"".join(records)

    def _keys_1_2(self):
        """The client's key and salt, as RFC 5246, 6.3, derives them."""
        def read(function, source):
            buffer = ctypes.create_string_buffer(64)
            size = function(source, buffer, len(buffer))
            return buffer.raw[:size]

        secret = read(SSL.SSL_SESSION_get_master_key, SSL.SSL_get_session(self.ssl))
        seed = b"key expansion" + read(SSL.SSL_get_server_random, self.ssl) + read(SSL.SSL_get_client_random, self.ssl)
        link, block = seed, b""
        while len(block) < 40:
            link = hmac.new(secret, link, hashlib.sha256).digest()
            block += hmac.new(secret, link + seed, hashlib.sha256).digest()
        return block[:16], block[32:36]

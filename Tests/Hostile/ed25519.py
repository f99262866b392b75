"""Ed25519 as RFC 8032 defines it, in plain integers: so that an attacker of this suite can sign.

Slow, and open to every side channel there is: for tests alone.
"""

import base64
import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def _recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    return P - x if x & 1 != sign else x


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = _recover_x(_BASE_Y, 0)
BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)


def _add(p, q):
    """Section 5.1.4, in extended coordinates."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class Key:
    """A private key made of a seed of 32 bytes, its public key and its fingerprint."""

    def __init__(self, seed):
        digest = hashlib.sha512(seed).digest()
        scalar = int.from_bytes(digest[:32], "little")
        self.seed = seed
        self._scalar = scalar & (1 << 254) - 8 | 1 << 254
        self._prefix = digest[32:]
        self.public = _compress(_multiply(self._scalar, BASE))
        self.fingerprint = "SHA256:" + hashlib.sha256(self.public).hexdigest()

    def sign(self, message):
        nonce = int.from_bytes(hashlib.sha512(self._prefix + message).digest(), "little") % ORDER
        commitment = _compress(_multiply(nonce, BASE))
        challenge = int.from_bytes(hashlib.sha512(commitment + self.public + message).digest(), "little") % ORDER
        return commitment + ((nonce + challenge * self._scalar) % ORDER).to_bytes(32, "little")

    @property
    def pem(self):
        """PKCS#8 (RFC 8410, section 7), as the programs keep an identity."""
        der = bytes.fromhex("302e020100300506032b657004220420") + self.seed
        return "-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der).decode() + "\n-----END PRIVATE KEY-----\n"

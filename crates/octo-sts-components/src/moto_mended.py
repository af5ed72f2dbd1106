"""moto with two things that AWS KMS has and moto has not: signatures over digests, and keys that come from outside.

The first argument is `digests`, or `messages` for moto as it is: it signs a digest as if it were a message
(MessageType=DIGEST). A key whose description is `file:PATH` has the private half in that PEM file.
"""

import sys
from contextvars import ContextVar
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse
from moto.kms.utils import RSAPrivateKey
from moto.server import main

is_digest = ContextVar("is_digest", default=False)
sign_request = KmsResponse.sign
sign_message = RSAPrivateKey.sign
create_key = KmsBackend.create_key


def sign(self):
    is_digest.set(self._get_param("MessageType") == "DIGEST")
    return sign_request(self)


def sign_either(self, message, signing_algorithm):
    if not is_digest.get():
        return sign_message(self, message, signing_algorithm)
    assert signing_algorithm == "RSASSA_PKCS1_V1_5_SHA_256", signing_algorithm
    return self.private_key.sign(message, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


def create_key_with_material(self, *args, **kwargs):
    key = create_key(self, *args, **kwargs)
    kind, _, path = (key.description or "").partition(":")
    if kind == "file":
        key.private_key.private_key = load_pem_private_key(Path(path).read_bytes(), None)
    return key


if sys.argv[1] == "digests":
    KmsResponse.sign = sign
    RSAPrivateKey.sign = sign_either
KmsBackend.create_key = create_key_with_material
main(sys.argv[2:])

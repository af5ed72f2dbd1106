"""moto, which signs a digest as if it were a message, taught to sign digests as AWS KMS does (MessageType=DIGEST)."""

import sys
from contextvars import ContextVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms.responses import KmsResponse
from moto.kms.utils import RSAPrivateKey
from moto.server import main

is_digest = ContextVar("is_digest", default=False)
sign_request = KmsResponse.sign
sign_message = RSAPrivateKey.sign


def sign(self):
    is_digest.set(self._get_param("MessageType") == "DIGEST")
    return sign_request(self)


def sign_either(self, message, signing_algorithm):
    if not is_digest.get():
        return sign_message(self, message, signing_algorithm)
    assert signing_algorithm == "RSASSA_PKCS1_V1_5_SHA_256", signing_algorithm
    return self.private_key.sign(message, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


KmsResponse.sign = sign
RSAPrivateKey.sign = sign_either
main(sys.argv[1:])

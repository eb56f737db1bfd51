"""Why a signature, a token or a sealed message is wrong: which byte, and what its sender probably did.

Pure: bytes, keys and times come in as arguments. A verifier rebuilds the string to sign from what stood on the wire.
If the signature does not fit, it tries mistakes people make (`causes`) one by one, then two at a time, and asks of
each whether the signature is right for it. An RSA or SM2 signature gives back the digest its maker had, so that a
guess costs one hash and a guess that fits is certain.
"""

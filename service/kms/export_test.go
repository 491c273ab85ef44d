package kms

// Blob makes the ciphertext of a material, a salt, an account, a key ID, a
// version, an ARN and an encryption context.
func Blob(secret, salt []byte, account, keyID string, version uint32, arn string, context map[string]string, plaintext []byte) []byte {
	return sealBlobWith(secret, blobHeader{account, keyID, version}.append(nil), salt, arn, context, plaintext)
}

// OpenBlob is the opposite of Blob.
func OpenBlob(secret, blob []byte, arn string, context map[string]string) ([]byte, bool) {
	return openBlob(secret, blob, arn, context)
}

// ParseBlob returns what the header of a ciphertext says.
func ParseBlob(blob []byte) (account, keyID string, version uint32, ok bool) {
	h, ok := parseBlob(blob)
	return h.account, h.keyID, h.version, ok
}

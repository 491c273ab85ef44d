package s3

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxKeyBytes is the greatest length of an object's key, in UTF-8.
const maxKeyBytes = 1024

// reservedNames are paths of the server's own on the port that S3 is served on.
// Most of the server's paths have an underscore or less than three letters, which
// no bucket has.
var reservedNames = []string{"health", "ready", "metrics", "console", "debug", "service"}

// validBucketName holds a name to the rules of AWS for general purpose buckets,
// and keeps the names of the server's own paths and of CloudTrail's templates.
func validBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || slices.Contains(reservedNames, name) || isTemplateBucket(name) {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '-' && i > 0 && i < len(name)-1:
		case c == '.' && i > 0 && i < len(name)-1 && name[i-1] != '.':
		default:
			return false
		}
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	_, err := netip.ParseAddr(name)
	return err != nil
}

// checkKey holds an object's key to AWS's rules. A key is any text: how it is
// stored does not depend on it.
func checkKey(key string) error {
	switch {
	case len(key) > maxKeyBytes:
		return keyTooLong()
	case key == "":
		return invalidArgument("The key is empty")
	case !utf8.ValidString(key):
		return invalidArgument("The key is not valid UTF-8")
	}
	return nil
}

func bucketARN(bucket string) string      { return "arn:aws:s3:::" + bucket }
func objectARN(bucket, key string) string { return "arn:aws:s3:::" + bucket + "/" + key }

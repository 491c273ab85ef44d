package cairn

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A NameError says why a name that a caller chose was refused.
type NameError struct {
	What   string // what is named, such as "trail name"
	Name   string
	Reason string
}

// Error gives the reason in a sentence for the caller.
func (e *NameError) Error() string {
	return e.What + " " + strconv.Quote(shown(e.Name)) + " " + e.Reason
}

// The most characters that names may have.
const (
	MaxTrailName    = 128
	minTrailName    = 3
	MaxS3KeyPrefix  = 200
	MaxSNSTopicName = 256
)

// ValidateTrailName checks the name of a trail: 3 to 128 of A-Z, a-z, 0-9, ".",
// "_" and "-", of which the last three stand neither at an end nor side by side,
// and not an IPv4 address. A fault is returned as a *NameError, which AWS
// answers with InvalidTrailNameException.
//
// Source: docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html.
func ValidateTrailName(name string) error {
	const what = "trail name"
	switch {
	case len(name) < minTrailName:
		return &NameError{what, name, "is shorter than " + strconv.Itoa(minTrailName) + " characters"}
	case len(name) > MaxTrailName:
		return &NameError{what, name, "is longer than " + strconv.Itoa(MaxTrailName) + " characters"}
	case !only(name, isTrailSeparator):
		return &NameError{what, name, "has other characters than letters, digits, periods, underscores and hyphens"}
	case isTrailSeparator(name[0]):
		return &NameError{what, name, "does not begin with a letter or digit"}
	case isTrailSeparator(name[len(name)-1]):
		return &NameError{what, name, "does not end with a letter or digit"}
	case looksLikeIPv4(name):
		return &NameError{what, name, "has the form of an IP address"}
	}
	for i := 1; i < len(name); i++ {
		if isTrailSeparator(name[i]) && isTrailSeparator(name[i-1]) {
			return &NameError{what, name, "has periods, underscores or hyphens side by side"}
		}
	}
	return nil
}

func isTrailSeparator(c byte) bool { return c == '.' || c == '_' || c == '-' }

// only reports whether s has nothing but ASCII letters, digits and what also
// takes.
func only(s string, also func(byte) bool) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && !also(c) {
			return false
		}
	}
	return true
}

// looksLikeIPv4 reports whether s is four numbers with periods between them.
func looksLikeIPv4(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || len(p) > 3 || n < 0 || n > 255 {
			return false
		}
	}
	return len(parts) == 4
}

// ValidateS3KeyPrefix checks what stands before AWSLogs in a trail's keys: at
// most 200 characters, none of them a control character. It may be empty. A
// fault is returned as a *NameError, which AWS answers with
// InvalidS3PrefixException.
func ValidateS3KeyPrefix(prefix string) error {
	const what = "S3 key prefix"
	switch {
	case !utf8.ValidString(prefix):
		return &NameError{what, prefix, "is not UTF-8"}
	case utf8.RuneCountInString(prefix) > MaxS3KeyPrefix:
		return &NameError{what, prefix, "is longer than " + strconv.Itoa(MaxS3KeyPrefix) + " characters"}
	case strings.ContainsFunc(prefix, func(r rune) bool { return r < ' ' || r == 0x7F }):
		return &NameError{what, prefix, "holds a control character"}
	}
	return nil
}

// ValidateBucketName checks the name of an S3 bucket: 3 to 63 of a-z, 0-9, "."
// and "-", with a letter or digit at both ends, no two periods side by side, and
// not an IPv4 address. A fault is returned as a *NameError, which AWS answers
// with InvalidS3BucketNameException.
//
// Source: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func ValidateBucketName(name string) error {
	const what = "S3 bucket name"
	if len(name) < 3 || len(name) > 63 {
		return &NameError{what, name, "does not have 3 to 63 characters"}
	}
	for i := range len(name) {
		c := name[i]
		switch inner := i > 0 && i < len(name)-1; {
		case isDigit(c), 'a' <= c && c <= 'z':
		case inner && (c == '-' || c == '.' && name[i-1] != '.'):
		default:
			return &NameError{what, name, "is not lower-case letters and digits, with single periods and hyphens between them"}
		}
	}
	if looksLikeIPv4(name) {
		return &NameError{what, name, "has the form of an IP address"}
	}
	return nil
}

// ValidateSNSTopicName checks the name or ARN of an SNS topic: 1 to 256 of A-Z,
// a-z, 0-9, "_" and "-" behind what makes it an ARN. CloudTrail does not publish
// to FIFO topics, whose names end with ".fifo". A fault is returned as a
// *NameError, which AWS answers with InvalidSnsTopicNameException.
func ValidateSNSTopicName(name string) error {
	const what = "SNS topic name"
	topic := name
	if strings.HasPrefix(name, "arn:") {
		arn, err := ParseARN(name)
		if err != nil || arn.Service != "sns" || arn.Region == "" || !validAccountID(arn.AccountID) {
			return &NameError{what, name, "is not the ARN of a topic"}
		}
		topic = arn.Resource
	}
	if topic == "" || len(topic) > MaxSNSTopicName || !only(topic, func(c byte) bool { return c == '_' || c == '-' }) {
		return &NameError{what, name, "is not 1 to " + strconv.Itoa(MaxSNSTopicName) + " letters, digits, underscores and hyphens"}
	}
	return nil
}

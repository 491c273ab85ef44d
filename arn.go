package cairn

import (
	"fmt"
	"strings"
)

// An ARN is an Amazon Resource Name, taken apart at its colons.
type ARN struct {
	Partition string // e.g. "aws"
	Service   string // e.g. "iam"
	Region    string // empty for global services
	AccountID string // empty where the name is unique without it, as in S3
	Resource  string // e.g. "role/admin"; may itself hold colons
}

// ParseARN takes s apart. Region and account may be empty, the rest may not.
func ParseARN(s string) (ARN, error) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return ARN{}, fmt.Errorf("parse ARN %q: does not begin with \"arn:\"", s)
	}
	var parts [4]string
	for i := range parts {
		if parts[i], rest, ok = strings.Cut(rest, ":"); !ok {
			return ARN{}, fmt.Errorf("parse ARN %q: fewer than six parts", s)
		}
	}
	if parts[0] == "" || parts[1] == "" || rest == "" {
		return ARN{}, fmt.Errorf("parse ARN %q: partition, service or resource is empty", s)
	}
	return ARN{Partition: parts[0], Service: parts[1], Region: parts[2], AccountID: parts[3], Resource: rest}, nil
}

// PartitionOf returns the partition that a region belongs to: that of its ARNs.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// String puts the ARN together again.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.AccountID + ":" + a.Resource
}

// arnResource returns the resource part of an ARN, or "" when s is none. It is
// ParseARN for the extractor, which must not allocate an error.
func arnResource(s string) string {
	if !strings.HasPrefix(s, "arn:") {
		return ""
	}
	for range 5 {
		_, rest, ok := strings.Cut(s, ":")
		if !ok {
			return ""
		}
		s = rest
	}
	return s
}

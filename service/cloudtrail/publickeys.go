package cloudtrail

import (
	"context"
	"time"

	"cairn/aws"
)

// ListPublicKeysInput holds the parameters of ListPublicKeys. A time that is not
// given is now.
type ListPublicKeysInput struct {
	StartTime time.Time
	EndTime   time.Time
	NextToken string
}

// A PublicKey verifies the digests that were signed in its validity.
type PublicKey struct {
	Value             []byte // RSAPublicKey of PKCS #1, in DER
	ValidityStartTime time.Time
	ValidityEndTime   time.Time
	Fingerprint       string
}

// ListPublicKeysOutput lists the region's keys. There are so few that they are
// one page.
type ListPublicKeysOutput struct {
	PublicKeyList []PublicKey
	NextToken     string
}

func (s *Service) listPublicKeys(_ context.Context, c *aws.Call, in *ListPublicKeysInput) (*ListPublicKeysOutput, error) {
	if in.NextToken != "" {
		return nil, errToken()
	}
	start, end := in.StartTime, in.EndTime
	if start.IsZero() {
		start = s.Now()
	}
	if end.IsZero() {
		end = s.Now()
	}
	if start.After(end) {
		return nil, errTimeRange()
	}
	keys, err := s.Keys.Public(c.Region, start, end)
	if err != nil {
		return nil, err
	}
	out := &ListPublicKeysOutput{PublicKeyList: []PublicKey{}}
	for _, k := range keys {
		out.PublicKeyList = append(out.PublicKeyList, PublicKey{Value: k.DER, ValidityStartTime: k.From, ValidityEndTime: k.Until, Fingerprint: k.Fingerprint})
	}
	return out, nil
}

package kms

import (
	"encoding/base64"
	"fmt"

	"cairn/aws"
	"cairn/catalog"
)

// A page says which part of a list an answer has.
type page struct {
	after string // the last item of the answer before
	limit int
	last  string // the last item of this answer
}

func (p *page) full(n int) bool { return n == p.limit }

const markerPurpose = "kms-list-marker"

// page reads the members Marker and Limit. A marker is the last item of an
// answer, sealed for the account, the region, the list and what it is about.
func (s *Service) page(c *aws.Call, about, marker string, limit *int32, defaultLimit int) (page, error) {
	p := page{limit: defaultLimit}
	if limit != nil {
		p.limit = int(*limit)
	}
	if marker == "" {
		return p, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(marker)
	if err != nil {
		return p, errMarker()
	}
	after, err := s.Catalog.Keyring().Open(markerPurpose, markerRow(c, about), sealed)
	if err != nil || len(after) == 0 {
		return p, errMarker()
	}
	p.after = string(after)
	return p, nil
}

// marker is the member NextMarker of an answer that ends with an item.
func (s *Service) marker(c *aws.Call, about, last string) (string, error) {
	sealed, err := s.Catalog.Keyring().Seal(markerPurpose, markerRow(c, about), []byte(last))
	if err != nil {
		return "", fmt.Errorf("seal marker: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

func markerRow(c *aws.Call, about string) string {
	return catalog.Key(callerAccount(c), c.Region, c.Operation, about)
}

// texts returns a page of sorted texts.
func (p *page) texts(all []string) (items []string, more bool) {
	for _, text := range all {
		if text <= p.after {
			continue
		}
		if p.full(len(items)) {
			return items, true
		}
		p.last, items = text, append(items, text)
	}
	return items, false
}

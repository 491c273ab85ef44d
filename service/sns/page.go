package sns

import (
	"encoding/base64"
	"fmt"

	"cairn/aws"
	"cairn/catalog"
)

// pageSize is how many items a list's answer has.
const pageSize = 100

const tokenPurpose = "sns-next-token"

// page reads the member NextToken: the last row's key of the answer before,
// sealed for the account, the region, the list and what it is about.
func (s *Service) page(c *aws.Call, about, token string) (after string, err error) {
	if token == "" {
		return "", nil
	}
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		var key []byte
		key, err = s.cfg.Catalog.Keyring().Open(tokenPurpose, tokenRow(c, about), sealed)
		after = string(key)
	}
	if err != nil {
		return "", errInvalid("NextToken Reason: The token is not one that this account was given for this list.")
	}
	return after, nil
}

func (s *Service) nextToken(c *aws.Call, about, last string) (string, error) {
	sealed, err := s.cfg.Catalog.Keyring().Seal(tokenPurpose, tokenRow(c, about), []byte(last))
	if err != nil {
		return "", fmt.Errorf("seal token: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

func tokenRow(c *aws.Call, about string) string {
	return catalog.Key(callerAccount(c), c.Region, c.Operation, about)
}
